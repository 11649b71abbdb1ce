using System.Buffers;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.Mvccpb;
using Google.Protobuf;
using Invariant = Conclave.Raft.Invariant; // by name: the simulator compiles this file too, and sees that of the store as well

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

    /// <param name="name">Of the lock or the election.</param>
    /// <param name="lease">As in the request.</param>
    /// <param name="revision">Of the answer.</param>
    /// <param name="response">To <see cref="QueueRequests.Enter"/>.</param>
    public static QueueTicket Of(ByteString name, long lease, long revision, TxnResponse response)
    {
        long created = response.Succeeded ? revision : response.Responses[1].ResponseRange.Kvs[0].CreateRevision;
        return new QueueTicket(name, QueueKeys.Key(name, lease), lease, created, revision, IsShared: !response.Succeeded);
    }
}

/// <summary>What a waiting call does next.</summary>
internal enum QueueStep
{
    /// <summary>Its key is gone, and so is its turn.</summary>
    Lost,

    /// <summary>Waits until its own key or the one before it is deleted, and looks again.</summary>
    Wait,

    /// <summary>Asks the leader whether the state is the present one, and looks again.</summary>
    Confirm,

    /// <summary>Tells its client that it holds.</summary>
    Hold,
}

/// <summary>What a state of the store says of a queue. The first is the one with the smallest create revision: no later key can get before it.</summary>
internal static class QueuePlace
{
    /// <param name="view">The state that is looked at.</param>
    /// <param name="ticket">Of the call.</param>
    /// <param name="isFresh">The state is no older than the question.</param>
    /// <returns>The one before, too, for whoever has to wait.</returns>
    public static (QueueStep Step, KeyValue? Before) Next(StoreView view, QueueTicket ticket, bool isFresh)
    {
        if (!IsThere(view, ticket)) return (QueueStep.Lost, null);
        if (Before(view, ticket) is { } before) return (QueueStep.Wait, before);
        return (isFresh ? QueueStep.Hold : QueueStep.Confirm, null);
    }

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
