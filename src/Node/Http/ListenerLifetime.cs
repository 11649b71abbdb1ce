namespace Conclave.Node.Http;

/// <summary>The two steps in which a listener ends its calls: streams and waiting calls at once, the rest after a grace period.</summary>
internal sealed class ListenerLifetime : IDisposable
{
    private readonly CancellationTokenSource _streams = new();
    private readonly CancellationTokenSource _calls = new();

    /// <summary>Cancelled when the listener begins to stop.</summary>
    public CancellationToken StreamsEnd => _streams.Token;

    /// <summary>Cancelled when the grace period is over.</summary>
    public CancellationToken CallsEnd => _calls.Token;

    public bool IsStopping => _streams.IsCancellationRequested;

    /// <summary>The token that ends calls of this method.</summary>
    public CancellationToken EndOf(RpcMethod method) => method.Stream is not null || method.WaitsForOthers ? StreamsEnd : CallsEnd;

    public async Task BeginStopAsync(TimeSpan grace)
    {
        _calls.CancelAfter(grace);
        await _streams.CancelAsync();
    }

    public void Dispose()
    {
        _streams.Dispose();
        _calls.Dispose();
    }
}
