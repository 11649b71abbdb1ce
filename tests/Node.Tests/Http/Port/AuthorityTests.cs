using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Conclave.Node.Http;
using Conclave.Node.Tests.Nodes;
using static Conclave.Node.Tests.Http.Port.Http2Bytes;

namespace Conclave.Node.Tests.Http.Port;

/// <summary>Clients whose <c>:authority</c> is no host, against the real port.</summary>
public class AuthorityTests
{
    /// <summary>Everything that can be coded and is no part of a host.</summary>
    private const string Worst = "http:// %/=:*,;\"?+|#>@[]^}<`{:80";

    private static readonly byte[] Path = Literal(4, "/plain", huffman: false);

    [Theory]
    [InlineData("http://127.0.0.1:2379", false)]
    [InlineData("http://127.0.0.1:2379", true)]
    [InlineData("http://127.0.0.1:2379/", true)]
    [InlineData("#initially=[http://127.0.0.1:2379;http://127.0.0.1:22379]", true)]
    [InlineData(Worst, false)]
    [InlineData(Worst, true)]
    public async Task Requests_are_served_over_cleartext_and_tls_in_whatever_pieces_they_come(string authority, bool huffman)
    {
        using X509Certificate2 certificate = NewCertificate();
        await using TestListener listener = await StartAsync(certificate);
        await using NetworkStream cleartext = await ConnectAsync(listener.EndPoints[0]);
        await AssertServedAsync(cleartext, GetOverHttp, authority, huffman);

        await using NetworkStream socket = await ConnectAsync(listener.EndPoints[1]);
        await using var tls = new SslStream(socket);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            RemoteCertificateValidationCallback = (_, served, _, _) => served?.GetCertHashString() == certificate.GetCertHashString(),
        }, TestContext.Current.CancellationToken);
        await AssertServedAsync(tls, GetOverHttps, authority, huffman);
    }

    [Fact]
    public async Task Other_authorities_that_are_no_host_are_refused_as_before()
    {
        using X509Certificate2 certificate = NewCertificate();
        await using TestListener listener = await StartAsync(certificate);
        await using NetworkStream connection = await ConnectAsync(listener.EndPoints[0]);
        await connection.WriteAsync((byte[])[.. Preface, .. EmptySettings, .. HeadersFrame([.. GetOverHttp, .. Authority("user@host", true), .. Path])], TestContext.Current.CancellationToken);
        Assert.Equal((3, 1), await AnswerAsync(connection)); // RST_STREAM
    }

    [Theory]
    [InlineData("endpoint", "status")]
    [InlineData("endpoint", "status", "--cluster")]
    [InlineData("endpoint", "hashkv")]
    [InlineData("endpoint", "health")]
    [InlineData("defrag")]
    public async Task Etcdctl_reaches_an_endpoint_given_as_a_url(params string[] command)
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        await UntilUrlsArePublishedAsync(node);
        string url = node.Options.ListenClientUrls[0].GetLeftPart(UriPartial.Authority);
        foreach (string endpoint in new[] { url, url + "/", url["http://".Length..] })
            Assert.Contains(url["http://".Length..], await EtcdctlAsync(["--endpoints", endpoint, .. command]), StringComparison.Ordinal);
    }

    /// <summary>A member's URLs enter the list shortly after it has begun to serve; <c>--cluster</c> goes by the list.</summary>
    private static async Task UntilUrlsArePublishedAsync(TestNode node)
    {
        for (int attempt = 0; attempt < 3_000; attempt++)
        {
            (_, JsonElement body) = await node.PostAsync("/v3/cluster/member/list", new { });
            if (body.GetProperty("members")[0].TryGetProperty("clientURLs", out _)) return;
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.Fail("The member never published its URLs.");
    }

    private static async Task AssertServedAsync(Stream connection, byte[] get, string authority, bool huffman)
    {
        byte[] first = [.. Preface, .. EmptySettings, .. HeadersFrame([.. get, .. Authority(authority, huffman), .. Path])];
        for (int at = 0; at < first.Length; at += 3)
        {
            await connection.WriteAsync(first.AsMemory(at, Math.Min(3, first.Length - at)), TestContext.Current.CancellationToken);
            await connection.FlushAsync(TestContext.Current.CancellationToken);
        }

        Assert.Equal((1, 1), await AnswerAsync(connection));
        byte[] fromTable = HeadersFrame([.. get, 0xbf, 0xbe], 3); // path and authority as before
        await connection.WriteAsync(fromTable, TestContext.Current.CancellationToken);
        Assert.Equal((1, 3), await AnswerAsync(connection));
        byte[] afresh = HeadersFrame([0x20, 0x3f, 0xe1, 0x1f, .. get, .. Authority(authority, huffman), .. Path], 5); // empties the table first
        await connection.WriteAsync(afresh, TestContext.Current.CancellationToken);
        Assert.Equal((1, 5), await AnswerAsync(connection));
    }

    /// <summary>Reads up to the next HEADERS, RST_STREAM or GOAWAY.</summary>
    private static async Task<(int Type, int Stream)> AnswerAsync(Stream connection)
    {
        byte[] header = new byte[9];
        while (true)
        {
            await connection.ReadExactlyAsync(header, TestContext.Current.CancellationToken);
            byte[] payload = new byte[header[0] << 16 | header[1] << 8 | header[2]];
            await connection.ReadExactlyAsync(payload, TestContext.Current.CancellationToken);
            if (header[3] is 1 or 3 or 7) return (header[3], header[8]);
        }
    }

    private static async Task<NetworkStream> ConnectAsync(IPEndPoint endPoint)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endPoint, TestContext.Current.CancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static Task<TestListener> StartAsync(X509Certificate2 certificate) => TestListener.StartAsync(
        routes: routes => routes.Add("/plain", (_, _) => ValueTask.FromResult(PlainResponse.Text(200, "fine"))),
        change: options => options with
        {
            Addresses =
            [
                new ListenAddress(new IPEndPoint(IPAddress.Loopback, 0)),
                new ListenAddress(new IPEndPoint(IPAddress.Loopback, 0), _ => new SslServerAuthenticationOptions { ServerCertificate = certificate }),
            ],
        });

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        return new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    private static async Task<string> EtcdctlAsync(string[] arguments)
    {
        var start = new ProcessStartInfo("etcdctl", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ETCDCTL_API"] = "3";
        Process process;
        try
        {
            process = Process.Start(start)!; // Not null: no shell is involved.
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("etcdctl is not installed. Run: apt-get install etcd-client");
            throw;
        }

        using (process)
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == 0, $"etcdctl {string.Join(' ', arguments)} ended with {process.ExitCode}: {await output}{await error}");
            return await output + await error;
        }
    }
}
