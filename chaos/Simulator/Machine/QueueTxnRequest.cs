using System.Text;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using Etcd = Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Simulator;

/// <summary>A transaction that the server's lock queue makes. The store gets its bytes, the oracle what they mean in the words of the other requests.</summary>
/// <param name="Meaning">The transaction.</param>
/// <param name="Bytes">As the queue encoded it.</param>
internal sealed record QueueTxnRequest(TxnRequest Meaning, byte[] Bytes) : StoreOperation
{
    public override CommandKind Kind => CommandKind.Txn;
    public override int OperationField => Meaning.OperationField;
    protected override string Text => $"queue's: {Meaning}";

    public static QueueTxnRequest Of(Etcd.TxnRequest txn) => new(new TxnRequest([.. txn.Compare.Select(Of)], [.. txn.Success.Select(Of)], [.. txn.Failure.Select(Of)]), txn.ToByteArray());

    public override ProtoWriter Encode() => throw new InvalidOperationException("It is no part of another transaction, and has its bytes.");

    public override byte[] Body() => Bytes;

    private static CompareRequest Of(Compare compare) => compare.Target switch
    {
        Compare.Types.CompareTarget.Create => new CompareRequest(Latin(compare.Key), CompareTarget.Create, CompareResult.Equal, compare.CreateRevision),
        Compare.Types.CompareTarget.Mod => new CompareRequest(Latin(compare.Key), CompareTarget.Mod, CompareResult.Equal, compare.ModRevision),
        _ => throw new SimulationFailure($"No queue compares the {compare.Target} of a key."),
    };

    private static StoreOperation Of(RequestOp operation) => operation.RequestCase switch
    {
        RequestOp.RequestOneofCase.RequestPut => new PutRequest(Latin(operation.RequestPut.Key), Latin(operation.RequestPut.Value)) { Lease = operation.RequestPut.Lease, IgnoreValue = operation.RequestPut.IgnoreValue },
        RequestOp.RequestOneofCase.RequestDeleteRange => new DeleteRequest(Latin(operation.RequestDeleteRange.Key), Latin(operation.RequestDeleteRange.RangeEnd)),
        RequestOp.RequestOneofCase.RequestRange => new RangeRequest(Latin(operation.RequestRange.Key), Latin(operation.RequestRange.RangeEnd)) { KeysOnly = operation.RequestRange.KeysOnly },
        _ => throw new SimulationFailure($"No queue asks for {operation.RequestCase}."),
    };

    private static string Latin(ByteString bytes) => Encoding.Latin1.GetString(bytes.Span);
}
