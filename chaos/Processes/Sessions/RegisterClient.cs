using System.Diagnostics;
using Conclave.Linearizability;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Processes.Sessions;

/// <summary>Reads, writes, deletes and swaps a few keys that others use too, and records a history for the linearizability checker.</summary>
internal sealed class RegisterClient(int id, ProcessCluster cluster, int seed) : Session(id, cluster, seed)
{
    public const string Prefix = "register/";
    public const int Registers = 24;
    private readonly Dictionary<string, string?> _lastSeen = [];
    private int _count;

    /// <summary>What this client saw; calls that certainly did nothing are left out.</summary>
    public List<Operation> History { get; } = [];

    public static string KeyOf(int register) => $"{Prefix}{register:D2}";

    protected override Task StepAsync(int member)
    {
        string key = KeyOf(Random.Next(Registers));
        return Random.Next(100) switch
        {
            < 35 => GetAsync(member, key),
            < 60 => PutAsync(member, key),
            < 92 => SwapAsync(member, key),
            _ => DeleteAsync(member, key),
        };
    }

    private async Task GetAsync(int member, string key)
    {
        long called = Stopwatch.GetTimestamp();
        RpcResult<RangeResponse> answer = await Cluster.Clients[member].RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8(key) }, CallTimeout).ConfigureAwait(false);
        Note(answer, called, isWrite: false, answer.Response?.Header);
        if (answer.Response is { } read)
            Add(new Operation { Client = Id, Key = key, Kind = OperationKind.Get, Called = called, Observed = Remember(key, ValueOf(read)) }, answer.Outcome);
    }

    private async Task PutAsync(int member, string key)
    {
        string value = NewValue();
        long called = Stopwatch.GetTimestamp();
        var request = new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value) };
        RpcResult<PutResponse> answer = await Cluster.Clients[member].PutAsync(request, CallTimeout).ConfigureAwait(false);
        Note(answer, called, isWrite: true, answer.Response?.Header);
        Add(new Operation { Client = Id, Key = key, Kind = OperationKind.Put, Called = called, Value = value }, answer.Outcome);
        if (answer.Succeeded)
            Remember(key, value);
    }

    private async Task DeleteAsync(int member, string key)
    {
        long called = Stopwatch.GetTimestamp();
        RpcResult<DeleteRangeResponse> answer = await Cluster.Clients[member].DeleteAsync(new DeleteRangeRequest { Key = ByteString.CopyFromUtf8(key) }, CallTimeout).ConfigureAwait(false);
        bool existed = answer.Response?.Deleted > 0;
        Note(answer, called, isWrite: existed, answer.Response?.Header);
        Add(new Operation { Client = Id, Key = key, Kind = OperationKind.Delete, Called = called, Succeeded = existed }, answer.Outcome);
        if (answer.Succeeded)
            Remember(key, null);
    }

    /// <summary>From the value last seen to a new one; when it is another one by now, the transaction reads it.</summary>
    private async Task SwapAsync(int member, string key)
    {
        string? expected = _lastSeen.GetValueOrDefault(key);
        string value = NewValue();
        ByteString bytes = ByteString.CopyFromUtf8(key);
        var compare = new Compare { Key = bytes, Result = Compare.Types.CompareResult.Equal };
        if (expected is null)
            (compare.Target, compare.CreateRevision) = (Compare.Types.CompareTarget.Create, 0);
        else
            (compare.Target, compare.Value) = (Compare.Types.CompareTarget.Value, ByteString.CopyFromUtf8(expected));
        var txn = new TxnRequest
        {
            Compare = { compare },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = bytes, Value = ByteString.CopyFromUtf8(value) } } },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = bytes } } },
        };
        long called = Stopwatch.GetTimestamp();
        RpcResult<TxnResponse> answer = await Cluster.Clients[member].TxnAsync(txn, CallTimeout).ConfigureAwait(false);
        bool swapped = answer.Response?.Succeeded == true;
        Note(answer, called, isWrite: swapped, answer.Response?.Header);
        Add(new Operation { Client = Id, Key = key, Kind = OperationKind.CompareAndSwap, Called = called, Expected = expected, Value = value, Succeeded = swapped }, answer.Outcome);
        if (swapped)
            Remember(key, value);
        else if (answer.Response is { } refused)
            // The refused transaction read the value too: that is a second operation at the same time.
            Add(new Operation { Client = Id, Key = key, Kind = OperationKind.Get, Called = called, Observed = Remember(key, ValueOf(refused.Responses[0].ResponseRange)) }, answer.Outcome);
    }

    private void Add(Operation operation, RpcOutcome outcome)
    {
        if (outcome == RpcOutcome.Acknowledged)
            History.Add(operation with { Returned = Stopwatch.GetTimestamp() });
        else if (outcome == RpcOutcome.Unknown)
            History.Add(operation with { Outcome = OperationOutcome.Unknown });
    }

    private string? Remember(string key, string? value) => _lastSeen[key] = value;

    private string NewValue() => $"{Id}-{++_count}";

    private static string? ValueOf(RangeResponse read) => read.Kvs.Count == 0 ? null : read.Kvs[0].Value.ToStringUtf8();
}
