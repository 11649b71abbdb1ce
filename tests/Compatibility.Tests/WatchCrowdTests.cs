using System.Globalization;
using Conclave.Client.Rpc;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Compatibility.Tests;

/// <summary>Many watchers of one real node, most of which never read. The large form: <c>bench watchers</c>.</summary>
public sealed class WatchCrowdTests(ITestOutputHelper output)
{
    private const int Silent = 450, Reading = 50, PastEvents = 3_000, ValueBytes = 1_000, NewEvents = 20;

    /// <summary>A message is closed behind 64 KiB, and a stream holds one of that size and what is small.</summary>
    private const long HeldBytesMaxPerWatcher = 2 * (64 << 10);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly ByteString Prefix = ByteString.CopyFromUtf8("crowd/"), End = ByteString.CopyFromUtf8("crowd0");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Watchers_that_never_read_cost_one_message_each_and_the_others_nothing()
    {
        Assert.SkipUnless(Clusters.SubjectKind == ServerKind.Conclave, "It reads a metric of Conclave's.");
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = ServerKind.Conclave, Members = 1 }, Cancellation);
        using var http = new HttpClient { BaseAddress = cluster.Members[0].ClientUrl };
        await PutAsync(cluster, PastEvents);

        List<RpcStream> silent = [], reading = [];
        try
        {
            for (int i = 0; i < Silent; i++)   // all of the past is to come, which is more than they take
                silent.Add(await cluster.Clients[0].WatchAsync(new WatchCreateRequest { Key = Prefix, RangeEnd = End, StartRevision = 1 }, Cancellation));
            long first = (await PutAsync(cluster, 1)) + 1;
            for (int i = 0; i < Reading; i++)
                reading.Add(await cluster.Clients[0].WatchAsync(new WatchCreateRequest { Key = Prefix, RangeEnd = End, StartRevision = first }, Cancellation));
            long held = await UntilSteadyAsync(http, Silent * 60L * 1024);   // so much waits that less would mean that nothing was tried
            output.WriteLine($"{held / Silent / 1024} KiB for each that does not read; resident {cluster.Members[0].Usage.ResidentBytes >> 20} MiB");
            Assert.InRange(held, Silent * 60L * 1024, Silent * HeldBytesMaxPerWatcher);

            long last = await PutAsync(cluster, NewEvents);
            foreach (RpcStream stream in reading)
                Assert.Equal(Enumerable.Range(0, NewEvents).Select(i => first + i), await RevisionsAsync(stream, last));
            Assert.InRange(await UntilSteadyAsync(http, 1), 1, Silent * HeldBytesMaxPerWatcher);

            // Who begins to read after all gets everything.
            Assert.Equal(PastEvents + 1 + NewEvents, (await RevisionsAsync(silent[0], last)).Count);
            Assert.Equal(PastEvents + 1 + NewEvents, (await RevisionsAsync(silent[^1], last)).Count);
        }
        finally
        {
            foreach (RpcStream stream in (RpcStream[])[.. silent, .. reading])
                await stream.DisposeAsync();
        }
    }

    /// <returns>The last revision.</returns>
    private static async Task<long> PutAsync(ProcessCluster cluster, int events)
    {
        long revision = 0;
        for (int i = 0; i < events; i++)
            revision = (await cluster.Clients[0].PutAsync([.. Prefix.Span, (byte)('a' + (i % 20))], new byte[ValueBytes], Patience, Cancellation)).Required.Header.Revision;
        return revision;
    }

    private static async Task<IReadOnlyList<long>> RevisionsAsync(RpcStream stream, long last)
    {
        List<long> revisions = [];
        while (revisions.Count == 0 || revisions[^1] < last)
        {
            Assert.True(await stream.ReadAsync(Cancellation).AsTask().WaitAsync(Patience, Cancellation));
            revisions.AddRange(WatchResponse.Parser.ParseFrom(stream.Message).Events.Select(change => change.Kv.ModRevision));
        }
        return revisions;
    }

    /// <summary>The bytes that wait for clients, once they are so many and stay the same: fewer may only mean that the server has got no further on a busy machine.</summary>
    private static async Task<long> UntilSteadyAsync(HttpClient http, long atLeast)
    {
        long held = -1;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        deadline.CancelAfter(Patience);
        while (true)
        {
            string line = (await http.GetStringAsync("/metrics", deadline.Token)).Split('\n').Single(each => each.StartsWith("conclave_watch_held_bytes ", StringComparison.Ordinal));
            long now = long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
            if (now >= atLeast && now == held)
                return now;
            held = now;
            await Task.Delay(300, deadline.Token);
        }
    }
}
