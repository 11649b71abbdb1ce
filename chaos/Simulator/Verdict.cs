namespace Conclave.Simulator;

/// <summary>How a run ended.</summary>
/// <param name="Failure">What was violated, with the seed and the command that replays it; null when everything held.</param>
/// <param name="Invariant">Which invariant that was: "I4", "core" for one that the core checks itself, or the type of an exception; null when everything held.</param>
/// <param name="TraceHash">Equal for equal runs: seed, steps and mutation decide everything.</param>
/// <param name="Events">Simulated events, all phases.</param>
/// <param name="VirtualTime">How long the cluster lived.</param>
/// <param name="Statistics">What happened in it: a run in which nothing happened has proven nothing.</param>
public sealed record Verdict(string? Failure, string? Invariant, ulong TraceHash, long Events, TimeSpan VirtualTime, Statistics Statistics)
{
    public bool Passed => Failure is null;
}

/// <summary>Counts of what a run went through.</summary>
public sealed record Statistics
{
    public long Committed { get; set; }
    public long WritesAcknowledged { get; set; }
    public long WritesUnknown { get; set; }
    public long ReadsServed { get; set; }
    public long ReadsRefused { get; set; }
    public long Elections { get; set; }
    public long Crashes { get; set; }
    public long CrashesWhileWriting { get; set; }
    public long SnapshotsTaken { get; set; }
    public long SnapshotsInstalled { get; set; }
    public long LogResetsAtStart { get; set; }
    public long MessagesSent { get; set; }
    public long MessagesLost { get; set; }
    public long Faults { get; set; }
    public long DiskErrors { get; set; }
    public long BitsFlipped { get; set; }
    public long LogsRepaired { get; set; }
    public long MembershipChanges { get; set; }
    public long MembershipRefusals { get; set; }
    public long TransfersAsked { get; set; }
    public long Truncations { get; set; }
    public long ReadsCompared { get; set; }
    public long WatchEvents { get; set; }
    public long WatchProgress { get; set; }
    public long WatchesCompacted { get; set; }
    public long LeasesRenewed { get; set; }
    public long LeasesExpired { get; set; }
    public long LocksAcquired { get; set; }
    public long QueueWaits { get; set; }
    public long QueueGrants { get; set; }
    public long QueueTurnsLost { get; set; }
    public long OperationsOrdered { get; set; }
    public long DiskLies { get; set; }
    public long RarePaths { get; set; }
    public long DisksLost { get; set; }
    public long DirectoriesSwapped { get; set; }
    public long MembersReplaced { get; set; }
    public long MessagesKeptOut { get; set; }
    public long AnswersRepeated { get; set; }
    public long ReleasesPublished { get; set; }
    public long ConfigDeltas { get; set; }
    public long ConfigServed { get; set; }
    public long RolloutsBegun { get; set; }
    public long RolloutMoves { get; set; }
    public long RolloutsDone { get; set; }
    public long RolloutsTakenBack { get; set; }

    /// <summary>Times that one member was sick and the others had to serve.</summary>
    public long Trials { get; set; }

    /// <summary>The longest that this took, in parts of a thousand of what was allowed, and in whole election timeouts.</summary>
    public long WorstOutagePermille { get; set; }
    public long WorstOutageElectionTimeouts { get; set; }

    /// <summary>The longest that it took until everybody agreed after the faults, likewise.</summary>
    public long WorstConvergencePermille { get; set; }
    public long WorstConvergenceElectionTimeouts { get; set; }

    /// <summary>Adds the counts of another run to these; of the worst, the worse one stays.</summary>
    public void Add(Statistics other)
    {
        foreach (System.Reflection.PropertyInfo property in typeof(Statistics).GetProperties())
        {
            if (property.PropertyType != typeof(long)) continue;
            (long own, long others) = ((long)property.GetValue(this)!, (long)property.GetValue(other)!); // longs are never null
            property.SetValue(this, property.Name.StartsWith("Worst", StringComparison.Ordinal) ? Math.Max(own, others) : own + others);
        }
    }
}
