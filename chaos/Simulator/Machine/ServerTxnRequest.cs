using System.Text;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;
using Etcd = Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Simulator;

/// <summary>A transaction that the server makes. The store gets its bytes, the oracle what they mean in the words of the other requests.</summary>
/// <param name="Meaning">The transaction.</param>
/// <param name="Bytes">As it was encoded by whoever made it.</param>
internal sealed record ServerTxnRequest(TxnRequest Meaning, byte[] Bytes) : StoreOperation
{
    /// <summary>What it does to the configuration, if it is carried out; null for what is none of its business.</summary>
    public ConfigWrite? Configuration { get; init; }

    public override CommandKind Kind => CommandKind.ServerTxn;
    public override int OperationField => Meaning.OperationField;
    protected override string Text => $"server's: {Meaning}";

    public static ServerTxnRequest Of(Etcd.TxnRequest txn, ConfigWrite configuration)
    {
        CompareRequest[] compares = [.. txn.Compare.Select(c => c.Target switch
        {
            Compare.Types.CompareTarget.Value => new CompareRequest(Latin(c.Key), CompareTarget.Value, CompareResult.Equal, Value: Latin(c.Value)),
            Compare.Types.CompareTarget.Create => new CompareRequest(Latin(c.Key), CompareTarget.Create, CompareResult.Equal, c.CreateRevision),
            Compare.Types.CompareTarget.Mod => new CompareRequest(Latin(c.Key), CompareTarget.Mod, CompareResult.Equal, c.ModRevision),
            _ => throw new SimulationFailure($"No release compares the {c.Target} of a key."),
        })];
        return new ServerTxnRequest(new TxnRequest(compares, [.. txn.Success.Select(Of)], []), txn.ToByteArray()) { Configuration = configuration };
    }

    public override ProtoWriter Encode() => throw new InvalidOperationException("It is no part of another transaction, and has its bytes.");

    public override byte[] Body() => Bytes;

    private static StoreOperation Of(RequestOp operation) => operation.RequestCase switch
    {
        RequestOp.RequestOneofCase.RequestPut => new PutRequest(Latin(operation.RequestPut.Key), Latin(operation.RequestPut.Value)),
        RequestOp.RequestOneofCase.RequestDeleteRange => new DeleteRequest(Latin(operation.RequestDeleteRange.Key), Latin(operation.RequestDeleteRange.RangeEnd)),
        _ => throw new SimulationFailure($"No release holds a {operation.RequestCase}."),
    };

    private static string Latin(ByteString bytes) => Encoding.Latin1.GetString(bytes.Span);
}
