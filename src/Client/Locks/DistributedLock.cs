using Conclave.Client.Routing;

namespace Conclave.Client.Locks;

/// <summary>See <see cref="IDistributedLock"/>.</summary>
internal sealed class DistributedLock(ConclaveClient client, CallRouter router, string name, LockOptions options) : IDistributedLock
{
    private readonly Queueing _line = new(client, name);

    public string Name => name;

    public async ValueTask<IDistributedLockHandle> AcquireAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        await WaitAsync(timeout, cancellationToken).ConfigureAwait(false)
            ?? throw new TimeoutException($"The lock {name} was held by others for {timeout!.Value.TotalSeconds:0.###} s.");   // only a time limit gives null

    public async ValueTask<IDistributedLockHandle?> TryAcquireAsync(TimeSpan timeout = default, CancellationToken cancellationToken = default) => timeout > TimeSpan.Zero
        ? await WaitAsync(timeout, cancellationToken).ConfigureAwait(false)
        : await WithLeaseAsync(async lease =>
            await _line.TryEnterAsync(lease, options.Value, cancellationToken).ConfigureAwait(false) is { } own ? new HeldKey(client, lease, own) : null, cancellationToken).ConfigureAwait(false);

    /// <returns>Null when the time limit passed.</returns>
    internal async ValueTask<HeldKey?> WaitAsync(TimeSpan? timeout, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(timeout ?? Timeout.InfiniteTimeSpan, router.Options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            while (true)
            {
                // A lease that was lost while waiting costs the place in the line: with another one it is the end again.
                if (await WithLeaseAsync(lease => QueueAsync(lease, either.Token), either.Token).ConfigureAwait(false) is { } held) return held;
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private async ValueTask<HeldKey?> QueueAsync(OwnLease lease, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lease.Lost);
        try
        {
            QueuedKey own = await _line.EnterAsync(lease, options.Value, either.Token).ConfigureAwait(false);
            return await _line.WaitAsync(own, either.Token).ConfigureAwait(false) && lease.IsAlive ? new HeldKey(client, lease, own) : null;
        }
        catch (OperationCanceledException) when (lease.Lost.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Gives the work a lease, and takes it back when nothing came of it.</summary>
    private async ValueTask<HeldKey?> WithLeaseAsync(Func<OwnLease, ValueTask<HeldKey?>> work, CancellationToken cancellationToken)
    {
        OwnLease lease = await OwnLease.GrantAsync(router, client.Leases, options.Ttl, cancellationToken).ConfigureAwait(false);
        HeldKey? held = null;
        try
        {
            return held = await work(lease).ConfigureAwait(false);
        }
        finally
        {
            if (held is null) await lease.DisposeAsync().ConfigureAwait(false);
        }
    }
}
