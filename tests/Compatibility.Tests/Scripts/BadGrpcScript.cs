using Conclave.Compatibility.Tests.Support;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Compatibility.Tests.Scripts;

/// <summary>What a client may get wrong over gRPC. All of it goes over one HTTP/2 connection, which has to stay usable.</summary>
internal static class BadGrpcScript
{
    public static async Task RunAsync(Target t)
    {
        using var grpc = new RawGrpc(t.Cluster.Members[0].ClientUrl, t.Seen, t.Cancellation);
        ByteString key = ByteString.CopyFromUtf8(t.Prefix + "k");
        byte[] get = RawGrpc.Frame(new RangeRequest { Key = key });
        Task PutAsync(string name, PutRequest request) => grpc.CallAsync(name, "/etcdserverpb.KV/Put", RawGrpc.Frame(request));
        Task RangeAsync(string name, RangeRequest request) => grpc.CallAsync(name, "/etcdserverpb.KV/Range", RawGrpc.Frame(request));

        await PutAsync("put", new PutRequest { Key = key, Value = ByteString.CopyFromUtf8("1") });
        await grpc.CallAsync("malformed: length beyond the end", "/etcdserverpb.KV/Put", RawGrpc.Frame([0x0a, 0x20, 0x61]));
        await grpc.CallAsync("malformed: endless varint", "/etcdserverpb.KV/Put", RawGrpc.Frame([0x18, .. Enumerable.Repeat((byte)0xff, 12)]));
        await grpc.CallAsync("malformed: wire type 7", "/etcdserverpb.KV/Range", RawGrpc.Frame([0x0f, 0x01]));
        await grpc.CallAsync("malformed: txn with a broken operation", "/etcdserverpb.KV/Txn", RawGrpc.Frame([0x12, 0x04, 0x12, 0x02, 0x0a, 0x7f]));
        await grpc.CallAsync("unknown fields are skipped", "/etcdserverpb.KV/Range", RawGrpc.Frame([.. new RangeRequest { Key = key }.ToByteArray(), 0xfa, 0x07, 0x03, 1, 2, 3]), RangeResponse.Parser);
        await grpc.CallAsync("unknown method", "/etcdserverpb.KV/Nothing", get);
        await grpc.CallAsync("unknown service", "/etcdserverpb.Nothing/Range", get);
        await grpc.CallAsync("a path that is none", "/nothing", get);
        await grpc.CallAsync("larger than a message may be", "/etcdserverpb.KV/Put", RawGrpc.Frame(new byte[2_200_000]));
        await PutAsync("larger than a request may be", new PutRequest { Key = key, Value = ByteString.CopyFrom(new byte[1_600_000]) });
        await PutAsync("empty key", new PutRequest { Value = ByteString.CopyFromUtf8("1") });
        await PutAsync("unknown lease", new PutRequest { Key = key, Lease = 424_243 });
        await PutAsync("ignore_value with a value", new PutRequest { Key = key, Value = ByteString.CopyFromUtf8("1"), IgnoreValue = true });
        await PutAsync("ignore_lease with a lease", new PutRequest { Key = key, Lease = 4, IgnoreLease = true });
        await PutAsync("ignore_value on a missing key", new PutRequest { Key = ByteString.CopyFromUtf8(t.Prefix + "missing"), IgnoreValue = true });
        await RangeAsync("empty key in a range", new RangeRequest());
        await RangeAsync("future revision", new RangeRequest { Key = key, Revision = t.FirstRevision + 100_000 });
        await grpc.CallAsync("delete without key", "/etcdserverpb.KV/DeleteRange", RawGrpc.Frame(new DeleteRangeRequest()));
        await TransactionsAsync(grpc, key);

        await grpc.CallAsync("grant", "/etcdserverpb.Lease/LeaseGrant", RawGrpc.Frame(new LeaseGrantRequest { ID = 74_001, TTL = 60 }));
        await grpc.CallAsync("lease id in use", "/etcdserverpb.Lease/LeaseGrant", RawGrpc.Frame(new LeaseGrantRequest { ID = 74_001, TTL = 60 }));
        await grpc.CallAsync("too large TTL", "/etcdserverpb.Lease/LeaseGrant", RawGrpc.Frame(new LeaseGrantRequest { ID = 74_002, TTL = 9_000_000_001 }));
        await grpc.CallAsync("revoke", "/etcdserverpb.Lease/LeaseRevoke", RawGrpc.Frame(new LeaseRevokeRequest { ID = 74_001 }));
        await grpc.CallAsync("revoke again", "/etcdserverpb.Lease/LeaseRevoke", RawGrpc.Frame(new LeaseRevokeRequest { ID = 74_001 }));

        await grpc.CallAsync("compact", "/etcdserverpb.KV/Compact", RawGrpc.Frame(new CompactionRequest { Revision = t.FirstRevision + 1 }));
        await grpc.CallAsync("compact again", "/etcdserverpb.KV/Compact", RawGrpc.Frame(new CompactionRequest { Revision = t.FirstRevision + 1 }));
        await grpc.CallAsync("compact the future", "/etcdserverpb.KV/Compact", RawGrpc.Frame(new CompactionRequest { Revision = t.FirstRevision + 100_000 }));
        await RangeAsync("compacted revision", new RangeRequest { Key = key, Revision = t.FirstRevision });
        await grpc.CallAsync("hash of a compacted revision", "/etcdserverpb.Maintenance/HashKV", RawGrpc.Frame(new HashKVRequest { Revision = Math.Max(1, t.FirstRevision - 1) }));
        await grpc.CallAsync("hash of a future revision", "/etcdserverpb.Maintenance/HashKV", RawGrpc.Frame(new HashKVRequest { Revision = t.FirstRevision + 100_000 }));
        await grpc.CallAsync("wrong content type", "/etcdserverpb.KV/Range", get, contentType: "text/plain");
        await grpc.CallAsync("nothing changed", "/etcdserverpb.KV/Range", get, RangeResponse.Parser);
    }

    private static async Task TransactionsAsync(RawGrpc grpc, ByteString key)
    {
        RequestOp put = new() { RequestPut = new PutRequest { Key = key } };
        Task TxnAsync(string name, TxnRequest request) => grpc.CallAsync(name, "/etcdserverpb.KV/Txn", RawGrpc.Frame(request));
        await TxnAsync("duplicate key", new TxnRequest { Success = { put, put } });
        await TxnAsync("too many operations", new TxnRequest { Failure = { Enumerable.Range(0, 129).Select(_ => new RequestOp { RequestRange = new RangeRequest { Key = key } }) } });
        await TxnAsync("too many operations, nested", new TxnRequest
        {
            Success = { Enumerable.Range(0, 100).Select(_ => new RequestOp { RequestRange = new RangeRequest { Key = key } }), new RequestOp { RequestTxn = new TxnRequest { Success = { Enumerable.Range(0, 29).Select(_ => new RequestOp { RequestRange = new RangeRequest { Key = key } }) } } } },
        });
        await TxnAsync("an operation without content", new TxnRequest { Success = { new RequestOp() } });
        await TxnAsync("empty key in a compare", new TxnRequest { Compare = { new Compare() } });
    }
}
