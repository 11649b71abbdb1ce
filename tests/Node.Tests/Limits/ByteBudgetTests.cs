using System.Net;
using System.Text;
using Conclave.Node.Http;
using Conclave.Node.Http.Limits;
using Conclave.Node.Options;
using Conclave.Node.Tests.Http;
using Conclave.Node.Tests.Nodes;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Tests.Limits;

/// <summary>Bytes of requests that the port keeps for clients that are not done sending.</summary>
public class ByteBudgetTests
{
    private const string Call = "/test.Test/Call", Status = "/etcdserverpb.Maintenance/Status", Streamed = "/test.Test/Stream";
    private const int Budget = 16 << 20, Message = 2_000_000, Half = 1_900_000, ForOne = 6;   // 6 x Half is below three quarters, 7 x Half is not

    private static readonly byte[] Whole = GrpcTestClient.Frame(new byte[Message]);

    [Fact]
    public async Task What_is_announced_costs_nothing()
    {
        await using TestListener listener = await StartAsync();
        using GrpcTestClient client = Client(listener);
        List<PartialCall> announced = [];
        for (int i = 0; i < 4 * Budget / Message; i++) announced.Add(await PartialCall.BeginAsync(client, Call, Whole.AsMemory(0, 5)));

        Assert.True((await client.CallAsync(Call, Whole)).Status.IsOK);
        Assert.Equal(0, listener.Refusals.Of(RefusalReason.InflightBytes));
        foreach (PartialCall call in announced) call.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_has_arrived_counts_and_one_address_cannot_take_all_of_it(bool inStreams)
    {
        await using TestListener listener = await StartAsync();
        using GrpcTestClient greedy = Client(listener), other = Client(listener, "127.0.0.2");
        List<PartialCall> waiting = [];
        for (int i = 0; i < ForOne; i++) waiting.Add(await PartialCall.BeginAsync(greedy, inStreams ? Streamed : Call, Whole.AsMemory(0, Half)));
        GrpcReply? refused = null;
        await TestNode.EventuallyAsync("the address has its share", async () => (refused = await greedy.CallAsync(Call, Whole)).Status == EtcdErrors.TooManyRequests);

        Assert.True((await other.CallAsync(Call, Whole)).Status.IsOK);
        Assert.True((await greedy.CallAsync(Call, new PutRequest())).Status.IsOK);
        Assert.True((await greedy.CallAsync(Status, new PutRequest())).Status.IsOK);

        foreach (PartialCall call in waiting) call.Dispose();
        await TestNode.EventuallyAsync("it is given back", async () => (await greedy.CallAsync(Call, Whole)).Status.IsOK);
    }

    [Fact]
    public async Task A_message_of_a_stream_is_given_back_when_it_was_read()
    {
        await using TestListener listener = await StartAsync();
        using GrpcTestClient client = Client(listener);
        using GrpcTestStream stream = await client.OpenAsync(Streamed);
        for (int i = 0; i < 2 * Budget / Message; i++)
        {
            await stream.WriteAsync(new byte[Message]);
            await stream.NextAsync();
        }

        Assert.Equal(0, listener.Refusals.Of(RefusalReason.InflightBytes));
    }

    [Fact]
    public async Task Json_without_a_length_counts_as_it_comes()
    {
        await using TestListener listener = await StartAsync();
        string most = "{\"value\":\"" + new string('A', 7_000_000);
        RawConnection first = listener.Connect(), second = listener.Connect();
        await BeginAsync(first, most);
        await TestNode.EventuallyAsync("the first is there", () => Task.FromResult(listener.HeldRequestBytes >= most.Length));
        await BeginAsync(second, most);   // 14 of 16 MiB, where three quarters are 12

        Assert.Equal("HTTP/1.1 429 Too Many Requests", await second.ReadLineAsync());

        static Task BeginAsync(RawConnection connection, string text) =>
            connection.SendAsync(Encoding.ASCII.GetBytes($"POST /v3/test/call HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{text.Length + 2:x}\r\n{text}"));
    }

    [Fact]
    public async Task A_health_check_passes_whatever_is_held()
    {
        await using TestListener listener = await StartAsync();
        using GrpcTestClient client = Client(listener);
        List<PartialCall> waiting = [];
        for (int i = 0; i < ForOne; i++) waiting.Add(await PartialCall.BeginAsync(client, Call, Whole.AsMemory(0, Half)));
        await TestNode.EventuallyAsync("the address has its share", () => Task.FromResult(listener.HeldRequestBytes >= ForOne * (Half - 100_000L)));

        Assert.True((await client.CallAsync("/grpc.health.v1.Health/Check", GrpcTestClient.Frame([10, 1, (byte)'a']))).Status.IsOK);
        foreach (PartialCall call in waiting) call.Dispose();
    }

    /// <summary>By an address that it is reached at: it listens on all of them.</summary>
    private static GrpcTestClient Client(TestListener listener, string from = "127.0.0.1") => new(new Uri($"http://{from}:{listener.EndPoint.Port}"), IPAddress.Parse(from));

    private static Task<TestListener> StartAsync() => TestListener.StartAsync(
        registry =>
        {
            registry.Add(RpcMethod.ForUnary<PutRequest, PutRequest>(Call, (_, _, _) => default, "/v3/test/call"));
            registry.Add(RpcMethod.ForUnary<PutRequest, PutRequest>(Status, (_, _, _) => default));
            registry.Add(RpcMethod.ForUnary<PutRequest, PutRequest>("/grpc.health.v1.Health/Check", (_, _, _) => default));
            registry.Add(RpcMethod.ForBidiStream<PutRequest, PutRequest>(Streamed, async (_, stream) =>
            {
                while (await stream.ReadAsync() is not null) await stream.WriteAsync(ReadOnlyMemory<byte>.Empty);
            }));
        },
        change: o => o with
        {
            Addresses = [new ListenAddress(new IPEndPoint(IPAddress.Any, 0))],
            Limits = new LimitOptions { InflightRequestBytes = Budget },
            BodyGrace = TimeSpan.FromMinutes(10),
            BodyTimeMax = TimeSpan.FromMinutes(10),
        });
}
