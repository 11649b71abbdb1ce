using System.Buffers;
using Conclave.Raft;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.Mvccpb;
using Google.Protobuf;

namespace Conclave.Node.Services.Locks;

/// <summary>Somebody's key in a queue.</summary>
/// <param name="Name">Of the lock or the election.</param>
/// <param name="Key">Own key.</param>
/// <param name="Lease">Whose end deletes it.</param>
/// <param name="CreateRevision">The place in the queue, and the fencing token of whoever holds.</param>
/// <param name="ModRevision">Of this call's own write: another call that came for the same key has written since when it is not this one any more.</param>
/// <param name="IsShared">The key was there already.</param>
internal sealed record QueueTicket(ByteString Name, ByteString Key, long Lease, long CreateRevision, long ModRevision, bool IsShared)
{
    public ByteString Prefix { get; } = QueueKeys.Prefix(Name);
}

/// <summary>What a state of the store says of a queue. The first is the one with the smallest create revision: no later key can get before it.</summary>
internal static class QueuePlace
{
    /// <summary>Whether the key is still the one of the ticket; a key that was deleted and made again is another.</summary>
    public static bool IsThere(StoreView view, QueueTicket ticket) =>
        Only(view, new RangeRequest { Key = ticket.Key, KeysOnly = true })?.CreateRevision == ticket.CreateRevision;

    /// <summary>The one just before; null for the first.</summary>
    public static KeyValue? Before(StoreView view, QueueTicket ticket) => Only(view, new RangeRequest
    {
        Key = ticket.Prefix,
        RangeEnd = QueueKeys.EndOf(ticket.Prefix),
        MaxCreateRevision = ticket.CreateRevision - 1,
        SortTarget = RangeRequest.Types.SortTarget.Create,
        SortOrder = RangeRequest.Types.SortOrder.Descend,
        Limit = 1,
        KeysOnly = true,
    });

    /// <summary>The first of all; null when nobody queues.</summary>
    public static KeyValue? First(StoreView view, ByteString prefix) => Only(view, new RangeRequest
    {
        Key = prefix,
        RangeEnd = QueueKeys.EndOf(prefix),
        SortTarget = RangeRequest.Types.SortTarget.Create,
        SortOrder = RangeRequest.Types.SortOrder.Ascend,
        Limit = 1,
    });

    private static KeyValue? Only(StoreView view, RangeRequest request)
    {
        var body = new ArrayBufferWriter<byte>(256);
        StoreError error = view.Range(request.ToByteArray(), body);
        Invariant.Holds(error == StoreError.None, "A read of the current revision of a key that is not empty cannot fail.");
        RangeResponse response = RangeResponse.Parser.ParseFrom(body.WrittenSpan);
        return response.Kvs.Count == 0 ? null : response.Kvs[0];
    }
}
