using System.Diagnostics;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Processes.Sessions;

/// <summary>Reads members' local state. It may be old, but a member never takes back what it showed, and never shows what nobody wrote.</summary>
internal sealed class SerializableReader(int id, ProcessCluster cluster, int seed, Func<int, int> incarnationOf) : Session(id, cluster, seed)
{
    /// <summary>One read.</summary>
    /// <param name="Member">Who answered.</param>
    /// <param name="Incarnation">Which run of that process; a member that starts again may begin with an older state.</param>
    /// <param name="Revision">header.revision.</param>
    /// <param name="Key">What was read.</param>
    /// <param name="Value">What was there.</param>
    public readonly record struct Seen(int Member, int Incarnation, long Revision, string Key, string? Value);

    public List<Seen> Reads { get; } = [];

    protected override async Task StepAsync(int member)
    {
        string key = RegisterClient.KeyOf(Random.Next(RegisterClient.Registers));
        int incarnation = incarnationOf(member);
        long called = Stopwatch.GetTimestamp();
        RpcResult<RangeResponse> answer = await Cluster.Clients[member]
            .RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8(key), Serializable = true }, CallTimeout).ConfigureAwait(false);
        Note(answer, called, isWrite: false, header: null);   // no linearizable point
        if (answer.Response is { } read && incarnation == incarnationOf(member))
            Reads.Add(new Seen(member, incarnation, read.Header.Revision, key, read.Kvs.Count == 0 ? null : read.Kvs[0].Value.ToStringUtf8()));
    }
}
