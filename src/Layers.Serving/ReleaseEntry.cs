using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.Mvccpb;
using Google.Protobuf;

namespace Conclave.Layers.Serving;

/// <summary>The log entry that makes a checked change the next release: only if the head is still the one that it was checked on, and once for a request.</summary>
public static class ReleaseEntry
{
    /// <summary>Answers to repeated requests are known for so many releases.</summary>
    public const int RequestsMax = 1024;

    /// <summary>The release that a request became before, if it did.</summary>
    public static long? Published(StoreView view, string space, ReadOnlySpan<byte> requestId) => requestId.IsEmpty ? null
        : StoreReads.Find(view, ConfigKeys.Request(space, requestId)) is { } known ? ConfigKeys.Number(known.Value.Span) : null;

    /// <param name="view">What this member has, for what is to be tidied away.</param>
    /// <param name="now">The head that the change was checked on.</param>
    /// <param name="record">The change.</param>
    /// <param name="bytes">The record's bytes; they are not copied.</param>
    /// <param name="requestId">Empty for none.</param>
    /// <returns>A transaction for the server alone. More may be added to it that belongs to the release.</returns>
    public static TxnRequest Of(StoreView view, SpaceSnapshot now, ChangeRecord record, ReadOnlyMemory<byte> bytes, ReadOnlySpan<byte> requestId) =>
        Of(view, now, record, bytes, requestId, ServingFaults.None);

    internal static TxnRequest Of(StoreView view, SpaceSnapshot now, ChangeRecord record, ReadOnlyMemory<byte> bytes, ReadOnlySpan<byte> requestId, ServingFaults faults)
    {
        (string space, long release) = (now.Space, now.Release + 1);
        var txn = new TxnRequest();
        if (!faults.HasFlag(ServingFaults.PublishWithoutHead)) txn.Compare.Add(HeadIs(space, now.Release));
        txn.Success.Add(Put(ConfigKeys.Release(space, release), UnsafeByteOperations.UnsafeWrap(bytes)));
        txn.Success.Add(Put(ConfigKeys.Head(space), Text(ConfigKeys.Text(release))));
        if (!requestId.IsEmpty)
        {
            string request = ConfigKeys.Request(space, requestId);
            if (!faults.HasFlag(ServingFaults.PublishTwice)) txn.Compare.Add(Missing(request));
            txn.Success.Add(Put(request, Text(ConfigKeys.Text(release))));
            foreach (KeyValue old in StoreReads.All(view, ConfigKeys.Requests(space)))
            {
                if (ConfigKeys.Number(old.Value.Span) <= release - RequestsMax) txn.Success.Add(Delete(old.Key));
            }
        }

        foreach (NodeEdit gone in record.Change.Edits.OfType<NodeEdit>().Where(e => e.Assignment is null))
            txn.Success.Add(Delete(Text(ConfigKeys.Facts(space, gone.Node))));
        return txn;
    }

    private static Compare HeadIs(string space, long release) => release == 0 ? Missing(ConfigKeys.Head(space)) : new Compare
    {
        Key = Text(ConfigKeys.Head(space)),
        Target = Compare.Types.CompareTarget.Value,
        Result = Compare.Types.CompareResult.Equal,
        Value = Text(ConfigKeys.Text(release)),
    };

    private static Compare Missing(string key) =>
        new() { Key = Text(key), Target = Compare.Types.CompareTarget.Create, Result = Compare.Types.CompareResult.Equal, CreateRevision = 0 };

    private static RequestOp Put(string key, ByteString value) => new() { RequestPut = new PutRequest { Key = Text(key), Value = value } };

    private static RequestOp Delete(ByteString key) => new() { RequestDeleteRange = new DeleteRangeRequest { Key = key } };

    private static ByteString Text(string text) => ByteString.CopyFromUtf8(text);
}
