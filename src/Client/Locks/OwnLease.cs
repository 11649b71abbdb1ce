using Conclave.Client.Leases;
using Conclave.Client.Routing;

namespace Conclave.Client.Locks;

/// <summary>A lease that is renewed in the background, and that knows by the local clock until when it surely lives.</summary>
/// <remarks>
/// The server counts from when it got a renewal, which is not before that was sent. So counting from the sending never promises too much, as long as both
/// clocks run at the same rate within a tenth.
/// </remarks>
internal sealed class OwnLease : IAsyncDisposable
{
    private readonly CallRouter _router;
    private readonly LeaseClient _leases;
    private readonly CancellationTokenSource _stop = new(), _lost = new();
    private readonly Lock _gate = new();
    private readonly ITimer _timer;
    private readonly Task _loop;

    // Under _gate.
    private long _countedFrom;
    private TimeSpan _ttl;
    private bool _isLost;
    private bool _isDisposed;

    private OwnLease(CallRouter router, LeaseClient leases, Lease lease, long sent)
    {
        (_router, _leases, Id, _ttl, _countedFrom) = (router, leases, lease.Id, lease.Ttl, sent);
        _timer = Time.CreateTimer(static me => ((OwnLease)me!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        SetTimer();
        _loop = RenewAsync();
    }

    public long Id { get; }

    /// <summary>Cancelled when it is over, or nine tenths of its time after the last renewal that was answered.</summary>
    public CancellationToken Lost => _lost.Token;

    public bool IsAlive
    {
        get
        {
            lock (_gate) return !_isLost && Left > TimeSpan.Zero;
        }
    }

    private TimeProvider Time => _router.Options.Time;

    private TimeSpan Left => 0.9 * _ttl - Time.GetElapsedTime(_countedFrom);

    public static async ValueTask<OwnLease> GrantAsync(CallRouter router, LeaseClient leases, TimeSpan ttl, CancellationToken cancellationToken)
    {
        long sent = router.Options.Time.GetTimestamp();
        return new OwnLease(router, leases, await leases.GrantAsync(ttl, cancellationToken: cancellationToken).ConfigureAwait(false), sent);
    }

    /// <summary>Ends it with its keys.</summary>
    /// <exception cref="ConclaveException">Not known to be done; then it ends by itself.</exception>
    public async ValueTask RevokeAsync(CancellationToken cancellationToken)
    {
        await StopAsync().ConfigureAwait(false);
        try
        {
            await _leases.RevokeAsync(Id, cancellationToken).ConfigureAwait(false);
        }
        catch (ConclaveException gone) when (gone.Code == Wire.Grpc.GrpcCode.NotFound)
        {
            // It has ended by itself.
        }
    }

    /// <summary>Ends it with its keys if that is possible now; else it ends by itself.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
        }

        try
        {
            await RevokeAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (ConclaveException)
        {
            // Nobody renews it any more, so the others wait for its time at most. Who has to know calls RevokeAsync.
        }
    }

    private async ValueTask StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
    }

    private async Task RenewAsync()
    {
        await using LeaseRenewer renewer = new(_router, Id);
        try
        {
            while (true)
            {
                TimeSpan wait;
                lock (_gate) wait = _ttl / 3 - Time.GetElapsedTime(_countedFrom);
                if (wait > TimeSpan.Zero) await Task.Delay(wait, Time, _stop.Token).ConfigureAwait(false);
                TimeSpan left;
                lock (_gate) left = _isLost ? TimeSpan.Zero : Left;
                if (left <= TimeSpan.Zero) break;
                long sent = Time.GetTimestamp();
                if (await renewer.RenewAsync(left, _stop.Token).ConfigureAwait(false) is not { } renewal || !TryExtend(renewal.Ttl, sent)) break;
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return;   // Disposed: that is no loss.
        }
        catch (ConclaveException)
        {
            // Nobody could be reached for as long as it lives.
        }

        Lose();
    }

    /// <summary>False when it was given up before the answer came. It may live, but whoever was told that it is lost must not see it come back.</summary>
    private bool TryExtend(TimeSpan ttl, long sent)
    {
        lock (_gate)
        {
            if (_isLost || Left <= TimeSpan.Zero) return false;
            (_ttl, _countedFrom) = (ttl, sent);
        }

        SetTimer();
        return true;
    }

    private void SetTimer()
    {
        TimeSpan left;
        lock (_gate) left = Left;
        _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        bool isOver;
        lock (_gate) isOver = Left <= TimeSpan.Zero;
        if (isOver) Lose();
        else SetTimer();   // it was renewed just now
    }

    private void Lose()
    {
        lock (_gate)
        {
            if (_isLost) return;
            _isLost = true;
        }

        // Who listens may take its time; the renewals must not wait for that.
        _ = _lost.CancelAsync();
    }
}
