using System.Globalization;
using System.Net;
using Conclave.Node.Options;
using Conclave.Node.Tests.Http;
using Conclave.Node.Tests.Nodes;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Node.Tests.Limits;

/// <summary>What watches may cost a node.</summary>
public sealed class WatchBoundTests : IDisposable
{
    private const string Watch = "/etcdserverpb.Watch/Watch";

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Watches_above_the_bound_are_refused_with_the_reason_and_the_others_go_on(bool ofStream)
    {
        var limits = ofStream ? new LimitOptions { StreamWatchBytes = 10_000 } : new LimitOptions { WatchBytes = 14_000 };
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(_directory) with { Limits = limits });
        using var client = new GrpcTestClient(node.Options.ListenClientUrls[0]);
        using (GrpcTestStream stream = await client.OpenAsync(Watch))
        {
            (int created, string reason) = await FillAsync(stream);
            Assert.InRange(created, 5, 15);   // at 700 bytes each
            Assert.Contains(ofStream ? "open another stream" : "--max-watch-bytes 14000", reason, StringComparison.Ordinal);

            await node.PutAsync("watched", "1");
            Assert.NotEmpty(WatchResponse.Parser.ParseFrom(await stream.NextAsync()).Events);
            await stream.WriteAsync(new WatchRequest { CancelRequest = new WatchCancelRequest { WatchId = 0 } }.ToByteArray());
            while (!WatchResponse.Parser.ParseFrom(await stream.NextAsync()).Canceled)
            {
            }

            Assert.Equal(1, (await FillAsync(stream)).Created);
        }

        await TestNode.EventuallyAsync("the stream's are given back", async () =>
        {
            using GrpcTestStream next = await client.OpenAsync(Watch);
            return (await FillAsync(next)).Created >= 5;
        });
    }

    [Fact]
    public async Task Streams_that_take_nothing_are_ended_when_too_much_waits_for_them_and_others_are_not()
    {
        const int held = 150_000, silent = 6;
        NodeOptions options = TestNode.Alone(_directory) with { Limits = new LimitOptions { WatchHeldBytes = held, UnreadWatchMin = TimeSpan.FromMilliseconds(500) } };
        await using TestNode node = await TestNode.StartAsync(options);
        for (int i = 0; i < 20; i++) await node.PutAsync("watched", new string('x', 10_000));
        byte[] past = new WatchRequest { CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFromUtf8("watched"), StartRevision = 1 } }.ToByteArray();
        using var client = new GrpcTestClient(options.ListenClientUrls[0]);
        using GrpcTestStream reads = await client.OpenAsync(Watch);
        await reads.WriteAsync(past);
        int events = 0;
        while (events < 20) events += WatchResponse.Parser.ParseFrom(await reads.NextAsync()).Events.Count;

        using ZeroWindowClient takesNothing = await ZeroWindowClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, options.ListenClientUrls[0].Port));
        for (int i = 0; i < silent; i++) await takesNothing.CallAsync(Watch, past, end: false);

        using var http = new HttpClient { BaseAddress = options.ListenClientUrls[0] };
        await TestNode.EventuallyAsync("some were ended", async () => await MetricAsync(http, "conclave_client_refused_total{reason=\"unread_watch\"}") > 0 && await MetricAsync(http, "conclave_watch_held_bytes") <= held);
        Assert.InRange(await MetricAsync(http, "etcd_debugging_mvcc_watch_stream_total"), 2, silent);   // not all: what is below the bound may wait
        await node.PutAsync("watched", "last");
        Assert.Equal("last", WatchResponse.Parser.ParseFrom(await reads.NextAsync()).Events.Single().Kv.Value.ToStringUtf8());
    }

    /// <summary>Asks for watches of long keys until one is refused.</summary>
    private static async Task<(int Created, string Reason)> FillAsync(GrpcTestStream stream)
    {
        for (int created = 0; created < 100; created++)
        {
            var create = new WatchCreateRequest { Key = ByteString.CopyFromUtf8("watched"), RangeEnd = ByteString.CopyFromUtf8("watched\0" + new string('z', 170)) };
            await stream.WriteAsync(new WatchRequest { CreateRequest = create }.ToByteArray());
            WatchResponse answer;
            do answer = WatchResponse.Parser.ParseFrom(await stream.NextAsync());
            while (answer.Events.Count > 0);   // of an earlier put
            Assert.True(answer.Created);
            if (answer.Canceled) return (created, answer.CancelReason);
        }

        return (100, "");
    }

    private static async Task<long> MetricAsync(HttpClient http, string name)
    {
        string line = (await http.GetStringAsync("/metrics", TestContext.Current.CancellationToken)).Split('\n').Single(each => each.StartsWith(name + " ", StringComparison.Ordinal));
        return long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    }
}
