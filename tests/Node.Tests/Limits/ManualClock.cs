namespace Conclave.Node.Tests.Limits;

/// <summary>Time stamps that go on when they are told to. Timers and the time of day are the system's.</summary>
internal sealed class ManualClock : TimeProvider
{
    private long _ticks = 1;

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);
}
