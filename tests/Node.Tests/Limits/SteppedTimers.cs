namespace Conclave.Node.Tests.Limits;

/// <summary>A clock that stands until it is moved, and its timers with it: who moves it runs those that are due.</summary>
internal sealed class SteppedTimers : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<Timer> _timers = [];
    private long _ticks = 1;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (period != Timeout.InfiniteTimeSpan) throw new NotSupportedException("Timers here fire once.");
        var timer = new Timer(this, callback, state);
        lock (_gate) _timers.Add(timer);
        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan by)
    {
        long now = Interlocked.Add(ref _ticks, by.Ticks);
        List<Timer> due;
        lock (_gate)
        {
            due = _timers.FindAll(timer => timer.Due <= now);
            foreach (Timer timer in due) timer.Due = long.MaxValue;
        }

        foreach (Timer timer in due) timer.Fire();
    }

    private sealed class Timer(SteppedTimers clock, TimerCallback callback, object? state) : ITimer
    {
        // Under the clock's gate.
        public long Due { get; set; } = long.MaxValue;

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._gate) Due = dueTime == Timeout.InfiniteTimeSpan ? long.MaxValue : clock.GetTimestamp() + dueTime.Ticks;
            return true;
        }

        public void Dispose()
        {
            lock (clock._gate) clock._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
