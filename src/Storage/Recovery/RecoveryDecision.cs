namespace Conclave.Storage;

/// <summary>What becomes of the log.</summary>
internal enum LogOutcome
{
    /// <summary>A new log.</summary>
    Format,

    /// <summary>Formatting was interrupted; nothing was ever acknowledged.</summary>
    FinishFormatting,
    Start,

    /// <summary>Start; the unfinished batch at the end, which nobody was told of, is wiped.</summary>
    CutTornTail,

    /// <summary>What can be read up to the damage is written anew, and what is missing is remembered as the lost end.</summary>
    Repair,
    Refuse,
}

/// <summary>What becomes of the state.</summary>
internal enum SnapshotOutcome
{
    /// <summary>Decided later, or never because the log is refused.</summary>
    None,

    /// <summary>Start from the newest snapshot, or from nothing when there is none.</summary>
    Load,

    /// <summary>Start from an older snapshot; the log rebuilds the same state.</summary>
    PassOver,

    /// <summary>Start from an older snapshot or from nothing, with an empty log, and remember the old end of the log as the lost end.</summary>
    ResetLog,
    Refuse,
}

/// <summary>What becomes of the segment after the newest that counts.</summary>
internal enum NextSegmentOutcome
{
    Nothing,

    /// <summary>It counts, and the superblock follows.</summary>
    Adopt,

    /// <summary>It never counted.</summary>
    Delete,
}

/// <summary>The one decision about a data directory: a total function of what was found, without any IO.</summary>
/// <remarks>The table of docs/protocol/storage-format.md is this function. It is used by the recovery itself, and tried for every combination of findings in the tests.</remarks>
internal readonly record struct RecoveryDecision
{
    internal required LogOutcome Log { get; init; }

    internal SnapshotOutcome Snapshot { get; init; }

    internal NextSegmentOutcome NextSegment { get; init; }

    /// <summary>Set when something is refused.</summary>
    internal StorageErrorKind? Refusal { get; init; }

    /// <summary>It is refused because the newest vote may be lost, which no other member can bring back.</summary>
    internal bool IsVoteLost { get; init; }

    /// <summary>Why, in a sentence.</summary>
    internal required string Reason { get; init; }

    internal static RecoveryDecision Of(in RecoveryFindings found) => OfSuperblock(found) ?? OfSegments(found) ?? OfDamage(found) ?? OfSoundLog(found);

    private static RecoveryDecision? OfSuperblock(in RecoveryFindings found) => found.Superblock switch
    {
        SuperblockFinding.OtherFormat => Refuse(StorageErrorKind.WrongFormat, "Another version wrote the superblock."),
        SuperblockFinding.OtherCluster => Refuse(StorageErrorKind.WrongCluster, "A node never joins another cluster with old data."),
        SuperblockFinding.OtherMember => Refuse(StorageErrorKind.WrongMember, "Every member has a directory of its own."),
        SuperblockFinding.Missing when found.HasData => Refuse(StorageErrorKind.Corrupt, "Without the superblock nobody knows which segments count."),
        SuperblockFinding.Missing when !found.CanFormat => Refuse(StorageErrorKind.NotFormatted, "Nobody said for whom to format."),
        SuperblockFinding.Missing => WithSnapshot(found, LogOutcome.Format, "The directory is empty."),
        SuperblockFinding.Unreadable => Refuse(StorageErrorKind.Corrupt, "No copy of the superblock can be read."),
        SuperblockFinding.Contradictory => Refuse(StorageErrorKind.Corrupt, "The superblock contradicts itself."),
        SuperblockFinding.PairDamagedOldFormat => Refuse(StorageErrorKind.Corrupt, "The damaged pair may have been the newest."),
        SuperblockFinding.PairDamaged when !found.AllowRepair => Refuse(StorageErrorKind.Corrupt, "The damaged pair may have held a newer vote, and repair is not allowed."),
        _ => null,
    };

    private static RecoveryDecision? OfSegments(in RecoveryFindings found) => found.Segments switch
    {
        SegmentsFinding.OtherFormat => Refuse(StorageErrorKind.WrongFormat, "Another version wrote a segment."),
        SegmentsFinding.OtherCluster => Refuse(StorageErrorKind.WrongCluster, "A segment belongs to another cluster."),
        SegmentsFinding.OtherMember => Refuse(StorageErrorKind.WrongMember, "A segment belongs to another member."),
        SegmentsFinding.OtherDirectory => Refuse(StorageErrorKind.Corrupt, "Somebody mixed two data directories."),
        SegmentsFinding.BeyondSuperblock => Refuse(StorageErrorKind.Corrupt, "The superblock is an older copy."),
        SegmentsFinding.Contradictory => Refuse(StorageErrorKind.Corrupt, "Undamaged contents contradict each other: a bug, and nothing to build on."),
        SegmentsFinding.NotRead => Refuse(StorageErrorKind.Corrupt, "The segments were not read."),
        SegmentsFinding.None => WithSnapshot(found, LogOutcome.FinishFormatting, "Formatting was interrupted."),
        _ => null,
    };

    private static RecoveryDecision? OfDamage(in RecoveryFindings found)
    {
        bool damaged = found.Segments == SegmentsFinding.Damaged || found.LogEnd is LogEndFinding.Behind or LogEndFinding.NotRead || found.NextSegment == NextSegmentFinding.Unreadable;
        if (!damaged)
            return null;
        if (!found.AllowRepair)
            return Refuse(StorageErrorKind.Corrupt, "Acknowledged entries are missing, and repair is not allowed.");
        return found.HardStateKnown
            ? WithSnapshot(found, LogOutcome.Repair, "Acknowledged entries are missing; the other members have them.")
            : Refuse(StorageErrorKind.Corrupt, "Acknowledged entries are missing, and so may be a vote: both places that hold it are damaged.") with { IsVoteLost = true };
    }

    private static RecoveryDecision OfSoundLog(in RecoveryFindings found) => found.LogEnd == LogEndFinding.Torn
        ? WithSnapshot(found, LogOutcome.CutTornTail, "The last batch was never acknowledged.")
        : WithSnapshot(found, LogOutcome.Start, "Everything checks out.");

    private static RecoveryDecision WithSnapshot(in RecoveryFindings found, LogOutcome log, string reason)
    {
        var decision = new RecoveryDecision
        {
            Log = log,
            NextSegment = found.NextSegment switch
            {
                NextSegmentFinding.None => NextSegmentOutcome.Nothing,
                NextSegmentFinding.RollOver => NextSegmentOutcome.Adopt,
                _ => NextSegmentOutcome.Delete,
            },
            Reason = reason,
        };
        return found.Snapshot switch
        {
            SnapshotFinding.NotRead => decision,
            SnapshotFinding.NotNeeded or SnapshotFinding.Newest => decision with { Snapshot = SnapshotOutcome.Load },
            SnapshotFinding.Older => decision with { Snapshot = SnapshotOutcome.PassOver },
            SnapshotFinding.OtherFormat => RefuseSnapshot(decision, StorageErrorKind.WrongFormat, "Another version wrote the snapshot."),
            SnapshotFinding.OtherCluster => RefuseSnapshot(decision, StorageErrorKind.WrongCluster, "The snapshot belongs to another cluster."),
            _ when found.AllowRepair => decision with { Snapshot = SnapshotOutcome.ResetLog, Reason = "No snapshot reaches the beginning of the log; the other members have one." },
            _ => RefuseSnapshot(decision, StorageErrorKind.Corrupt, "No snapshot reaches the beginning of the log, and repair is not allowed."),
        };
    }

    private static RecoveryDecision Refuse(StorageErrorKind kind, string reason) => new() { Log = LogOutcome.Refuse, Refusal = kind, Reason = reason };

    private static RecoveryDecision RefuseSnapshot(in RecoveryDecision log, StorageErrorKind kind, string reason) =>
        log with { Snapshot = SnapshotOutcome.Refuse, Refusal = kind, Reason = reason };
}
