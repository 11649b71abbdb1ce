using System.Diagnostics;

namespace Conclave.Node.Consensus;

/// <summary>Work that one thread at a time may do: on a thread of its own, or on the thread that brought it while nothing else is going on.</summary>
/// <remarks>
/// Handing a small piece of work to a sleeping thread costs more than the work: some 20 us of processor time on the machines this was measured
/// on, and a write passes three such workers on each member. So a thread that comes with work may do it itself (<see cref="TryRunHere"/>) if the
/// worker is idle. If not, whoever is at it goes on with the new work or leaves it to the worker's own thread; batches form by themselves then.
/// Nobody ever waits for the worker.
/// </remarks>
internal abstract class SerialWorker
{
    private readonly Thread _thread;
    private readonly object _gate = new();   // an object and not a Lock, because the thread waits on it

    // Under _gate.
    private bool _running;
    private bool _asleep;
    private bool _stopping;
    private bool _failed;
    private long _asleepUntil;   // Stopwatch timestamp

    protected SerialWorker(string name) => _thread = new Thread(Loop) { Name = name, IsBackground = true };

    public void Start() => _thread.Start();

    /// <summary>Ends the thread after what it is doing now; a worker that <see cref="FinishesBeforeStop"/> does all it has first.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }

        if (Thread.CurrentThread != _thread && _thread.IsAlive) _thread.Join();
    }

    /// <summary>Does what waits on the calling thread, once, unless somebody is at it already.</summary>
    /// <returns>Whether anything was done.</returns>
    public bool TryRunHere()
    {
        lock (_gate)
        {
            if (_running || _stopping || !HasWorkUnderLock || !_thread.IsAlive) return false;
            _running = true;
            TakeUnderLock();
        }

        RunAndRelease(borrowed: true);
        return true;
    }

    /// <summary>Leaves what waits to the worker's own thread.</summary>
    public void Wake()
    {
        lock (_gate) WakeUnderLock();
    }

    /// <summary>True when there is something to take. Under the lock.</summary>
    protected abstract bool HasWorkUnderLock { get; }

    /// <summary>Time until the own thread has something to do without being woken; null is for ever.</summary>
    protected virtual TimeSpan? Alarm => null;

    protected virtual bool FinishesBeforeStop => false;

    /// <summary>Moves what waits to where <see cref="Run"/> finds it. Under the lock.</summary>
    protected abstract void TakeUnderLock();

    /// <summary>Does what was taken. Outside the lock; never twice at a time. Whoever calls looks after the other workers next.</summary>
    /// <param name="borrowed">On a thread that came with the work.</param>
    protected abstract void Run(bool borrowed);

    /// <summary>On the worker's own thread after each <see cref="Run"/>: the other workers' turn.</summary>
    protected abstract void AfterOwnRun();

    /// <summary>The worker cannot go on. Called once, on whatever thread it happened.</summary>
    protected abstract void OnFailure(Exception cause);

    /// <summary>Adds work under the lock; with <paramref name="wake"/> the own thread sees to it, without it the caller does.</summary>
    protected void Add<TState>(TState state, Action<TState> addUnderLock, bool wake)
    {
        lock (_gate)
        {
            addUnderLock(state);
            if (wake) WakeUnderLock();
        }
    }

    protected bool IsIdle
    {
        get
        {
            lock (_gate) return !HasWorkUnderLock && !_stopping;
        }
    }

    private void WakeUnderLock()
    {
        if (!_asleep || _running || !HasWorkUnderLock) return;   // who is at it wakes the thread when something is left
        _asleep = false;
        Monitor.Pulse(_gate);
    }

    private void Loop()
    {
        while (true)
        {
            lock (_gate)
            {
                while (true)
                {
                    if (_failed || (_stopping && !(FinishesBeforeStop && (HasWorkUnderLock || _running)))) return;
                    TimeSpan? alarm = Alarm;
                    if (!_running && (HasWorkUnderLock || alarm <= TimeSpan.Zero)) break;
                    _asleep = true;
                    _asleepUntil = alarm is { } due ? Stopwatch.GetTimestamp() + (long)(due.TotalSeconds * Stopwatch.Frequency) : long.MaxValue;
                    // A borrower at work is not waited for in a loop: its end wakes this thread when something is left.
                    if (alarm is { } time) Monitor.Wait(_gate, Math.Max(1, (int)Math.Ceiling(time.TotalMilliseconds)));
                    else Monitor.Wait(_gate);
                    _asleep = false;
                }

                _running = true;
                TakeUnderLock();
            }

            RunAndRelease(borrowed: false);
            AfterOwnRun();
        }
    }

    private void RunAndRelease(bool borrowed)
    {
        try
        {
            Run(borrowed);
        }
        catch (Exception cause)
        {
            // Stays taken: what failed half way must not be touched again.
            lock (_gate)
            {
                _failed = _stopping = true;
                Monitor.PulseAll(_gate);
            }

            OnFailure(cause);
            return;
        }

        lock (_gate)
        {
            _running = false;
            if (HasWorkUnderLock || _stopping || IsAlarmEarlierUnderLock) WakeAfterRunUnderLock();
        }
    }

    /// <summary>A borrowed run may have brought something due before the own thread meant to wake: a follower that became leader has heartbeats to send.</summary>
    private bool IsAlarmEarlierUnderLock =>
        Alarm is { } alarm && Stopwatch.GetTimestamp() + (long)(alarm.TotalSeconds * Stopwatch.Frequency) < _asleepUntil;

    private void WakeAfterRunUnderLock()
    {
        if (!_asleep) return;
        _asleep = false;
        Monitor.Pulse(_gate);
    }
}
