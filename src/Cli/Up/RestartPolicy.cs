namespace Conclave.Cli.Up;

/// <summary>When a node that ended by itself is started again: after a second, later each time it does not last.</summary>
internal sealed class RestartPolicy(TimeProvider time)
{
    private static readonly TimeSpan WaitFirst = TimeSpan.FromSeconds(1), WaitMax = TimeSpan.FromSeconds(10), Lasting = TimeSpan.FromSeconds(30);
    private long? _started, _ended;
    private TimeSpan _wait = WaitFirst;

    public void Started() => (_started, _ended) = (time.GetTimestamp(), null);

    /// <summary>Call while the node is down; true once it is time to start it.</summary>
    public bool IsDue()
    {
        if (_ended is null)
        {
            _ended = time.GetTimestamp();
            bool lasted = _started is { } started && time.GetElapsedTime(started) >= Lasting;
            _wait = lasted || _started is null ? WaitFirst : _wait * 2 < WaitMax ? _wait * 2 : WaitMax;
        }

        return time.GetElapsedTime(_ended.Value) >= _wait;
    }
}
