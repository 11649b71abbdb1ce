using System.Diagnostics;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Processes.Sessions;

/// <summary>Writes every key once, alone or three of them in a transaction: a lost write, and half a transaction, are seen at once.</summary>
internal class UniqueWriter(int id, ProcessCluster cluster, int seed) : Session(id, cluster, seed)
{
    public const string Prefix = "unique/";
    private const int KeysPerTransaction = 3;
    private int _count;

    /// <summary>Every write that was tried.</summary>
    public List<UniqueWrite> Writes { get; } = [];

    protected override async Task StepAsync(int member)
    {
        string value = $"{Id}-{++_count}";
        bool isTransaction = Random.Next(3) == 0;
        string[] keys = [.. Enumerable.Range(0, isTransaction ? KeysPerTransaction : 1).Select(part => $"{Prefix}{Id:D3}/{_count:D7}/{part}")];
        PutRequest[] puts = [.. keys.Select(key => new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value) })];
        long called = Stopwatch.GetTimestamp();
        if (isTransaction)
        {
            var txn = new TxnRequest { Success = { puts.Select(put => new RequestOp { RequestPut = put }) } };
            RpcResult<TxnResponse> answer = await Cluster.Clients[member].TxnAsync(txn, CallTimeout).ConfigureAwait(false);
            Add(keys, value, answer, called, answer.Response?.Header);
        }
        else
        {
            RpcResult<PutResponse> answer = await Cluster.Clients[member].PutAsync(puts[0], CallTimeout).ConfigureAwait(false);
            Add(keys, value, answer, called, answer.Response?.Header);
        }
    }

    private void Add<T>(string[] keys, string value, RpcResult<T> answer, long called, ResponseHeader? header)
        where T : class
    {
        Note(answer, called, isWrite: true, header);
        Writes.Add(new UniqueWrite(keys, value, answer.Outcome, header?.Revision ?? 0));
    }
}

/// <summary>One that keeps away from a member that is about to go: what it waits for, the cluster could not do, and not merely one member.</summary>
internal sealed class SteadyWriter(int id, ProcessCluster cluster, int seed) : UniqueWriter(id, cluster, seed)
{
    protected override IReadOnlyList<int> Targets() => Cluster.Leaving is { } leaving ? [.. Cluster.Serving.Where(member => member != leaving)] : Cluster.Serving;
}

/// <summary>One write of keys that nobody else writes.</summary>
/// <param name="Keys">All of them have the same value.</param>
/// <param name="Value">What was written.</param>
/// <param name="Outcome">What the client knows.</param>
/// <param name="Revision">When acknowledged.</param>
internal sealed record UniqueWrite(IReadOnlyList<string> Keys, string Value, RpcOutcome Outcome, long Revision);
