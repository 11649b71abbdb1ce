using System.Buffers;
using System.Net;
using Conclave.Node.Http;
using Conclave.Node.Http.Limits;
using Conclave.Node.Options;
using Conclave.Node.Tests.Http;
using Conclave.Node.Tests.Nodes;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Tests.Limits;

/// <summary>What the client port turns away, and how it says so.</summary>
public class LimitTests
{
    private const string Call = "/test.Test/Call";

    [Fact]
    public async Task Calls_above_the_rate_are_refused_at_once_with_a_hint_and_pass_later()
    {
        var time = new ManualClock();
        int handled = 0;
        await using TestListener listener = await EchoAsync(new LimitOptions { RequestsPerSecond = 2 }, time, () => handled++);
        using HttpClient http = listener.Http();
        for (int i = 0; i < 2; i++) Assert.Equal(HttpStatusCode.OK, (await PostAsync(http)).StatusCode);

        HttpResponseMessage refused = await PostAsync(http);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter!.Delta);
        Assert.Equal("500", refused.Headers.GetValues("Grpc-Metadata-grpc-retry-pushback-ms").Single());
        Assert.Equal("""{"error":"etcdserver: too many requests","message":"etcdserver: too many requests","code":8}""", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(EtcdErrors.TooManyRequests, (await listener.Grpc().CallAsync(Call, new PutRequest())).Status);
        Assert.Equal(2, handled);
        Assert.Equal(2, listener.Refusals.Of(RefusalReason.RequestRate));

        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True((await listener.Grpc().CallAsync(Call, new PutRequest())).Status.IsOK);
    }

    [Fact]
    public async Task A_grpc_client_is_told_when_to_come_again_and_that_nothing_was_done()
    {
        await using TestListener listener = await EchoAsync(new LimitOptions { RequestsPerSecond = 1 }, new ManualClock());
        using var http = new HttpMessageInvoker(new SocketsHttpHandler());
        HttpResponseMessage? last = null;
        for (int i = 0; i < 2; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(listener.Address, Call))
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new ByteArrayContent(GrpcTestClient.Frame([])),
            };
            request.Content.Headers.TryAddWithoutValidation("content-type", "application/grpc");
            last = await http.SendAsync(request, TestContext.Current.CancellationToken);
        }

        Assert.Equal(EtcdErrors.TooManyRequests, GrpcTestClient.StatusOf(last!));
        Assert.Equal("1000", last!.Headers.GetValues("grpc-retry-pushback-ms").Single());
        Assert.Equal("refused", last.Headers.GetValues("conclave-outcome").Single());
    }

    [Fact]
    public async Task Our_client_comes_again_when_it_was_told_to_and_gets_through()
    {
        var time = new ManualClock();
        await using TestListener listener = await TestListener.StartAsync(new FakeKv().AddTo, change: o => o with { Limits = new LimitOptions { RequestsPerSecond = 1 }, Time = time });
        await using var client = new Conclave.Client.ConclaveClient(new Conclave.Client.ConclaveClientOptions
        {
            Endpoints = [listener.EndPoint.ToString()],
            RetryPatience = TimeSpan.FromMinutes(1),
            RequestTimeout = TimeSpan.FromMinutes(1),
        });
        await client.PutAsync("k", "1", cancellationToken: TestContext.Current.CancellationToken);

        Task second = client.PutAsync("k", "2", cancellationToken: TestContext.Current.CancellationToken).AsTask();
        await TestNode.EventuallyAsync("it is refused", () => Task.FromResult(listener.Refusals.Of(RefusalReason.RequestRate) > 0));
        time.Advance(TimeSpan.FromSeconds(1));

        await second;
    }

    [Fact]
    public async Task Bytes_above_the_rate_keep_the_next_calls_out()
    {
        var time = new ManualClock();
        await using TestListener listener = await EchoAsync(new LimitOptions { RequestBytesPerSecond = 1000 }, time);
        var large = new PutRequest { Value = ByteString.CopyFrom(new byte[5000]) };
        Assert.True((await listener.Grpc().CallAsync(Call, large)).Status.IsOK);

        Assert.Equal(EtcdErrors.TooManyRequests, (await listener.Grpc().CallAsync(Call, new PutRequest())).Status);
        time.Advance(TimeSpan.FromSeconds(6));
        Assert.True((await listener.Grpc().CallAsync(Call, new PutRequest())).Status.IsOK);
        Assert.Equal(1, listener.Refusals.Of(RefusalReason.RequestBytes));
    }

    [Fact]
    public async Task One_address_cannot_take_the_share_of_another()
    {
        var time = new ManualClock();
        await using TestListener listener = await EchoAsync(new LimitOptions { ClientRequestsPerSecond = 1 }, time, change: o => o with
        {
            Addresses = [new ListenAddress(new IPEndPoint(IPAddress.Any, 0))],
        });
        Assert.True((await Client("127.0.0.1").CallAsync(Call, new PutRequest())).Status.IsOK);

        Assert.Equal(EtcdErrors.TooManyRequests, (await Client("127.0.0.1").CallAsync(Call, new PutRequest())).Status);
        Assert.True((await Client("127.0.0.2").CallAsync(Call, new PutRequest())).Status.IsOK);   // Linux answers from the address that was dialled, and dials from it

        GrpcTestClient Client(string from) => new(new Uri($"http://{from}:{listener.EndPoint.Port}"), IPAddress.Parse(from));
    }

    [Fact]
    public async Task Calls_under_way_are_bounded_and_make_room_when_they_end()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var inside = new SemaphoreSlim(0);
        await using TestListener listener = await TestListener.WithUnaryAsync(
            async (_, _, _) =>
            {
                inside.Release();
                await release.Task;
            },
            o => o with { Limits = new LimitOptions { InflightRequests = 2 } });
        GrpcTestClient client = listener.Grpc();
        Task<GrpcReply>[] under = [client.CallAsync(Call, new PutRequest()), client.CallAsync(Call, new PutRequest())];
        for (int i = 0; i < 2; i++) await inside.WaitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(EtcdErrors.TooManyRequests, (await client.CallAsync(Call, new PutRequest())).Status);
        release.SetResult();
        foreach (GrpcReply reply in await Task.WhenAll(under)) Assert.True(reply.Status.IsOK);
        for (int i = 0; i < 10; i++) Assert.True((await client.CallAsync(Call, new PutRequest())).Status.IsOK);
        Assert.Equal(1, listener.Refusals.Of(RefusalReason.InflightRequests));
    }

    [Fact]
    public async Task Renewals_and_status_pass_whatever_the_rate()
    {
        await using TestListener listener = await TestListener.StartAsync(
            registry =>
            {
                registry.Add(RpcMethod.ForUnary<PutRequest, PutRequest>("/etcdserverpb.Maintenance/Status", (_, _, _) => default));
                registry.Add(RpcMethod.ForUnary<PutRequest, PutRequest>(Call, (_, _, _) => default));
            },
            change: o => o with { Limits = new LimitOptions { RequestsPerSecond = 1 }, Time = new ManualClock() });
        for (int i = 0; i < 5; i++) Assert.True((await listener.Grpc().CallAsync("/etcdserverpb.Maintenance/Status", new PutRequest())).Status.IsOK);
        Assert.True((await listener.Grpc().CallAsync(Call, new PutRequest())).Status.IsOK);
        Assert.False((await listener.Grpc().CallAsync(Call, new PutRequest())).Status.IsOK);
    }

    [Fact]
    public async Task Renewals_and_status_are_not_bounded_with_the_calls()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var inside = new SemaphoreSlim(0);
        await using TestListener listener = await TestListener.StartAsync(
            registry => registry.Add(RpcMethod.ForUnary<PutRequest, PutRequest>("/etcdserverpb.Maintenance/Status", async (_, _, _) =>
            {
                inside.Release();
                await release.Task;
            })),
            change: o => o with { Limits = new LimitOptions { InflightRequests = 4, Streams = 4 } });
        GrpcTestClient client = listener.Grpc();
        Task<GrpcReply>[] under = [.. Enumerable.Range(0, 40).Select(_ => client.CallAsync("/etcdserverpb.Maintenance/Status", new PutRequest()))];
        for (int i = 0; i < under.Length; i++) Assert.True(await inside.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken), $"call {i} is not let in");
        release.SetResult();
        foreach (GrpcReply reply in await Task.WhenAll(under)) Assert.True(reply.Status.IsOK);
    }

    [Fact]
    public async Task Connections_above_the_bound_are_closed_and_make_room_when_others_end()
    {
        await using TestListener listener = await EchoAsync(new LimitOptions { Connections = 2 });
        RawConnection first = listener.Connect(), second = listener.Connect();
        foreach (RawConnection one in (RawConnection[])[first, second])
        {
            await one.SendAsync("GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.Equal("HTTP/1.1 404 Not Found", await one.ReadLineAsync());
        }

        using RawConnection third = listener.Connect();
        await third.SendAsync("GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal("", await LineOrEndAsync(third));
        Assert.Equal(1, listener.Refusals.Of(RefusalReason.Connections));

        first.Dispose();
        await TestNode.EventuallyAsync("there is room again", async () =>
        {
            using RawConnection fourth = listener.Connect();
            await fourth.SendAsync("GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
            return await LineOrEndAsync(fourth) == "HTTP/1.1 404 Not Found";
        });
    }

    [Fact]
    public async Task Headers_that_do_not_come_to_an_end_are_not_waited_for()
    {
        await using TestListener listener = await EchoAsync(new LimitOptions(), change: o => o with { HeadersTimeout = TimeSpan.FromMilliseconds(500) });
        using RawConnection slow = listener.Connect();
        await slow.SendAsync("GET /none HTTP/1.1\r\nHost: a\r\nX-Slow: ");

        Assert.Equal("HTTP/1.1 408 Request Timeout", await slow.ReadLineAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_that_does_not_come_is_given_up_and_streams_may_be_silent(bool viaGateway)
    {
        await using TestListener listener = await EchoAsync(new LimitOptions(), change: o => o with { BodyGrace = TimeSpan.FromMilliseconds(200) });
        if (viaGateway)
        {
            using RawConnection slow = listener.Connect();
            await slow.SendAsync("POST /v3/test/call HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{");
            Assert.Equal("HTTP/1.1 504 Gateway Timeout", await slow.ReadLineAsync());
        }
        else
        {
            using PartialCall slow = await PartialCall.BeginAsync(listener.Grpc(), Call, GrpcTestClient.Frame(new byte[100]).AsMemory(0, 50));
            Assert.Equal(GrpcCode.DeadlineExceeded, (await slow.Answer).Status.Code);
        }

        Assert.Equal(1, listener.Refusals.Of(RefusalReason.SlowRequest));
    }

    [Fact]
    public async Task Headers_that_are_too_large_are_refused_over_both_protocols_and_others_go_on()
    {
        await using TestListener listener = await EchoAsync(new LimitOptions());
        using var http = new HttpClient();
        foreach (Version version in (Version[])[HttpVersion.Version11, HttpVersion.Version20])
        {
            HttpStatusCode? status = null;
            try
            {
                status = (await SendAsync(version, new string('x', 70_000))).StatusCode;
            }
            catch (HttpRequestException)
            {
                // The connection was closed: just as good.
            }

            Assert.True(status is null or HttpStatusCode.RequestHeaderFieldsTooLarge, $"{version}: {status}");
            Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(version, new string('x', 10_000))).StatusCode);
        }

        async Task<HttpResponseMessage> SendAsync(Version version, string header)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(listener.Address, "/none")) { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            request.Headers.Add("authorization", header);
            return await http.SendAsync(request, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Streams_on_a_connection_can_be_bounded()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(
            async (_, stream) =>
            {
                while (await stream.ReadAsync() is not null)
                {
                }
            },
            o => o with { Limits = new LimitOptions { StreamsPerConnection = 1 } });
        GrpcTestClient client = listener.Grpc();
        using GrpcTestStream first = await client.OpenAsync(Call);
        Task<GrpcTestStream> second = client.OpenAsync(Call);   // waits in the client, or goes over another connection

        await TestNode.EventuallyAsync("it waits or another connection is opened", () => Task.FromResult(client.Connections == 2 || !second.IsCompleted));
        Assert.False(second.IsCompleted && client.Connections == 1);
        first.Dispose();
        using GrpcTestStream opened = await second;
    }

    private static Task<TestListener> EchoAsync(LimitOptions limits, TimeProvider? time = null, Action? onCall = null, Func<ClientListenerOptions, ClientListenerOptions>? change = null) =>
        TestListener.WithUnaryAsync(
            (_, request, response) =>
            {
                onCall?.Invoke();
                response.Write(request.Span);
                return default;
            },
            o =>
            {
                o = o with { Limits = limits, Time = time ?? TimeProvider.System };
                return change?.Invoke(o) ?? o;
            });

    private static Task<HttpResponseMessage> PostAsync(HttpClient http) => http.PostAsync("/v3/test/call", new StringContent("{}"), TestContext.Current.CancellationToken);

    private static async Task<string> LineOrEndAsync(RawConnection connection)
    {
        try
        {
            return await connection.ReadLineAsync();
        }
        catch (System.Net.Sockets.SocketException)
        {
            return "";   // reset instead of closed
        }
    }
}
