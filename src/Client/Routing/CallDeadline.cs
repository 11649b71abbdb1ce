using System.Collections.Concurrent;

namespace Conclave.Client.Routing;

/// <summary>Joins a caller's token with the time limit of one call, on a pooled timer.</summary>
internal readonly struct CallDeadline : IDisposable
{
    private const int PooledMax = 256;
    private static readonly ConcurrentStack<CancellationTokenSource> Pool = new();
    private static int _pooled;
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _callers;

    private CallDeadline(CancellationTokenSource source, CancellationTokenRegistration callers) => (_source, _callers) = (source, callers);

    public CancellationToken Token => _source.Token;

    public static CallDeadline Start(TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (Pool.TryPop(out CancellationTokenSource? source)) Interlocked.Decrement(ref _pooled);
        else source = new CancellationTokenSource();
        source.CancelAfter(timeout);
        CancellationTokenRegistration callers = cancellationToken.CanBeCanceled
            ? cancellationToken.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), source)   // registered with it, one line up
            : default;
        return new CallDeadline(source, callers);
    }

    public void Dispose()
    {
        _callers.Dispose();   // waits for a callback that runs now, so that none can cancel the next user of the source
        if (_source.TryReset())
        {
            if (Interlocked.Increment(ref _pooled) <= PooledMax)
            {
                Pool.Push(_source);
                return;
            }

            Interlocked.Decrement(ref _pooled);
        }

        _source.Dispose();
    }
}
