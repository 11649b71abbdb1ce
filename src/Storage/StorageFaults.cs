namespace Conclave.Storage;

/// <summary>Known ways to get storage wrong, to prove that the tests and the simulator notice each of them.</summary>
/// <remarks>
/// Production code cannot turn one on: the type and the properties that take it are internal, visible to this project's tests and the simulator
/// alone, and there is no option, environment variable or message that leads here.
/// </remarks>
[Flags]
internal enum StorageFaults
{
    None = 0,

    /// <summary>Batches are acknowledged without a sync.</summary>
    SkipDataSync = 1 << 0,

    /// <summary>The name of a new segment is not made durable before the superblock counts it.</summary>
    SkipDirectorySync = 1 << 1,

    /// <summary>Any batch with a good checksum is taken, whether or not it follows the one before: number, chain and watermark are not looked at.</summary>
    SkipContinuityCheck = 1 << 2,

    /// <summary>The remains of a torn batch stay behind the end of the log.</summary>
    KeepTornTail = 1 << 3,

    /// <summary>Segments are recycled before the superblock says that they do not count any more.</summary>
    RecycleBeforeSuperblock = 1 << 4,

    /// <summary>A snapshot gets its name before its content is synced.</summary>
    SnapshotNamedBeforeSync = 1 << 5,

    /// <summary>A superblock update writes one copy of each pair and leaves the twin as it was.</summary>
    SuperblockOneCopy = 1 << 6,

    /// <summary>A superblock update writes one pair only.</summary>
    SuperblockOnePair = 1 << 7,

    /// <summary>A failed sync is tried again, and believed when it succeeds.</summary>
    RetryFailedSync = 1 << 8,

    /// <summary>What a repair lost is reported once and not remembered.</summary>
    ForgetLostEnd = 1 << 9,

    /// <summary>The boot number is not raised.</summary>
    KeepBoot = 1 << 10,

    /// <summary>A recycled file keeps its old bytes, and checksums do not depend on the segment: batches of an earlier life look valid.</summary>
    RecycleUnclean = 1 << 11,

    /// <summary>A reset counts as soon as its segment has a name.</summary>
    ResetCountsAtOnce = 1 << 12,

    /// <summary>The order to forget entries is not written.</summary>
    DropTruncation = 1 << 13,

    /// <summary>A vote is written to the log alone.</summary>
    VoteInLogOnly = 1 << 14,

    /// <summary>Messages leave before the write that they depend on.</summary>
    ReleaseBeforeWrite = 1 << 15,

    /// <summary>A compaction forgets the entries and frees no segment.</summary>
    KeepSegments = 1 << 16,

    /// <summary>Older snapshots are never deleted.</summary>
    KeepSnapshots = 1 << 17,

    /// <summary>Copies of damaged files are never deleted.</summary>
    KeepQuarantined = 1 << 18,

    /// <summary>A log that is damaged in its middle, beside a pair of the superblock, is refused, although its end can be read, and with it the newest vote.</summary>
    DoubtEveryEnd = 1 << 19,
}
