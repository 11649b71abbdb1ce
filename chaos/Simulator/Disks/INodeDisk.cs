using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>A snapshot as it travels: its raw bytes, and what the sender says about them.</summary>
internal sealed record TransferredSnapshot(SnapshotId Id, byte[] Raw, object? Manifest);

/// <summary>One node's disk. Two kinds: a plain list, fast, and the real log and snapshots over simulated files.</summary>
/// <remarks>Every method may end in a <see cref="SimulatedCrash"/> or a <see cref="SimulatedDiskError"/> if one was armed.</remarks>
internal interface INodeDisk
{
    /// <summary>Of the directory, drawn when it was made.</summary>
    Guid Incarnation { get; }

    /// <summary>Number of the last opening, counted on the disk.</summary>
    ulong Boot { get; }

    /// <summary>Of the last opening.</summary>
    Guid Nonce { get; }

    /// <summary>Others may have what it loses. A real node knows that from how it was started: one that founded its cluster alone does not repair itself, however large the cluster is by now.</summary>
    bool MayRepair { get; }

    /// <summary>A copy of everything, for <see cref="Replace"/>.</summary>
    object Copy();

    /// <summary>The process is gone, and something else stands where the directory was.</summary>
    /// <param name="copy">From <see cref="Copy"/>; null for an empty directory.</param>
    void Replace(object? copy);

    /// <summary>Opens it after a start, as a driver does.</summary>
    /// <param name="bootstrap">The membership to start from.</param>
    /// <param name="state">The content of the snapshot that was found; empty without one.</param>
    RecoveredState Open(Membership bootstrap, out byte[] state);

    void Persist(List<PersistOp> ops, List<OutboundMessage> released);

    void CompactTo(EntryId upTo);

    void ResetTo(EntryId snapshotLast, HardState hardState);

    /// <summary>Makes a snapshot of the own state durable. The newest one is the one found by <see cref="Open"/>. False when there is no room for it.</summary>
    bool SaveSnapshot(SnapshotId id, byte[] state);

    /// <summary>Deletes all snapshots: for a driver that is to do the wrong thing.</summary>
    void DropSnapshots();

    /// <summary>The newest snapshot, for a peer; null when there is none that can be read.</summary>
    TransferredSnapshot? ReadSnapshot();

    /// <summary>Makes a snapshot from a peer durable; its content. Null when it does not arrive whole, or there is no room for it.</summary>
    byte[]? ReceiveSnapshot(TransferredSnapshot snapshot);

    /// <summary>The power goes before the next sync of more than is filled with zeros at once. Real disks only, like all that follows; false disarms.</summary>
    void ArmTear(bool armed);

    /// <summary>A call, after so many that succeed, fails with an error.</summary>
    void ArmError(bool sync, int after);

    /// <summary>No room for more than so many bytes beyond what is used; null for any.</summary>
    void Fill(int? bytes);

    /// <summary>Flips bits at rest.</summary>
    /// <param name="what">In which files.</param>
    /// <param name="amount">What the kind counts.</param>
    /// <returns>Whether there was one.</returns>
    bool Flip(StrikeKind what, int amount);

    /// <summary>Pairs of copies of the superblock of which neither copy checks out.</summary>
    int PairsLost { get; }

    /// <summary>The last that the log has is a batch that checks out to its end, or a segment in which nothing was written yet: it says what the newest vote is, whatever was damaged before it.</summary>
    bool IsLogEndWhole { get; }

    /// <summary>What the log said, when it was opened last, that it may have lost. It may have been made good by the end of the opening.</summary>
    EntryId LostAtOpening { get; }

    /// <summary>From now on it does not do what it says, once.</summary>
    /// <returns>Whether it can.</returns>
    bool Lie(Strike how);

    /// <summary>Nothing is armed any more.</summary>
    void Heal();

    /// <summary>The next writes will be interrupted after a few steps; null disarms.</summary>
    void ArmCrash(int? steps);

    /// <summary>The process is gone; with a power cut, so is what was not synced.</summary>
    void Crash(bool powerCut);
}

/// <summary>The machine died in the middle of a write.</summary>
internal sealed class SimulatedCrash : Exception;

/// <summary>The disk reported an error, and the process stops, as a node does that no longer knows what its disk holds.</summary>
internal sealed class SimulatedDiskError(string what) : Exception(what);
