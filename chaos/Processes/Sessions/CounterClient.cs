using System.Diagnostics;
using System.Globalization;
using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Processes.Sessions;

/// <summary>Increments a counter that others increment too, by compare-and-swap on its version: its value must end between what was acknowledged and what was tried.</summary>
internal sealed class CounterClient(int id, ProcessCluster cluster, int seed) : Session(id, cluster, seed)
{
    public const string Prefix = "counter/";
    public const int Counters = 3;
    private readonly (long Value, long Version)[] _lastSeen = new (long, long)[Counters];

    /// <summary>Increments by counter.</summary>
    public int[] Acknowledged { get; } = new int[Counters];

    /// <summary>Increments that may have happened, by counter.</summary>
    public int[] Unknown { get; } = new int[Counters];

    public static string KeyOf(int counter) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{counter}");

    protected override async Task StepAsync(int member)
    {
        int counter = Random.Next(Counters);
        ByteString key = ByteString.CopyFromUtf8(KeyOf(counter));
        (long value, long version) = _lastSeen[counter];
        var txn = new TxnRequest
        {
            Compare = { new Compare { Key = key, Target = Compare.Types.CompareTarget.Version, Result = Compare.Types.CompareResult.Equal, Version = version } },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = ByteString.CopyFromUtf8((value + 1).ToString(CultureInfo.InvariantCulture)) } } },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = key } } },
        };
        long called = Stopwatch.GetTimestamp();
        RpcResult<TxnResponse> answer = await Cluster.Clients[member].TxnAsync(txn, CallTimeout).ConfigureAwait(false);
        Note(answer, called, isWrite: answer.Response?.Succeeded == true, answer.Response?.Header);
        if (answer.Response is { Succeeded: true })
        {
            Acknowledged[counter]++;
            _lastSeen[counter] = (value + 1, version + 1);
        }
        else if (answer.Response is { } refused && refused.Responses[0].ResponseRange.Kvs is [var now, ..])
        {
            _lastSeen[counter] = (long.Parse(now.Value.ToStringUtf8(), CultureInfo.InvariantCulture), now.Version);
        }
        else if (answer.Outcome == RpcOutcome.Unknown)
        {
            Unknown[counter]++;
        }
    }
}
