namespace Conclave.Bench.Load;

/// <summary>The phase of a run, set by the one who times it and read by every worker.</summary>
internal sealed class LoadWindow
{
    private volatile int _phase;

    public bool IsMeasuring => _phase == 1;

    public bool IsOver => _phase == 2;

    public void Measure() => _phase = 1;

    public void End() => _phase = 2;
}
