using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.Mvccpb;
using Google.Protobuf;

namespace Conclave.Processes.Checks;

/// <summary>What is in the store when everything is over, read linearizably from each member.</summary>
internal sealed class FinalState
{
    private const int PageKeys = 2_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    internal FinalState(long revision, IReadOnlyList<IReadOnlyDictionary<string, KeyValue>> members) => (Revision, Members) = (revision, members);

    /// <summary>The revision that was read.</summary>
    public long Revision { get; }

    /// <summary>All keys, by member.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, KeyValue>> Members { get; }

    /// <summary>As the first member has them.</summary>
    public IReadOnlyDictionary<string, KeyValue> Keys => Members[0];

    public static async Task<FinalState> ReadAsync(ProcessCluster cluster, CancellationToken cancellationToken)
    {
        RangeResponse now = (await cluster.Clients[cluster.Serving[0]].RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8("x") }, Patience, cancellationToken).ConfigureAwait(false)).Required;
        List<IReadOnlyDictionary<string, KeyValue>> members = [];
        foreach (int place in cluster.Serving)
            members.Add(await ReadAllAsync(cluster.Clients[place], now.Header.Revision, cancellationToken).ConfigureAwait(false));
        return new FinalState(now.Header.Revision, members);
    }

    private static async Task<Dictionary<string, KeyValue>> ReadAllAsync(MemberClient client, long revision, CancellationToken cancellationToken)
    {
        Dictionary<string, KeyValue> all = new(StringComparer.Ordinal);
        ByteString zero = ByteString.CopyFrom(0), from = zero;
        while (true)
        {
            var page = new RangeRequest { Key = from, RangeEnd = zero, Limit = PageKeys, Revision = revision };
            RangeResponse answer = (await client.RangeAsync(page, Patience, cancellationToken).ConfigureAwait(false)).Required;
            foreach (KeyValue each in answer.Kvs)
                all[each.Key.ToStringUtf8()] = each;
            if (!answer.More)
                return all;
            from = ByteString.CopyFrom([.. answer.Kvs[^1].Key.Span, 0]);
        }
    }
}
