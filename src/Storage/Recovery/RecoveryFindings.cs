namespace Conclave.Storage;

/// <summary>How the superblock reads.</summary>
internal enum SuperblockFinding
{
    Whole,

    /// <summary>A copy is damaged, or older than its twin, which has the truth.</summary>
    CopyDamaged,

    /// <summary>No copy of one pair can be read, or the file has another length. The other pair has all that counts, except perhaps the newest vote.</summary>
    PairDamaged,

    /// <summary>The same in format 1, where the lost pair alone may have held the newest content.</summary>
    PairDamagedOldFormat,

    /// <summary>No copy can be read.</summary>
    Unreadable,

    /// <summary>Two pairs that do not follow each other.</summary>
    Contradictory,
    Missing,
    OtherFormat,
    OtherCluster,
    OtherMember,
}

/// <summary>How the segments read that the superblock counts.</summary>
internal enum SegmentsFinding
{
    /// <summary>Not looked at, because the superblock cannot be used.</summary>
    NotRead,

    /// <summary>None was ever begun: formatting was interrupted, or has not begun.</summary>
    None,
    Whole,

    /// <summary>Something acknowledged cannot be read: a damaged, missing, cut or renamed segment, a batch that is damaged or missing.</summary>
    Damaged,

    /// <summary>Good checksums around contents that contradict each other. No disk does that.</summary>
    Contradictory,

    /// <summary>There is a segment that the superblock cannot know: it is an older copy.</summary>
    BeyondSuperblock,
    OtherFormat,
    OtherCluster,
    OtherMember,

    /// <summary>The same cluster and member, but another data directory.</summary>
    OtherDirectory,
}

/// <summary>How the last segment ends.</summary>
internal enum LogEndFinding
{
    NotRead,
    Clean,

    /// <summary>A batch lacks sectors, and nothing valid follows: it was being written when the power went.</summary>
    Torn,

    /// <summary>The log ends in an older term or with another vote than the superblock has seen, before its base, or with other entries in its place: its end is gone without a trace.</summary>
    Behind,
}

/// <summary>The segment after the newest that the superblock counts.</summary>
internal enum NextSegmentFinding
{
    None,

    /// <summary>A roll-over was interrupted.</summary>
    RollOver,

    /// <summary>A reset, or a repair, was interrupted.</summary>
    Reset,
    Unreadable,
}

/// <summary>Which snapshot the state can start from.</summary>
internal enum SnapshotFinding
{
    /// <summary>Not looked at yet: the log comes first.</summary>
    NotRead,

    /// <summary>There is none, and the log begins with the first entry.</summary>
    NotNeeded,
    Newest,

    /// <summary>The newest is damaged, an older one reaches the beginning of the log (or the log begins with the first entry).</summary>
    Older,

    /// <summary>None that can be read reaches the beginning of the log.</summary>
    Unusable,
    OtherFormat,
    OtherCluster,
}

/// <summary>Everything that a recovery decides from.</summary>
internal readonly record struct RecoveryFindings
{
    internal SuperblockFinding Superblock { get; init; }

    internal SegmentsFinding Segments { get; init; }

    internal LogEndFinding LogEnd { get; init; }

    internal NextSegmentFinding NextSegment { get; init; }

    internal SnapshotFinding Snapshot { get; init; }

    /// <summary>There are segments or snapshots in the directory.</summary>
    internal bool HasData { get; init; }

    /// <summary>The options say for which cluster and member an empty directory is formatted.</summary>
    internal bool CanFormat { get; init; }

    /// <summary>The newest acknowledged term and vote can be read somewhere for certain.</summary>
    internal bool HardStateKnown { get; init; }

    internal bool AllowRepair { get; init; }
}
