using Conclave.Bench.Reports;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Bench.Cases;

/// <summary>Every case, in the order in which they run and are reported. Limits come from the table of goals in docs/performance.md.</summary>
internal static class AllCases
{
    private const int KeepAliveClients = 64;
    private const long KeepAliveTtlSeconds = 600;

    public static IReadOnlyList<SharedClusterCase> Shared { get; } =
    [
        new LoadCase("put-1", "put 128 B, 1 client", 1, i => new PutClient(i), Guard.OfLoad(1, null, 1.5, 0.3, 0.5)) { EachTakesARevision = true },
        new LoadCase("put-64", "put 128 B, 64 clients", 64, i => new PutClient(i), Guard.OfLoad(1.8, 0.4, 2.5, 0.2, 0.5)) { EachTakesARevision = true },
        new LoadCase("put-256", "put 128 B, 256 clients", 256, i => new PutClient(i), Guard.OfLoad(1.8, 0.4, 2.5, 0.2, 0.5)) { EachTakesARevision = true },
        new LoadCase("put-4k-64", "put 4 KiB, 64 clients", 64, i => new PutClient(i, "large/", keys: 1_000, valueBytes: 4096), Guard.OfLoad(1, null, 3, 0.3, 0.5)) { EachTakesARevision = true },
        new LoadCase("range-linearizable-64", "linearizable range of 1 key, 64 clients", 64, i => new RangeClient(i, serializable: false), Guard.OfLoad(2, 0.3, 2.5, 0.15, 0.5)),
        new LoadCase("range-serializable-64", "serializable range of 1 key, 64 clients", 64, i => new RangeClient(i, serializable: true), Guard.OfLoad(1.5, 0.4, 2, 0.25, 0.5)),
        new LoadCase("range-100-keys-16", "linearizable range of 100 keys, 16 clients", 16, i => new RangeClient(i, serializable: false, count: 100), Guard.OfLoad(1, null, 3, 0.1, 0.5)),
        new LoadCase("mix-90-10-64", "90 % linearizable range, 10 % put, 64 clients", 64, i => new MixClient(i), Guard.OfLoad(1, null, 2.5, 0.2, 0.5)),
        new LoadCase("txn-cas-64", "compare-and-swap transaction, 64 clients", 64, i => new CompareAndSwapClient(i), Guard.OfLoad(1, null, 2.5, 0.2, 0.5)) { Before = ForgetVersionsAsync, EachTakesARevision = true },
        new WatchCase("watch-100", "100 watchers of one prefix, 8 writers; an operation is a delivered event", 100, 8, Guard.OfLoad(1, null, 1.5, 0.4, 0.5)),
        new LoadCase("keepalive-64", "lease keep-alive, 64 clients with one stream each", KeepAliveClients, i => new KeepAliveClient(i), Guard.OfLoad(1, null, 2.5, 0.2, 0.5)) { Before = GrantLeasesAsync },
        new LoadCase("lease-64", "lease grant and revoke (the pair is one operation), 64 clients", 64, i => new GrantAndRevokeClient(i), Guard.OfLoad(1, null, 10, 0.1, 0.1)),
    ];

    public static IReadOnlyList<OwnClusterCase> Own { get; } = [new FailoverCase(), new FootprintCase()];

    private static async Task ForgetVersionsAsync(ProcessCluster cluster, CancellationToken cancellationToken)
    {
        var all = new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("cas/"), RangeEnd = ByteString.CopyFromUtf8("cas0") };
        _ = (await cluster.Clients[0].DeleteAsync(all, TimeSpan.FromSeconds(30), cancellationToken).ConfigureAwait(false)).Required;
    }

    private static async Task GrantLeasesAsync(ProcessCluster cluster, CancellationToken cancellationToken)
    {
        const int exists = 9;   // FailedPrecondition: granted in an earlier round
        for (int i = 0; i < KeepAliveClients; i++)
        {
            var grant = await cluster.Clients[0].LeaseGrantAsync(KeepAliveClient.FirstLease + i, KeepAliveTtlSeconds, TimeSpan.FromSeconds(30), cancellationToken).ConfigureAwait(false);
            if (!grant.Succeeded && grant.Code != exists)
                throw new InvalidOperationException($"Lease grant failed: {grant}");
        }
    }
}
