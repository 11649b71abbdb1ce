namespace Conclave.Raft;

/// <summary>What a node finds on its disk when it starts.</summary>
public sealed record RecoveredState
{
    public required HardState HardState { get; init; }

    /// <summary>The newest durable snapshot, already loaded into the state machine; null when there is none.</summary>
    public SnapshotId? Snapshot { get; init; }

    /// <summary>Membership to start from when there is no snapshot.</summary>
    public required Membership Bootstrap { get; init; }

    /// <summary>The entry just before the first of <see cref="Entries"/>; zero for a log that was never compacted.</summary>
    public EntryId Base { get; init; }

    /// <summary>Everything the log holds, consecutive from <see cref="Base"/>. May begin before the snapshot's last entry.</summary>
    public IReadOnlyList<Entry> Entries { get; init; } = [];

    /// <summary>
    /// The disk was damaged: this node may once have acknowledged entries up to this one, and <see cref="Entries"/> end earlier. Until the log reaches it again
    /// the node does not campaign, and votes only for candidates that are at least as new. Zero when nothing is missing; an
    /// index of <see cref="ulong.MaxValue"/> when only the term of the lost end is known: then an entry of a later term ends it.
    /// </summary>
    public EntryId LostEnd { get; init; }

    /// <summary>Tickets of this run come after this one.</summary>
    public IoTicket LastTicket { get; init; }

    /// <summary>
    /// Whether the log holds the snapshot's last entry. When it does not (the snapshot came from a leader, or covers entries
    /// that were committed elsewhere before they were durable here, and the process stopped before the log followed), the log must be
    /// reset to the snapshot before a core is built from the two.
    /// </summary>
    public static bool LogContainsSnapshot(EntryId snapshotLast, EntryId logBase, IReadOnlyList<Entry> entries)
    {
        if (snapshotLast == logBase) return true;
        if (snapshotLast.Index <= logBase.Index) return false;
        long offset = snapshotLast.Index - logBase.Index - 1;
        return offset < entries.Count && entries[(int)offset].Term == snapshotLast.Term;
    }
}
