using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>What a log held when it was opened: everything that was acknowledged, and perhaps one operation more.</summary>
public sealed record RecoveredLog
{
    public required StorageIdentity Identity { get; init; }

    /// <summary>The directory was formatted just now, or its formatting was interrupted before anything was acknowledged.</summary>
    public required bool Fresh { get; init; }

    /// <summary>The membership stored when the directory was formatted.</summary>
    public required Membership Bootstrap { get; init; }

    public required HardState HardState { get; init; }

    /// <summary>The entry before the first of <see cref="Entries"/>: everything up to it is covered by a snapshot. Zero if the log was never compacted.</summary>
    public required EntryId Base { get; init; }

    /// <summary>Consecutive, from the one after <see cref="Base"/>. Payloads are arrays of their own.</summary>
    public required IReadOnlyList<Entry> Entries { get; init; }

    /// <summary>The log was closed in order and nothing can have been in flight.</summary>
    public required bool ClosedCleanly { get; init; }

    /// <summary>
    /// The disk was damaged: this node may once have acknowledged entries up to this one, and the log ends before it. Zero when nothing is missing. An index
    /// of <see cref="ulong.MaxValue"/> says that only the highest possible term of the lost entries is known.
    /// It is remembered on the disk until the log durably holds that entry, or a newer one in Raft's order. Until then the node must not campaign, and may vote only
    /// for candidates whose last entry is at least this one: otherwise entries that were committed with its help could be lost.
    /// </summary>
    public EntryId LostEnd { get; init; }

    /// <summary>How often this directory was opened, this time included; from 1. Raised durably before <see cref="DurableLog.Open"/> returns, so a copy of the directory that is older shows a lower number.</summary>
    public required ulong Boot { get; init; }

    /// <summary>Drawn at random at every opening and written nowhere: two processes that run on copies of one directory have the same <see cref="Boot"/> and differ in this.</summary>
    public required Guid BootNonce { get; init; }

    /// <summary>What recovery did that an operator may want to know, in whole sentences; each is worth a line in the node's log.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>The last entry, or <see cref="Base"/> when there is none.</summary>
    public EntryId Last => Entries.Count == 0 ? Base : Entries[^1].Id;
}
