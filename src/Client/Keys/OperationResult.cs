using System.Collections.Immutable;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf.Collections;

namespace Conclave.Client;

/// <summary>What one operation returned, on its own or inside a transaction.</summary>
/// <param name="Header">Who answered; inside a transaction only its revision is set.</param>
public abstract record OperationResult(ResponseHeader Header)
{
    internal static OperationResult Of(ResponseOp wire) => wire.ResponseCase switch
    {
        ResponseOp.ResponseOneofCase.ResponseRange => RangeResult.Of(wire.ResponseRange),
        ResponseOp.ResponseOneofCase.ResponsePut => PutResult.Of(wire.ResponsePut),
        ResponseOp.ResponseOneofCase.ResponseDeleteRange => DeleteResult.Of(wire.ResponseDeleteRange),
        ResponseOp.ResponseOneofCase.ResponseTxn => TxnResult.Of(wire.ResponseTxn),
        _ => throw new ConclaveException(Wire.Grpc.GrpcCode.Internal, "The server answered an operation of the transaction with nothing this client knows."),
    };

    private protected static ImmutableArray<KeyValue> Convert(RepeatedField<Wire.Etcd.Mvccpb.KeyValue> wire)
    {
        if (wire.Count == 0) return [];
        var items = new KeyValue[wire.Count];
        for (int i = 0; i < items.Length; i++) items[i] = KeyValue.Of(wire[i]);
        return System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsImmutableArray(items);
    }
}

/// <summary>Keys found.</summary>
/// <param name="Header">Who answered.</param>
/// <param name="Items">The keys, in the order asked for.</param>
/// <param name="More">True when the limit cut the list.</param>
/// <param name="Count">All keys in the range, whatever the limit and the filters.</param>
public sealed record RangeResult(ResponseHeader Header, ImmutableArray<KeyValue> Items, bool More, long Count) : OperationResult(Header)
{
    internal static RangeResult Of(RangeResponse wire) => new(ResponseHeader.Of(wire.Header), Convert(wire.Kvs), wire.More, wire.Count);
}

/// <summary>A key was written.</summary>
/// <param name="Header">Who answered; its revision is the one this write made.</param>
/// <param name="Previous">What the key held before, if that was asked for and the key existed.</param>
public sealed record PutResult(ResponseHeader Header, KeyValue? Previous) : OperationResult(Header)
{
    internal static PutResult Of(PutResponse wire) => new(ResponseHeader.Of(wire.Header), wire.PrevKv is { } previous ? KeyValue.Of(previous) : null);
}

/// <summary>Keys were deleted.</summary>
/// <param name="Header">Who answered.</param>
/// <param name="Deleted">How many keys; 0 when there was none.</param>
/// <param name="Previous">What they held, if that was asked for.</param>
public sealed record DeleteResult(ResponseHeader Header, long Deleted, ImmutableArray<KeyValue> Previous) : OperationResult(Header)
{
    internal static DeleteResult Of(DeleteRangeResponse wire) => new(ResponseHeader.Of(wire.Header), wire.Deleted, Convert(wire.PrevKvs));
}

/// <summary>A transaction ran.</summary>
/// <param name="Header">Who answered.</param>
/// <param name="Succeeded">True when all conditions held and the first branch ran, false when the other one did.</param>
/// <param name="Results">One result per operation of the branch that ran, in its order.</param>
public sealed record TxnResult(ResponseHeader Header, bool Succeeded, ImmutableArray<OperationResult> Results) : OperationResult(Header)
{
    internal static TxnResult Of(TxnResponse wire) =>
        new(ResponseHeader.Of(wire.Header), wire.Succeeded, [.. wire.Responses.Select(OperationResult.Of)]);
}
