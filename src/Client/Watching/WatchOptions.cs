namespace Conclave.Client;

/// <summary>Where a watch starts and what it reports.</summary>
public sealed record WatchOptions
{
    internal static WatchOptions Default { get; } = new();

    /// <summary>First revision to report; 0 is "from now on". To follow a read without a gap, give the read's revision + 1.</summary>
    public long StartRevision { get; init; }

    /// <summary>Report with each event what the key held before.</summary>
    public bool ReturnPrevious { get; init; }

    /// <summary>Leave writes out.</summary>
    public bool SkipPuts { get; init; }

    /// <summary>Leave deletions out.</summary>
    public bool SkipDeletes { get; init; }

    /// <summary>Report now and then, in quiet times, up to which revision all is known: an update without events.</summary>
    public bool ReportProgress { get; init; }

    /// <summary>Report once, by an update without events, that the watch is in place: every later change will be seen.</summary>
    public bool ReportStart { get; init; }

    /// <summary>
    /// Called once each time a running watch loses its connection, before it goes on elsewhere. Must be quick and must not throw.
    /// </summary>
    public Action<ConclaveException>? Interrupted { get; init; }
}
