using Microsoft.AspNetCore.Http.Features;

namespace Conclave.Node.Http;

/// <summary>The two steps in which a listener ends its calls: streams and waiting calls at once, the rest after a grace period.</summary>
internal sealed class ListenerLifetime : IDisposable
{
    /// <summary>
    /// Between the last stream's end and the closing of its connection: some clients forget a status they have not read yet
    /// when the connection goes.
    /// </summary>
    private static readonly TimeSpan TimeToHangUp = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource _endless = new();
    private readonly CancellationTokenSource _calls = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Calls that end at the first step and are not answered yet, and one for the listener itself until it stops.</summary>
    private int _open = 1;

    public bool IsStopping => _endless.IsCancellationRequested;

    /// <summary>The token that ends calls of this method.</summary>
    public CancellationToken EndOf(RpcMethod method) => IsEndless(method) ? _endless.Token : _calls.Token;

    /// <summary>Counts a call in, if it is of the kind that ends at the first step, until its answer is on its way.</summary>
    public void Track(RpcMethod method, IHttpResponseFeature response)
    {
        if (!IsEndless(method))
            return;
        Interlocked.Increment(ref _open);
        response.OnCompleted(static me =>
        {
            ((ListenerLifetime)me).Close();
            return Task.CompletedTask;
        }, this);
    }

    /// <summary>
    /// The first step now, the second after <paramref name="grace"/>. Ends when all streams have been answered, or with the grace period.
    /// </summary>
    public async Task StopAsync(TimeSpan grace)
    {
        _calls.CancelAfter(grace);
        bool anybodyThere = Volatile.Read(ref _open) > 1;
        await _endless.CancelAsync();
        Close();
        if (!anybodyThere)
            return;
        // Kestrel must not begin to close connections before: it would overtake the last frames of streams whose client is not done sending.
        await Task.WhenAny(_drained.Task, Task.Delay(grace));
        await Task.Delay(TimeToHangUp);
    }

    public void Dispose()
    {
        _endless.Dispose();
        _calls.Dispose();
    }

    private static bool IsEndless(RpcMethod method) => method.Stream is not null || method.WaitsForOthers;

    private void Close()
    {
        if (Interlocked.Decrement(ref _open) == 0)
            _drained.TrySetResult();
    }
}
