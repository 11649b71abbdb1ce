using System.Diagnostics;
using Conclave.Client;

namespace Conclave.Extensions.Hosting.Locks;

/// <summary>The client's locks, traced.</summary>
internal sealed class DistributedLockProvider(ConclaveClient client) : IDistributedLockProvider
{
    public IDistributedLock CreateLock(string name, LockOptions? options = null) => new TracedLock(client.Lock(name, options));

    private sealed class TracedLock(IDistributedLock inner) : IDistributedLock
    {
        public string Name => inner.Name;

        public async ValueTask<IDistributedLockHandle> AcquireAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default)
        {
            using Activity? activity = Start();
            IDistributedLockHandle held = await inner.AcquireAsync(timeout, cancellationToken).ConfigureAwait(false);
            activity?.SetTag("conclave.fencing_token", held.FencingToken);
            return held;
        }

        public async ValueTask<IDistributedLockHandle?> TryAcquireAsync(TimeSpan timeout = default, CancellationToken cancellationToken = default)
        {
            using Activity? activity = Start();
            IDistributedLockHandle? held = await inner.TryAcquireAsync(timeout, cancellationToken).ConfigureAwait(false);
            activity?.SetTag("conclave.fencing_token", held?.FencingToken);
            return held;
        }

        private Activity? Start() => Telemetry.Activities.StartActivity("conclave.lock.acquire")?.SetTag("conclave.lock", inner.Name);
    }
}

/// <summary>The client's elections.</summary>
internal sealed class ElectionProvider(ConclaveClient client) : IElectionProvider
{
    public IElection CreateElection(string name, LockOptions? options = null) => client.Election(name, options);
}
