using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Conclave.Node.Http;
using Conclave.Node.Http.Limits;
using Conclave.Node.Http.Port;
using Conclave.Node.Tests.Limits;
using Conclave.Wire.Etcd.Etcdserverpb;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conclave.Node.Tests.Http;

public class PortSharingTests
{
    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    [Theory]
    [InlineData("", null)]
    [InlineData("P", null)]
    [InlineData("PRI * HTTP/2.0\r", null)]
    [InlineData("PRI * HTTP/2.0\r\n", 1)]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 1)]
    [InlineData("POST / HTTP/1.1\r\n", 0)]
    [InlineData("PRI * HTTP/1.1\r\n", 0)]
    [InlineData("G", 0)]
    [InlineData("\u0016\u0003\u0001", 0)]
    public void The_first_bytes_tell_the_protocol(string bytes, int? expected) => Assert.Equal(
        (PortProtocol?)expected, ProtocolRecognition.Recognise(new ReadOnlySequence<byte>(Encoding.Latin1.GetBytes(bytes))));

    [Fact]
    public async Task Grpc_and_http_1_share_one_port()
    {
        await using TestListener listener = await StartAsync();
        Assert.Equal([1], (await listener.Grpc().CallAsync("/test.Test/Call", GrpcTestClient.Frame([1]))).Message);
        Assert.Equal("fine", await listener.Http().GetStringAsync("/plain", TestContext.Current.CancellationToken));
        using var http2 = new HttpRequestMessage(HttpMethod.Get, "/plain") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        HttpResponseMessage plainOverHttp2 = await listener.Http().SendAsync(http2, TestContext.Current.CancellationToken);
        Assert.Equal("fine", await plainOverHttp2.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_preface_that_arrives_byte_by_byte_is_still_http_2()
    {
        await using TestListener listener = await StartAsync();
        RawConnection connection = listener.Connect();
        foreach (byte b in Preface)
            await connection.SendAsync([b]);
        await connection.SendAsync([0, 0, 0, 4, 0, 0, 0, 0, 0]); // empty SETTINGS
        byte[] answer = await connection.ReceiveAsync(9);
        Assert.Equal(4, answer[3]); // SETTINGS
    }

    [Fact]
    public async Task An_http_1_request_that_arrives_byte_by_byte_is_answered()
    {
        await using TestListener listener = await StartAsync();
        RawConnection connection = listener.Connect();
        foreach (byte b in "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray())
            await connection.SendAsync([b]);
        Assert.Equal("HTTP/1.1 200 OK", await connection.ReadLineAsync());
    }

    [Fact]
    public async Task A_silent_connection_is_closed_and_others_do_not_wait_for_it()
    {
        await using TestListener listener = await StartAsync(o => o with { FirstBytesTimeout = TimeSpan.FromSeconds(2) });   // long enough for one that speaks, on a busy machine too
        RawConnection silent = listener.Connect();
        RawConnection half = listener.Connect();
        await half.SendAsync(Preface[..5]);
        Assert.Equal("fine", await listener.Http().GetStringAsync("/plain", TestContext.Current.CancellationToken));
        Assert.Empty(await ReadToEnd(silent));
        Assert.Empty(await ReadToEnd(half));
    }

    [Fact]
    public async Task The_oldest_silent_connection_makes_room_for_one_that_speaks()
    {
        await using TestListener listener = await StartAsync(o => o with { SilentConnectionsMax = 2, FirstBytesTimeout = TimeSpan.FromMinutes(10) });
        RawConnection first = listener.Connect(), second = listener.Connect();
        Assert.Equal("fine", await listener.Http().GetStringAsync("/plain", TestContext.Current.CancellationToken));
        Assert.Empty(await ReadToEnd(first));
        await second.SendAsync("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal("HTTP/1.1 200 OK", await second.ReadLineAsync());
        Assert.Equal(1, listener.Refusals.Of(RefusalReason.SilentConnection));
    }

    [Fact]
    public async Task Connections_that_all_come_at_once_are_not_hung_up_on_before_they_could_be_heard()
    {
        var time = new ManualClock();
        await using TestListener listener = await StartAsync(o => o with { SilentConnectionsMax = 2, FirstBytesTimeout = TimeSpan.FromMinutes(10), Time = time });
        List<RawConnection> all = [.. Enumerable.Range(0, 6).Select(_ => listener.Connect())];   // the kernel takes those that are not accepted yet
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);   // for those that are, to be reset if they were
        foreach (RawConnection each in all)
        {
            await each.SendAsync("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.Equal("HTTP/1.1 200 OK", await each.ReadLineAsync());
        }

        Assert.Equal(0, listener.Refusals.Of(RefusalReason.SilentConnection));
    }

    [Fact]
    public async Task A_taken_port_is_reported_with_its_address()
    {
        await using TestListener listener = await StartAsync();
        await using var second = new ClientListener(
            new ClientListenerOptions { Addresses = [new ListenAddress(listener.EndPoint)] }, new RpcRegistry(), new PlainRoutes(), NullLoggerFactory.Instance);
        IOException refused = await Assert.ThrowsAsync<IOException>(() => second.StartAsync(TestContext.Current.CancellationToken));
        Assert.Contains(listener.EndPoint.ToString(), refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_addresses_are_served()
    {
        await using TestListener listener = await StartAsync(o => o with
        {
            Addresses = [new ListenAddress(new IPEndPoint(IPAddress.Loopback, 0)), new ListenAddress(new IPEndPoint(IPAddress.IPv6Loopback, 0))],
        });
        foreach (IPEndPoint endPoint in listener.EndPoints)
            Assert.Equal("fine", await listener.Http().GetStringAsync(new Uri($"http://{endPoint}/plain"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_address_with_a_certificate_serves_both_protocols_over_tls()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var tls = new SslServerAuthenticationOptions { ServerCertificate = certificate };
        await using TestListener listener = await StartAsync(o => o with { Addresses = [new ListenAddress(new IPEndPoint(IPAddress.Loopback, 0), _ => tls)] });
        using var client = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, served, _, _) => served?.GetCertHashString() == certificate.GetCertHashString() },
        });
        foreach (Version version in new[] { HttpVersion.Version11, HttpVersion.Version20 })
        {
            using var get = new HttpRequestMessage(HttpMethod.Get, new Uri($"https://{listener.EndPoint}/plain"))
            {
                Version = version,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            HttpResponseMessage answer = await client.SendAsync(get, TestContext.Current.CancellationToken);
            Assert.Equal("fine", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            Assert.Equal(version, answer.Version);
        }
    }

    [Fact]
    public void Options_name_everything_that_is_wrong_with_them()
    {
        var options = new ClientListenerOptions { Addresses = [], ReceiveBytesMax = 5, SilentConnectionsMax = 0, FirstBytesTimeout = TimeSpan.Zero };
        Assert.Equal(4, options.Problems().Count());
        Assert.Throws<ArgumentException>(() => new ClientListener(options, new RpcRegistry(), new PlainRoutes(), NullLoggerFactory.Instance));
    }

    [Fact]
    public void A_path_can_be_registered_once()
    {
        var registry = new RpcRegistry();
        registry.Add(Method("/a.B/C", "/v3/c"));
        Assert.Throws<InvalidOperationException>(() => registry.Add(Method("/a.B/C", "/v3/d")));
        Assert.Throws<InvalidOperationException>(() => registry.Add(Method("/a.B/D", "/v3/c")));
        Assert.Throws<ArgumentException>(() => Method("a.B/C"));
        Assert.Equal(0, registry.Methods[0].Ordinal);

        static RpcMethod Method(string path, params string[] httpPaths) =>
            RpcMethod.ForUnary<PutRequest, PutResponse>(path, (_, _, _) => default, httpPaths);
    }

    private static async Task<byte[]> ReadToEnd(RawConnection connection)
    {
        try
        {
            return await connection.ReceiveAsync(1);
        }
        catch (SocketException)
        {
            return []; // Reset instead of closed: just as good.
        }
    }

    private static Task<TestListener> StartAsync(Func<ClientListenerOptions, ClientListenerOptions>? change = null) => TestListener.StartAsync(
        registry => registry.Add(RpcMethod.ForUnary<PutRequest, PutRequest>("/test.Test/Call", (context, request, response) =>
        {
            response.Write(request.Span);
            return default;
        })),
        routes => routes.Add("/plain", (_, _) => ValueTask.FromResult(PlainResponse.Text(200, "fine"))),
        change);
}
