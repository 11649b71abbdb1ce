using Conclave.Bench.Load;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Bench.Cases;

/// <summary>Puts to random keys.</summary>
internal sealed class PutClient : LoadClient
{
    private readonly Random _random;
    private readonly byte[] _request;
    private readonly int _digitsAt, _keys;

    public PutClient(int seed, string prefix = "bench/", int keys = KeySpace.Keys, int valueBytes = KeySpace.ValueBytes)
    {
        (_random, _keys) = (new Random(seed), keys);
        _request = new PutRequest { Key = ByteString.CopyFrom(KeySpace.Key(prefix, 0)), Value = ByteString.CopyFrom(KeySpace.Value(valueBytes)) }.ToByteArray();
        _digitsAt = 2 + prefix.Length;   // after the key's tag and length
    }

    public override string Path => "/etcdserverpb.KV/Put";

    public override ReadOnlySpan<byte> Next()
    {
        KeySpace.PatchDigits(_request.AsSpan(_digitsAt), _random.Next(_keys));
        return _request;
    }
}

/// <summary>Reads of one key or of a run of keys, at random places.</summary>
internal sealed class RangeClient : LoadClient
{
    private const int DigitsAt = 2 + 6;   // tag, length, "bench/"
    private readonly Random _random;
    private readonly byte[] _request;
    private readonly int _endDigitsAt, _count;

    public RangeClient(int seed, bool serializable, int count = 1)
    {
        (_random, _count) = (new Random(seed), count);
        byte[] key = KeySpace.Key("bench/", 0);
        var request = new RangeRequest { Key = ByteString.CopyFrom(key), Serializable = serializable };
        if (count > 1)
            request.RangeEnd = ByteString.CopyFrom(key);
        _request = request.ToByteArray();
        _endDigitsAt = DigitsAt + 8 + DigitsAt;
    }

    public override string Path => "/etcdserverpb.KV/Range";

    public override ReadOnlySpan<byte> Next()
    {
        int first = _random.Next(KeySpace.Keys - _count);
        KeySpace.PatchDigits(_request.AsSpan(DigitsAt), first);
        if (_count > 1)
            KeySpace.PatchDigits(_request.AsSpan(_endDigitsAt), first + _count);
        return _request;
    }

    /// <summary>RangeResponse.count is field 4: every key is there, so a wrong count is a wrong answer.</summary>
    public override Verdict Judge(ReadOnlySpan<byte> response) =>
        ProtoScan.Number(response, 4) == (ulong)_count ? Verdict.Done : Verdict.Wrong;
}

/// <summary>Nine linearizable reads to one put.</summary>
internal sealed class MixClient(int seed) : LoadClient
{
    private const double PutShare = 0.1;
    private readonly Random _random = new(seed);
    private readonly PutClient _put = new(seed);
    private readonly RangeClient _range = new(seed, serializable: false);
    private LoadClient? _chosen;

    public override string Path
    {
        get
        {
            _chosen = _random.NextDouble() < PutShare ? _put : _range;
            return _chosen.Path;
        }
    }

    public override ReadOnlySpan<byte> Next() => _chosen!.Next();   // the worker asks for the path first

    public override Verdict Judge(ReadOnlySpan<byte> response) => _chosen!.Judge(response);
}

/// <summary>Compare-and-swap of a key that only this client writes: if its version is the expected one, put; else read it.</summary>
internal sealed class CompareAndSwapClient : LoadClient
{
    private readonly MessageBuffer _buffer = new();
    private readonly TxnRequest _request = new();
    private readonly Compare _compare;

    public CompareAndSwapClient(int index)
    {
        ByteString key = ByteString.CopyFrom(KeySpace.Key("cas/", index));
        _compare = new Compare { Key = key, Target = Compare.Types.CompareTarget.Version, Result = Compare.Types.CompareResult.Equal, Version = 0 };
        _request.Compare.Add(_compare);
        _request.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = key, Value = ByteString.CopyFrom(KeySpace.Value(KeySpace.ValueBytes)) } });
        _request.Failure.Add(new RequestOp { RequestRange = new RangeRequest { Key = key } });
    }

    public override string Path => "/etcdserverpb.KV/Txn";

    public override ReadOnlySpan<byte> Next() => _buffer.Encode(_request);

    /// <summary>TxnResponse.succeeded is field 2.</summary>
    public override Verdict Judge(ReadOnlySpan<byte> response)
    {
        if (ProtoScan.Number(response, 2) == 0)
            return Verdict.Wrong;
        _compare.Version++;
        return Verdict.Done;
    }
}
