namespace Conclave.Client;

/// <summary>A number of slots that all clients of the cluster share: so many hold one at a time, the others wait in the order in which they came.</summary>
/// <remarks>
/// A line as that of <see cref="IDistributedLock"/>, with the same keys: the first <see cref="Slots"/> by create revision hold. With one slot it is that lock. A holder that dies
/// gives its slot back when its lease ends; one that is paused longer than that may for a moment be one too many, so what must never be exceeded needs the token, as with a lock.
/// </remarks>
public interface IDistributedSemaphore
{
    string Name { get; }

    int Slots { get; }

    /// <inheritdoc cref="IDistributedLock.AcquireAsync"/>
    ValueTask<IDistributedLockHandle> AcquireAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="AcquireAsync"/>, but null when no slot came free in all that time.</summary>
    /// <param name="timeout">Longest wait. Zero, the default, looks once: null when all slots are held.</param>
    /// <param name="cancellationToken">Gives the place in the line up.</param>
    /// <exception cref="ConclaveException">The cluster could not be reached, or refused.</exception>
    ValueTask<IDistributedLockHandle?> TryAcquireAsync(TimeSpan timeout = default, CancellationToken cancellationToken = default);
}
