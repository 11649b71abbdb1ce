using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>One node's disk. Two kinds: a plain list, fast, and the real log over simulated files.</summary>
internal interface INodeDisk
{
    /// <summary>Opens it after a start, as a driver does, and reports what it holds.</summary>
    RecoveredState Open(Membership bootstrap);

    /// <exception cref="SimulatedCrash">An armed crash struck in the middle.</exception>
    void Persist(List<PersistOp> ops, List<OutboundMessage> released);

    void CompactTo(EntryId upTo);

    void ResetTo(EntryId snapshotLast, HardState hardState);

    /// <summary>Makes a snapshot durable. The newest one is the one found by <see cref="Open"/>.</summary>
    void SaveSnapshot(SnapshotId id, byte[] state);

    SnapshotId? Snapshot { get; }

    byte[] SnapshotState { get; }

    /// <summary>The next writes will be interrupted after a few steps; null disarms.</summary>
    void ArmCrash(int? steps);

    /// <summary>The process is gone; with a power cut, so is what was not synced.</summary>
    void Crash(bool powerCut);
}

/// <summary>The machine died in the middle of a write.</summary>
internal sealed class SimulatedCrash : Exception;
