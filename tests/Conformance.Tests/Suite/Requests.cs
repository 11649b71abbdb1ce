using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using static Conclave.Wire.Etcd.Etcdserverpb.Compare.Types;

namespace Conclave.Conformance.Tests.Suite;

/// <summary>Short ways to write requests.</summary>
internal static class Requests
{
    /// <summary>One zero byte: everything from the key on.</summary>
    public static ByteString Onwards { get; } = ByteString.CopyFrom(0);

    public static ByteString Text(string text) => ByteString.CopyFromUtf8(text);

    public static PutRequest Put(ByteString key, string value = "", long lease = 0) => new() { Key = key, Value = Text(value), Lease = lease };

    public static RangeRequest Get(ByteString key, ByteString? end = null) => new() { Key = key, RangeEnd = end ?? ByteString.Empty };

    public static DeleteRangeRequest Delete(ByteString key, ByteString? end = null) => new() { Key = key, RangeEnd = end ?? ByteString.Empty };

    /// <summary>A transaction without compares.</summary>
    public static TxnRequest Do(params IMessage[] operations) => new() { Success = { operations.Select(Op) } };

    public static TxnRequest If(params Compare[] compares) => new() { Compare = { compares } };

    public static RequestOp Op(IMessage request) => request switch
    {
        PutRequest put => new RequestOp { RequestPut = put },
        RangeRequest range => new RequestOp { RequestRange = range },
        DeleteRangeRequest delete => new RequestOp { RequestDeleteRange = delete },
        TxnRequest txn => new RequestOp { RequestTxn = txn },
        RequestOp ready => ready,
        _ => throw new ArgumentException($"{request.Descriptor.Name} is no operation of a transaction.", nameof(request)),
    };

    public static Compare Version(ByteString key, CompareResult result, long version) => new() { Key = key, Target = CompareTarget.Version, Result = result, Version = version };

    public static Compare Created(ByteString key, CompareResult result, long revision) => new() { Key = key, Target = CompareTarget.Create, Result = result, CreateRevision = revision };

    public static Compare Modified(ByteString key, CompareResult result, long revision) => new() { Key = key, Target = CompareTarget.Mod, Result = result, ModRevision = revision };

    public static Compare Value(ByteString key, CompareResult result, string value) => new() { Key = key, Target = CompareTarget.Value, Result = result, Value = Text(value) };

    public static Compare Leased(ByteString key, CompareResult result, long lease) => new() { Key = key, Target = CompareTarget.Lease, Result = result, Lease = lease };

    extension(TxnRequest txn)
    {
        public TxnRequest Then(params IMessage[] operations)
        {
            txn.Success.AddRange(operations.Select(Op));
            return txn;
        }

        public TxnRequest Else(params IMessage[] operations)
        {
            txn.Failure.AddRange(operations.Select(Op));
            return txn;
        }
    }

    extension<T>(T request) where T : IMessage
    {
        /// <summary>The same request with something more set.</summary>
        public T With(Action<T> set)
        {
            set(request);
            return request;
        }
    }
}
