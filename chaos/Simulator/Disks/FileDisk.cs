using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Simulator;

/// <summary>The real log over a simulated file system that loses, tears and reorders what was not synced.</summary>
/// <remarks>Snapshots are kept in memory and durable at once, until the snapshot store is part of the simulation.</remarks>
internal sealed class FileDisk(ulong seed, ulong node) : INodeDisk
{
    private const string Directory = "/data";
    private readonly SimulatedFileSystem _files = new(seed);
    private DurableLog? _log;

    public SnapshotId? Snapshot { get; private set; }
    public byte[] SnapshotState { get; private set; } = [];

    public RecoveredState Open(Membership bootstrap)
    {
        var options = new DurableLogOptions
        {
            ClusterId = 1, NodeId = node, Incarnation = new Guid((int)node, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), Bootstrap = bootstrap,
            SegmentBytes = 64 << 10, BatchAlignmentBytes = 512, ZeroFillBytes = 16 << 10,
        };
        RecoveredLog? recovered = null;
        Write(() => _log = DurableLog.Open(_files, Directory, options, out recovered));
        if (Snapshot is { } snapshot && !RecoveredState.LogContainsSnapshot(snapshot.Last, recovered!.Base, recovered.Entries)) // set, or thrown
        {
            ResetTo(snapshot.Last, recovered.HardState);
            return new RecoveredState { HardState = recovered.HardState, Snapshot = snapshot, Bootstrap = bootstrap, Base = snapshot.Last };
        }
        return new RecoveredState { HardState = recovered!.HardState, Snapshot = Snapshot, Bootstrap = bootstrap, Base = recovered.Base, Entries = recovered.Entries };
    }

    public void Persist(List<PersistOp> ops, List<OutboundMessage> released) => Write(() => _log!.Persist(ops, released)); // open while the node is up

    public void CompactTo(EntryId upTo) => Write(() => _log!.CompactTo(upTo));

    public void ResetTo(EntryId snapshotLast, HardState hardState) => Write(() => _log!.ResetTo(snapshotLast, hardState));

    public void SaveSnapshot(SnapshotId id, byte[] state)
    {
        if (Snapshot is { } newer && newer.Last.Index >= id.Last.Index) return;
        (Snapshot, SnapshotState) = (id, state);
    }

    public void ArmCrash(int? steps) => _files.Faults.CrashAtStep = _files.Steps + 1 + steps;

    public void Crash(bool powerCut)
    {
        if (powerCut) _files.PowerCut();
        else _files.KillProcess();
        _log = null; // its handles died with the process
    }

    private void Write(Action action)
    {
        try
        {
            action();
        }
        catch (StorageException) when (_files.IsDown)
        {
            throw new SimulatedCrash();
        }
    }
}
