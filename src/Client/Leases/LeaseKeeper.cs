namespace Conclave.Client;

/// <summary>Keeps one lease alive in the background. Disposing stops the renewals and leaves the lease to end by itself.</summary>
public sealed class LeaseKeeper : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new(), _lost = new();
    private readonly Task _loop;

    internal LeaseKeeper(LeaseClient leases, long id)
    {
        LeaseId = id;
        _loop = RunAsync(leases);
    }

    public long LeaseId { get; }

    /// <summary>
    /// Cancelled when the lease is gone, or may be gone because nobody could be reached for as long as it lives. Work that is only
    /// allowed while the lease lives must stop on it. Not cancelled by <see cref="DisposeAsync"/>.
    /// </summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Why <see cref="Lost"/> was cancelled: null when the server said that the lease is gone.</summary>
    public ConclaveException? Reason { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
        _lost.Dispose();
    }

    private async Task RunAsync(LeaseClient leases)
    {
        try
        {
            await foreach (LeaseRenewal _ in leases.KeepAliveAsync(LeaseId, _stop.Token).ConfigureAwait(false)) { }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return;   // Disposed: nobody is told that the lease is lost.
        }
        catch (ConclaveException e)
        {
            Reason = e;
        }

        await _lost.CancelAsync().ConfigureAwait(false);
    }
}
