using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>How a damaged file of a running node is made harmless without a restart.</summary>
public enum ScrubRemedy
{
    /// <summary>
    /// Take a snapshot now, and compact the log to it (<see cref="DurableLog.CompactTo"/>) at <see cref="ScrubFinding.Last"/> or beyond: the segment is freed and
    /// never read again. Nothing is lost, since the state in memory holds all that the segment holds.
    /// </summary>
    SnapshotAndCompact,

    /// <summary>Take a snapshot now, then take this one out of use (<see cref="SnapshotStore.Quarantine"/>).</summary>
    ReplaceSnapshot,
}

/// <summary>Bytes that were good once and are not now.</summary>
/// <param name="File">Path of the file.</param>
/// <param name="Offset">Where in the file, in bytes, if known.</param>
/// <param name="First">First index that the file covers.</param>
/// <param name="Last">Last entry that the file covers. A cold segment is needed no longer once the log is compacted to it.</param>
/// <param name="Problem">What is wrong, for people.</param>
/// <param name="Remedy">What to do. Until then the node works on; if it restarts first, recovery repairs or refuses (see <see cref="DurableLogOptions.AllowRepair"/>).</param>
public sealed record ScrubFinding(string File, long? Offset, LogIndex First, EntryId Last, string Problem, ScrubRemedy Remedy);

/// <summary>What a step of a <see cref="Scrubber"/> did.</summary>
/// <param name="BytesRead">Roughly what was asked for; one batch or chunk more at most, 0 when there was nothing to read.</param>
/// <param name="IsRoundComplete">Every file was read once since the last time this was true. The next step begins anew.</param>
/// <param name="Finding">Damage, if the step met any; the rest of that file is passed over in this round. Each round reports it again until it is gone.</param>
public readonly record struct ScrubStep(long BytesRead, bool IsRoundComplete, ScrubFinding? Finding);
