namespace Conclave.Client;

/// <summary>A lock that all clients of the cluster share: one holds it at a time, the others wait in the order in which they came.</summary>
/// <remarks>
/// The keys are etcd's (<c>name/lease</c>), so <c>etcdctl lock</c> and the server's Lock service queue in the same line. Each acquisition has a lease
/// of its own. No lock over a network can keep a holder that was paused from going on after its time: what must not happen twice is to be guarded by
/// the token, see <see cref="IDistributedLockHandle.StillHeld"/>.
/// </remarks>
public interface IDistributedLock
{
    string Name { get; }

    /// <summary>Waits for the turn.</summary>
    /// <param name="timeout">Longest wait; null for as long as it takes.</param>
    /// <param name="cancellationToken">Gives the place in the line up.</param>
    /// <exception cref="TimeoutException">Others held it all the time.</exception>
    /// <exception cref="ConclaveException">The cluster could not be reached at the start, or refused.</exception>
    ValueTask<IDistributedLockHandle> AcquireAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="AcquireAsync"/>, but null when others held it for all that time.</summary>
    /// <param name="timeout">Longest wait. Zero, the default, does not queue at all: it is taken only if nobody holds it or waits for it.</param>
    /// <param name="cancellationToken">Gives the place in the line up.</param>
    /// <exception cref="ConclaveException">The cluster could not be reached, or refused.</exception>
    ValueTask<IDistributedLockHandle?> TryAcquireAsync(TimeSpan timeout = default, CancellationToken cancellationToken = default);
}

/// <summary>A lock that is held. Disposing lets the next one have it.</summary>
public interface IDistributedLockHandle : IAsyncDisposable
{
    /// <summary>Rises with every holder, and is never used again. It is the create revision of <see cref="Key"/>.</summary>
    long FencingToken { get; }

    /// <summary>The key whose existence is the lock.</summary>
    Bytes Key { get; }

    /// <summary>
    /// Cancelled when the lock is lost, and before it can be lost without this process hearing of it: when the last renewal that was answered
    /// lies nine tenths of the lease's time back on this machine's monotonic clock. Not cancelled by disposing.
    /// </summary>
    CancellationToken HandleLostToken { get; }

    /// <summary>
    /// Whether the lease cannot have ended yet, by this machine's monotonic clock. After a pause of the process this is right at once, when the
    /// token may take another moment. True says nothing of the next instant.
    /// </summary>
    bool IsHeld { get; }

    /// <summary>The condition of a transaction that must not happen under another holder: <c>client.Txn().When(held.StillHeld).Then(...)</c>.</summary>
    Condition StillHeld { get; }
}

/// <summary>How locks and elections behave.</summary>
public sealed record LockOptions
{
    internal static LockOptions Default { get; } = new();

    /// <summary>
    /// How long the holder may be silent before the others go on without it, rounded up to whole seconds; renewed three times in that time. The server may
    /// grant more. Default 10 s; from 1 s to 24 h.
    /// </summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The value of the key, for people who look: who holds. Empty by default, as etcd's locks are.</summary>
    public Bytes Value { get; init; }

    internal LockOptions Checked() => Ttl >= TimeSpan.FromSeconds(1) && Ttl <= TimeSpan.FromHours(24)
        ? this
        : throw new ArgumentException($"Ttl is {Ttl}; use 1 second to 24 hours.");
}
