using Conclave.Processes.Rpc;
using Conclave.Processes.Servers;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Processes.Watches;

/// <summary>Puts, deletes, and does several at once, and knows what it wrote.</summary>
internal sealed class WatchWriter(int id, ProcessCluster cluster, int seed)
{
    private const int LargeKeys = 12, LargeBytes = 200 << 10;
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(2), Pace = TimeSpan.FromMilliseconds(8);
    private readonly Random _random = new(seed);
    private readonly List<(string Key, ulong Value)> _now = [];
    private int _count;

    public List<KnownPut> Acknowledged { get; } = [];

    public HashSet<(string Key, ulong Value)> Tried { get; } = [];

    public int Unknown { get; private set; }

    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Pace);
        while (!stop.IsCancellationRequested)
        {
            await WriteAsync(Next(), _random.Next(cluster.Clients.Count)).ConfigureAwait(false);
            await timer.WaitForNextTickAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>A transaction that is larger than what a client which takes parts gets in one message.</summary>
    public Task WriteLargeAsync()
    {
        byte[] value = new byte[LargeBytes];
        _random.NextBytes(value);
        var txn = new TxnRequest();
        for (int i = 0; i < LargeKeys; i++)
        {
            value[i]++;   // no two are alike
            txn.Success.Add(Put(WatchKeys.Large(i), value));
        }
        return WriteAsync(txn, _random.Next(cluster.Clients.Count));
    }

    /// <summary>Takes what another one knows.</summary>
    public void TakeOver(WatchWriter other)
    {
        Acknowledged.AddRange(other.Acknowledged);
        Tried.UnionWith(other.Tried);
        Unknown += other.Unknown;
    }

    private TxnRequest Next()
    {
        int area = _random.Next(WatchKeys.Areas);
        string Key() => WatchKeys.Key(area, _random.Next(WatchKeys.KeysPerArea));
        switch (_random.Next(100))
        {
            case < 60:
                return new TxnRequest { Success = { Put(Key()) } };
            case < 72:
                return new TxnRequest { Success = { Delete(Key(), "") } };
            case < 74:
                int from = _random.Next(WatchKeys.KeysPerArea);
                return new TxnRequest { Success = { Delete(WatchKeys.Key(area, from), WatchKeys.Key(area, Math.Min(from + 8, WatchKeys.KeysPerArea))) } };
            default:
                // Several of different areas at one revision: a watcher of one of them sees its part only.
                int first = _random.Next(WatchKeys.KeysPerArea);
                var txn = new TxnRequest();
                for (int i = 0; i < _random.Next(2, 7); i++)
                    txn.Success.Add(_random.Next(4) == 0 ? Delete(Several(first, i), "") : Put(Several(first, i)));
                return txn;
        }
    }

    private static string Several(int first, int i) => WatchKeys.Key(i % WatchKeys.Areas, (first + i) % WatchKeys.KeysPerArea);

    private RequestOp Put(string key) => Put(key, System.Text.Encoding.UTF8.GetBytes($"{id}-{++_count}"));

    private RequestOp Put(string key, byte[] value)
    {
        _now.Add((key, KeyState.Digest(value)));
        return new RequestOp { RequestPut = new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFrom(value) } };
    }

    private static RequestOp Delete(string key, string end) =>
        new() { RequestDeleteRange = new DeleteRangeRequest { Key = ByteString.CopyFromUtf8(key), RangeEnd = ByteString.CopyFromUtf8(end) } };

    private async Task WriteAsync(TxnRequest txn, int member)
    {
        Tried.UnionWith(_now);
        RpcResult<TxnResponse> answer = await cluster.Clients[member].TxnAsync(txn, CallTimeout).ConfigureAwait(false);
        if (answer.Response is { } done)
            Acknowledged.AddRange(_now.Select(put => new KnownPut(put.Key, put.Value, done.Header.Revision)));
        else
            Unknown++;
        _now.Clear();
    }
}
