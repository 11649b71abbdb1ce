using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Conclave.Client.Rpc;
using Conclave.Node.Http;
using Conclave.Node.Http.Limits;
using Conclave.Node.Options;
using Conclave.Node.Tests.Http;
using Conclave.Node.Tests.Limits;
using Conclave.Node.Tests.Nodes;
using Conclave.Node.Tls;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Node.Tests.Tls;

/// <summary>TLS of the client port, from the handshake to what a handler knows of its caller.</summary>
public sealed class ClientTlsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly TestAuthority _authority, _stranger;
    private readonly Issued _server;
    private readonly CapturedLog _log = new();

    public ClientTlsTests()
    {
        _authority = new TestAuthority(_directory.Path);
        _stranger = new TestAuthority(_directory.Path, "stranger");
        _server = _authority.Issue("server");
    }

    public void Dispose()
    {
        _authority.Dispose();
        _stranger.Dispose();
        _directory.Dispose();
    }

    private TlsOptions Server => new() { Prefix = "", CertFile = _server.CertFile, KeyFile = _server.KeyFile };

    private TlsOptions Mutual => Server with { CertAuth = true, TrustedCaFile = _authority.CertFile };

    [Fact]
    public async Task A_client_that_trusts_the_authority_is_served_over_both_protocols()
    {
        await using TestListener listener = await StartAsync(Server);

        Assert.Equal("-", await CallAsync(listener, _authority.Client()));
        Assert.Equal("-", await PostAsync(listener, _authority.Client(), HttpVersion.Version11));
        Assert.Equal("-", await PostAsync(listener, _authority.Client(), HttpVersion.Version20));
    }

    [Fact]
    public async Task A_client_that_trusts_another_authority_does_not_talk_to_the_server()
    {
        await using TestListener listener = await StartAsync(Server);

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => CallAsync(listener, _stranger.Client()));

        Assert.Contains("TLS handshake", refused.Message);
        Assert.Equal(RequestFate.NotSent, refused.Fate);
    }

    [Fact]
    public async Task The_common_name_of_a_verified_certificate_reaches_the_handler_over_both_protocols()
    {
        await using TestListener listener = await StartAsync(Mutual);
        Issued alice = _authority.Issue("alice");

        Assert.Equal("alice", await CallAsync(listener, _authority.Client(alice)));
        Assert.Equal("alice", await PostAsync(listener, _authority.Client(alice), HttpVersion.Version11));
    }

    [Fact]
    public async Task Without_client_cert_auth_a_certificate_is_asked_for_and_names_nobody()
    {
        await using TestListener listener = await StartAsync(Mutual with { CertAuth = false });

        Assert.Equal("-", await CallAsync(listener, _authority.Client(_authority.Issue("alice"))));
        await RefusedAsync(listener, _authority.Client(), "it showed no certificate");
    }

    [Fact]
    public async Task Clients_without_a_certificate_or_with_one_that_is_not_in_order_are_refused_and_the_log_says_why()
    {
        await using TestListener listener = await StartAsync(Mutual with { AllowedNames = ["alice", "bob"] });

        await RefusedAsync(listener, _authority.Client(), "it showed no certificate");
        await RefusedAsync(listener, _authority.Client(_stranger.Issue("alice")), "(CN=alice, O=test) does not lead to an authority in --trusted-ca-file");
        await RefusedAsync(listener, _authority.Client(_authority.Issue("alice", goodForDays: -1)), "and not now");
        await RefusedAsync(listener, _authority.Client(_authority.Issue("mallory")), "has a common name that --client-cert-allowed-cn does not allow");
        Assert.Equal("bob", await CallAsync(listener, _authority.Client(_authority.Issue("bob", forClientsOnly: true))));
    }

    [Fact]
    public async Task Certificates_for_other_hosts_than_the_allowed_ones_are_refused()
    {
        await using TestListener listener = await StartAsync(Mutual with { AllowedHostnames = ["a.example.com", "b.example.com"] });

        Assert.Equal("x", await CallAsync(listener, _authority.Client(_authority.Issue("x", ["b.example.com"]))));
        Assert.Equal("y", await CallAsync(listener, _authority.Client(_authority.Issue("y", ["*.example.com"]))));
        await RefusedAsync(listener, _authority.Client(_authority.Issue("a.example.com", ["c.example.com"])), "made out to no host that --client-cert-allowed-hostname allows");
    }

    [Fact]
    public async Task A_revoked_certificate_is_refused_from_the_moment_the_list_names_it()
    {
        Issued alice = _authority.Issue("alice"), bob = _authority.Issue("bob");
        var time = new ManualClock();
        await using TestListener listener = await StartAsync(Mutual with { CrlFile = _authority.Revoke("crl.pem", bob) }, time);

        Assert.Equal("alice", await CallAsync(listener, _authority.Client(alice)));
        await RefusedAsync(listener, _authority.Client(bob), "was revoked");
        _authority.Revoke("crl.pem", alice, bob);
        time.Advance(TimeSpan.FromSeconds(2));

        await RefusedAsync(listener, _authority.Client(alice), "(CN=alice, O=test) was revoked");
    }

    [Fact]
    public async Task A_new_certificate_is_served_to_new_connections_and_the_old_ones_go_on()
    {
        var time = new ManualClock();
        await using TestListener listener = await StartAsync(Server, time);
        using RpcChannel old = Channel(listener, _authority.Client());
        Assert.Equal("-", await CallAsync(old));
        string before = await ServedAsync(listener);

        _authority.Issue("renewed", file: "authority-server");
        Assert.Equal(before, await ServedAsync(listener));   // within the second
        time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal("CN=renewed, O=test", Reversed(await ServedAsync(listener)));
        Assert.Equal("-", await CallAsync(old));
        Assert.Contains(_log.Lines, line => line.Contains("new connections use"));
    }

    [Fact]
    public async Task A_broken_new_file_leaves_the_old_certificate_in_use_and_is_said_once()
    {
        var time = new ManualClock();
        await using TestListener listener = await StartAsync(Server, time);
        string before = await ServedAsync(listener), whole = File.ReadAllText(_server.CertFile);

        File.WriteAllText(_server.CertFile, whole[..(whole.Length / 2)]);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(before, await ServedAsync(listener));
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(before, await ServedAsync(listener));
        Assert.Single(_log.Lines, line => line.Contains("cannot be used, so the former ones stay in use"));

        File.Delete(_server.CertFile);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(before, await ServedAsync(listener));
        _authority.Issue("renewed", file: "authority-server");
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("CN=renewed, O=test", Reversed(await ServedAsync(listener)));
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
    public async Task Versions_from_1_2_on_are_spoken(SslProtocols version, bool _)
    {
        await using TestListener listener = await StartAsync(Server);
        Assert.Equal("CN=server, O=test", Reversed(await ServedAsync(listener, version)));
    }

    [Fact]
    public async Task A_version_below_the_least_is_refused()
    {
        await using TestListener listener = await StartAsync(Server, policy: new TlsPolicy { MinVersion = TlsPolicy.V13 });

        await Assert.ThrowsAnyAsync<Exception>(() => ServedAsync(listener, SslProtocols.Tls12));

        Assert.NotEmpty(await ServedAsync(listener, SslProtocols.Tls13));
        await TestNode.EventuallyAsync("it is counted", () => Task.FromResult(listener.Refusals.Of(RefusalReason.Handshake) == 1));
    }

    [Fact]
    public async Task A_client_that_speaks_http_to_a_tls_port_is_told_so()
    {
        await using TestListener listener = await StartAsync(Server);
        using RawConnection connection = listener.Connect();
        await connection.SendAsync("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.Equal("HTTP/1.0 400 Bad Request", await connection.ReadLineAsync());
        Assert.Equal("", await connection.ReadLineAsync());
        Assert.Equal("Client sent an HTTP request to an HTTPS server.", await connection.ReadLineAsync());
    }

    [Fact]
    public async Task A_handshake_that_is_not_gone_on_with_is_cut()
    {
        await using TestListener listener = await StartAsync(Server, change: o => o with { HandshakeTimeout = TimeSpan.FromMilliseconds(200) });
        using var silent = new TcpClient();
        await silent.ConnectAsync(listener.EndPoint, TestContext.Current.CancellationToken);
        using var half = new TcpClient();
        await half.ConnectAsync(listener.EndPoint, TestContext.Current.CancellationToken);

        foreach (TcpClient client in (TcpClient[])[half, silent])
        {
            try
            {
                if (client == half) await half.GetStream().WriteAsync(new byte[] { 0x16, 3, 1, 2, 0, 1 }, TestContext.Current.CancellationToken);
                Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1], TestContext.Current.CancellationToken));
            }
            catch (IOException)
            {
                // Reset instead of closed: just as good.
            }
        }
    }

    [Fact]
    public void A_certificate_of_the_nodes_own_is_kept_until_it_expires()
    {
        string path = Path.Combine(_directory.Path, "fixtures", "client");
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        (string cert, string key) = SelfSignedCertificate.Ensure(path, ["127.0.0.1", "node.example.com"], 1, now, _log);
        string first = File.ReadAllText(cert);

        SelfSignedCertificate.Ensure(path, ["127.0.0.1"], 1, now.AddDays(364), _log);
        Assert.Equal(first, File.ReadAllText(cert));
        using (X509Certificate2 made = X509CertificateLoader.LoadCertificateFromFile(cert))
        {
            Assert.True(made.MatchesHostname("127.0.0.1"));
            Assert.True(made.MatchesHostname("node.example.com"));
        }

        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
        SelfSignedCertificate.Ensure(path, ["127.0.0.1"], 3, now.AddDays(366), _log);
        Assert.NotEqual(first, File.ReadAllText(cert));
    }

    [Theory]
    [InlineData("", "cannot be read")]
    [InlineData("nonsense", "holds no certificate")]
    [InlineData("other", "does not hold the private key")]
    public void Files_that_cannot_be_used_are_named_at_the_start(string content, string expected)
    {
        Issued other = _authority.Issue("other");
        string file = Path.Combine(_directory.Path, "x.crt");
        if (content.Length > 0) File.WriteAllText(file, content == "other" ? File.ReadAllText(other.CertFile) : content);

        TlsFileException refused = Assert.Throws<TlsFileException>(() => Open(Server with { CertFile = file }));

        Assert.Contains(expected, refused.Message);
        Assert.Contains(file, refused.Message);
    }

    private async Task RefusedAsync(TestListener listener, SslClientAuthenticationOptions tls, string expected)
    {
        await Assert.ThrowsAsync<RpcException>(() => CallAsync(listener, tls));
        await TestNode.EventuallyAsync($"the log says '{expected}'", () => Task.FromResult(_log.Lines.Any(line => line.Contains("Refused a client at 127.0.0.1") && line.Contains(expected))));
    }

    private TlsSide Open(TlsOptions options, TimeProvider? time = null, TlsPolicy? policy = null) =>
        TlsSide.Open(options, [], new NodeOptions { TlsPolicy = policy ?? new TlsPolicy() }, time ?? TimeProvider.System, _log);

    /// <summary>Serves one method that answers with the name of its caller.</summary>
    private Task<TestListener> StartAsync(TlsOptions options, TimeProvider? time = null, TlsPolicy? policy = null, Func<ClientListenerOptions, ClientListenerOptions>? change = null)
    {
        TlsSide side = Open(options, time, policy);
        return TestListener.WithUnaryAsync(
            (context, _, response) =>
            {
                response.Write(new PutRequest { Key = ByteString.CopyFromUtf8(context.CertificateName ?? "-") }.ToByteArray());
                return default;
            },
            o =>
            {
                var refusals = new ClientRefusals(TimeProvider.System, _log);
                o = o with
                {
                    Addresses = [new ListenAddress(new IPEndPoint(IPAddress.Loopback, 0), peer => side.ForHttp(problem => refusals.Say(RefusalReason.Certificate, peer, problem)))],
                    CertificatesNameUsers = side.NamesUsers,
                    Refusals = refusals,
                };
                return change?.Invoke(o) ?? o;
            });
    }

    private static RpcChannel Channel(TestListener listener, SslClientAuthenticationOptions tls) =>
        new(new Uri($"https://{listener.EndPoint}"), new RpcChannelOptions { Tls = tls, ConnectTimeout = TimeSpan.FromSeconds(60) });

    private static async Task<string> CallAsync(TestListener listener, SslClientAuthenticationOptions tls)
    {
        using RpcChannel channel = Channel(listener, tls);
        return await CallAsync(channel);
    }

    private static async Task<string> CallAsync(RpcChannel channel)
    {
        using RpcReply reply = await channel.CallAsync("/test.Test/Call", new PutRequest().ToByteArray(), cancellationToken: TestContext.Current.CancellationToken);
        return PutRequest.Parser.ParseFrom(reply.Message.Span).Key.ToStringUtf8();
    }

    private static async Task<string> PostAsync(TestListener listener, SslClientAuthenticationOptions tls, Version version)
    {
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = tls });
        using var post = new HttpRequestMessage(HttpMethod.Post, $"https://{listener.EndPoint}/v3/test/call")
        {
            Content = new StringContent("{}"),
            Version = version,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using HttpResponseMessage answer = await http.SendAsync(post, TestContext.Current.CancellationToken);
        Assert.Equal(version, answer.Version);
        string text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(System.Text.Json.JsonDocument.Parse(text).RootElement.GetProperty("key").GetBytesFromBase64());
    }

    /// <summary>Subject of the certificate that a new connection is shown.</summary>
    private static async Task<string> ServedAsync(TestListener listener, SslProtocols version = SslProtocols.None)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(listener.EndPoint, TestContext.Current.CancellationToken);
        await using var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "127.0.0.1", EnabledSslProtocols = version, RemoteCertificateValidationCallback = (_, _, _, _) => true },
            TestContext.Current.CancellationToken);
        return tls.RemoteCertificate!.Subject;
    }

    private static string Reversed(string subject) => string.Join(", ", subject.Split(", ").Order(StringComparer.Ordinal));
}
