using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Node.Services.Locks;

/// <summary>The transactions of a queue.</summary>
internal static class QueueRequests
{
    /// <summary>Makes the key if it is not there; else writes it again and shows it.</summary>
    /// <param name="key">Own key.</param>
    /// <param name="lease">Whose end deletes it.</param>
    /// <param name="value">The value; null leaves that of a key which is there.</param>
    /// <remarks>
    /// etcd only reads a key that is there. Writing it lets a call that begins again elsewhere take the key over: the call that it replaces, whose
    /// client is gone but whose server does not know yet, then leaves the key alone (<see cref="Leave"/>).
    /// </remarks>
    public static TxnRequest Enter(ByteString key, long lease, ByteString? value)
    {
        var again = new PutRequest { Key = key, Lease = lease, Value = value ?? ByteString.Empty, IgnoreValue = value is null };
        return new TxnRequest
        {
            Compare = { Created(key, 0) },
            Success = { Put(new PutRequest { Key = key, Lease = lease, Value = value ?? ByteString.Empty }) },
            Failure = { Put(again), new RequestOp { RequestRange = new RangeRequest { Key = key, KeysOnly = true } } },
        };
    }

    /// <summary>Deletes the key of a ticket, unless another call has taken it over.</summary>
    /// <param name="ticket">The key.</param>
    /// <param name="before">
    /// The one before, for a key that several calls may share: it must be there still. The key of the first of the queue stays, because the other
    /// call may have been told by now that it holds.
    /// </param>
    public static TxnRequest Leave(QueueTicket ticket, (ByteString Key, long CreateRevision)? before)
    {
        var txn = new TxnRequest
        {
            Compare =
            {
                Created(ticket.Key, ticket.CreateRevision),
                new Compare { Key = ticket.Key, Target = Compare.Types.CompareTarget.Mod, Result = Compare.Types.CompareResult.Equal, ModRevision = ticket.ModRevision },
            },
            Success = { Delete(ticket.Key) },
        };
        if (before is { } one) txn.Compare.Add(Created(one.Key, one.CreateRevision));
        return txn;
    }

    /// <summary>Deletes the key if it is that of this election and not a later one.</summary>
    public static TxnRequest Resign(ByteString key, long createRevision) => new() { Compare = { Created(key, createRevision) }, Success = { Delete(key) } };

    public static TxnRequest Proclaim(ByteString key, long createRevision, long lease, ByteString value) =>
        new() { Compare = { Created(key, createRevision) }, Success = { Put(new PutRequest { Key = key, Lease = lease, Value = value }) } };

    private static Compare Created(ByteString key, long revision) =>
        new() { Key = key, Target = Compare.Types.CompareTarget.Create, Result = Compare.Types.CompareResult.Equal, CreateRevision = revision };

    private static RequestOp Put(PutRequest put) => new() { RequestPut = put };

    private static RequestOp Delete(ByteString key) => new() { RequestDeleteRange = new DeleteRangeRequest { Key = key } };
}
