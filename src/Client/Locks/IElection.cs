namespace Conclave.Client;

/// <summary>An election: of all candidates one leads at a time, the others follow in the order in which they came. Keys as etcd's elections have them.</summary>
public interface IElection
{
    string Name { get; }

    /// <summary>Becomes a candidate and waits until it leads.</summary>
    /// <param name="cancellationToken">Withdraws.</param>
    /// <exception cref="ConclaveException">The cluster could not be reached at the start, or refused.</exception>
    ValueTask<ILeadership> CampaignAsync(CancellationToken cancellationToken = default);

    /// <summary>Reports who leads now, and then every change of it and of its value; null when nobody does.</summary>
    IAsyncEnumerable<LeaderInfo?> ObserveAsync(CancellationToken cancellationToken = default);
}

/// <summary>What the elected one has. Disposing resigns.</summary>
public interface ILeadership : IAsyncDisposable
{
    /// <summary>Rises with every leader: the fencing token, see <see cref="IDistributedLockHandle.FencingToken"/>.</summary>
    long Term { get; }

    /// <summary>The key whose existence is the leadership.</summary>
    Bytes Key { get; }

    /// <inheritdoc cref="IDistributedLockHandle.HandleLostToken"/>
    CancellationToken Lost { get; }

    /// <inheritdoc cref="IDistributedLockHandle.IsHeld"/>
    bool IsHeld { get; }

    /// <inheritdoc cref="IDistributedLockHandle.StillHeld"/>
    Condition StillLeads { get; }

    /// <summary>Changes the value that observers see.</summary>
    /// <exception cref="ConclaveException">FailedPrecondition: somebody else leads by now.</exception>
    ValueTask ProclaimAsync(Bytes value, CancellationToken cancellationToken = default);

    /// <summary>Lets the next candidate lead.</summary>
    /// <exception cref="ConclaveException">Not known to be done; the leadership then ends with its lease.</exception>
    ValueTask ResignAsync(CancellationToken cancellationToken = default);
}

/// <summary>Who leads.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Value">What it says of itself.</param>
/// <param name="Term">Rises with every leader.</param>
public sealed record LeaderInfo(Bytes Key, Bytes Value, long Term);
