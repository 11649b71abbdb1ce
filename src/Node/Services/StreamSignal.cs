using System.Threading.Tasks.Sources;

namespace Conclave.Node.Services;

/// <summary>Wakes the one writer of a stream. Any thread may signal, any number of times; signals while nobody waits count once.</summary>
internal sealed class StreamSignal : IValueTaskSource
{
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };

    // Under _gate.
    private bool _signalled;
    private bool _waiting;
    private Exception? _failure;

    /// <summary>There may be something to do.</summary>
    public void Signal()
    {
        lock (_gate)
        {
            if (!_waiting)
            {
                _signalled = true;
                return;
            }

            _waiting = false;
        }

        _source.SetResult(true);   // nobody else can: only the call that found somebody waiting comes here
    }

    /// <summary>The stream has to end with this; the first one counts.</summary>
    public void Fail(Exception failure)
    {
        lock (_gate) _failure ??= failure;
        Signal();
    }

    /// <exception cref="Exception">What <see cref="Fail"/> was given.</exception>
    public void ThrowIfFailed()
    {
        Exception? failure;
        lock (_gate) failure = _failure;
        if (failure is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>Completes at the next signal, or at once if there was one since the last wait. One waiter at a time.</summary>
    public ValueTask WaitAsync()
    {
        lock (_gate)
        {
            if (_signalled)
            {
                _signalled = false;
                return ValueTask.CompletedTask;
            }

            _source.Reset();
            _waiting = true;
            return new ValueTask(this, _source.Version);
        }
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
