using Conclave.Wire.Grpc;

namespace Conclave.Client.Locks;

/// <summary>The first place in a line, as a lock or as a leadership.</summary>
internal sealed class HeldKey(ConclaveClient client, OwnLease lease, QueuedKey own) : IDistributedLockHandle, ILeadership
{
    public Bytes Key => own.Key;

    public long FencingToken => own.Revision;

    public long Term => own.Revision;

    public CancellationToken HandleLostToken => lease.Lost;

    public CancellationToken Lost => lease.Lost;

    public bool IsHeld => lease.IsAlive;

    public Condition StillHeld => Condition.CreateRevision(own.Key, Relation.Equal, own.Revision);

    public Condition StillLeads => StillHeld;

    public async ValueTask ProclaimAsync(Bytes value, CancellationToken cancellationToken = default)
    {
        TxnResult result = await client.Txn()
            .When(StillHeld)
            .Then(Operation.Put(own.Key, value, new PutOptions { LeaseId = lease.Id }))
            .CommitAsync(cancellationToken).ConfigureAwait(false);
        if (!result.Succeeded) throw new ConclaveException(GrpcCode.FailedPrecondition, $"The leadership of term {Term} has ended. Campaign again.");
    }

    public ValueTask ResignAsync(CancellationToken cancellationToken = default) => lease.RevokeAsync(cancellationToken);

    public ValueTask DisposeAsync() => lease.DisposeAsync();
}
