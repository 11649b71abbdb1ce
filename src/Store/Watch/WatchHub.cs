namespace Conclave.Store;

/// <summary>Where published changes meet the watchers of all sessions.</summary>
public sealed class WatchHub
{
    internal WatchHub() { }

    /// <summary>Watchers of all sessions.</summary>
    public int WatcherCount => throw new NotSupportedException();
}
