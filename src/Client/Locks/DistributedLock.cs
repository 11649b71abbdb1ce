using Conclave.Client.Routing;

namespace Conclave.Client.Locks;

/// <summary>See <see cref="IDistributedLock"/> and, with several slots, <see cref="IDistributedSemaphore"/>.</summary>
internal sealed class DistributedLock(ConclaveClient client, CallRouter router, string name, LockOptions options, int slots = 1) : IDistributedLock, IDistributedSemaphore
{
    private readonly Queueing _line = new(client, name, slots);

    public string Name => name;

    public int Slots => slots;

    public async ValueTask<IDistributedLockHandle> AcquireAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        await WaitAsync(timeout, cancellationToken).ConfigureAwait(false)
            ?? throw new TimeoutException($"{(slots == 1 ? "The lock" : $"All {slots} slots of")} {name} {(slots == 1 ? "was" : "were")} held by others for {timeout!.Value.TotalSeconds:0.###} s.");   // only a time limit gives null

    public async ValueTask<IDistributedLockHandle?> TryAcquireAsync(TimeSpan timeout = default, CancellationToken cancellationToken = default) => timeout > TimeSpan.Zero
        ? await WaitAsync(timeout, cancellationToken).ConfigureAwait(false)
        : await WithLeaseAsync(async lease =>
            await TryEnterAsync(lease, cancellationToken).ConfigureAwait(false) is { } own ? new HeldKey(client, lease, own) : null, cancellationToken).ConfigureAwait(false);

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

    /// <summary>A transaction cannot count keys: with several slots it takes its place, looks once, and leaves again with its lease.</summary>
    private async ValueTask<QueuedKey?> TryEnterAsync(OwnLease lease, CancellationToken cancellationToken)
    {
        if (slots == 1) return await _line.TryEnterAsync(lease, options.Value, cancellationToken).ConfigureAwait(false);
        QueuedKey own = await _line.EnterAsync(lease, options.Value, cancellationToken).ConfigureAwait(false);
        return await _line.IsFirstAsync(own, cancellationToken).ConfigureAwait(false) ? own : null;
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
