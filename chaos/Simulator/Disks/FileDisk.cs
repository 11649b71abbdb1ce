using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Simulator;

/// <summary>The real log and the real snapshots over a simulated file system that loses, tears and reorders what was not synced.</summary>
internal sealed class FileDisk(ulong seed, ulong node, StorageFaults faults = StorageFaults.None) : INodeDisk
{
    private const string Directory = "/data";
    private const ulong ClusterId = 1;
    private readonly SimulatedFileSystem _files = new(seed);
    private DurableLog? _log; // open while the node is up, and so is the next
    private SnapshotStore? _snapshots;

    public RecoveredState Open(Membership bootstrap, out byte[] state)
    {
        try
        {
            _log = DurableLog.Open(_files, Directory, OptionsFor(bootstrap), out RecoveredLog log);
            _snapshots = new SnapshotStore(_files, Directory, ClusterId) { Faults = faults };
            Loaded? loaded = _snapshots.LoadNewest(log.Base, static file => new Loaded(file.Id, ContentOf(file)), []);
            state = loaded?.State ?? [];
            var recovered = new RecoveredState { HardState = log.HardState, Snapshot = loaded?.Id, Bootstrap = bootstrap, Base = log.Base, Entries = log.Entries };
            if (loaded is null || RecoveredState.LogContainsSnapshot(loaded.Id.Last, log.Base, log.Entries)) return recovered;
            _log.ResetTo(loaded.Id.Last, log.HardState);
            return recovered with { Base = loaded.Id.Last, Entries = [] };
        }
        catch (StorageException) when (_files.IsDown)
        {
            throw new SimulatedCrash();
        }
    }

    public void Persist(List<PersistOp> ops, List<OutboundMessage> released) => Write(() => _log!.Persist(ops, released)); // open, see above

    public void CompactTo(EntryId upTo) => Write(() => _log!.CompactTo(upTo)); // likewise

    public void ResetTo(EntryId snapshotLast, HardState hardState) => Write(() => _log!.ResetTo(snapshotLast, hardState)); // likewise

    public void SaveSnapshot(SnapshotId id, byte[] state) => Write(() =>
    {
        using SnapshotWriter writer = _snapshots!.Create(id); // likewise
        writer.Write(state);
        writer.Commit().Dispose();
        _snapshots.Prune(keep: 2);
    });

    public void DropSnapshots() => Write(() =>
    {
        foreach (string name in _files.List(Directory))
            if (name.StartsWith("snapshot-", StringComparison.Ordinal)) _files.Delete(Path.Combine(Directory, name));
        _files.SyncDirectory(Directory);
    });

    public TransferredSnapshot? ReadSnapshot()
    {
        using SnapshotFile? file = _snapshots!.Latest(); // likewise
        if (file is null) return null;
        byte[] raw = new byte[file.Manifest.BodyBytes];
        for (int at = 0; at < raw.Length;) at += file.ReadRaw(at, raw.AsSpan(at));
        return new TransferredSnapshot(file.Id, raw, file.Manifest);
    }

    public byte[] ReceiveSnapshot(TransferredSnapshot snapshot)
    {
        byte[] state = [];
        Write(() =>
        {
            using SnapshotReceiver receiver = _snapshots!.BeginReceive((SnapshotManifest)snapshot.Manifest!); // open; and sent by a disk of this kind
            int half = snapshot.Raw.Length / 2;
            receiver.Append(0, snapshot.Raw.AsSpan(0, half));
            if (receiver.Append(half, snapshot.Raw.AsSpan(half)) != SnapshotReceipt.Accepted) throw new SimulationFailure($"The snapshot {snapshot.Id.Last} is not accepted.");
            using SnapshotFile file = receiver.Finish();
            state = ContentOf(file);
            _snapshots.Prune(keep: 2);
        });
        return state;
    }

    public void ArmCrash(int? steps) => _files.Faults.CrashAtStep = _files.Steps + 1 + steps;

    public void Crash(bool powerCut)
    {
        if (powerCut) _files.PowerCut();
        else _files.KillProcess();
        (_log, _snapshots) = (null, null); // their handles died with the process
    }

    private sealed record Loaded(SnapshotId Id, byte[] State);

    private static byte[] ContentOf(SnapshotFile file)
    {
        byte[] content = new byte[file.LengthBytes];
        using Stream stream = file.OpenContent();
        stream.ReadExactly(content);
        return content;
    }

    // Small segments, so that the log rolls over, recycles and compacts all the time.
    private DurableLogOptions OptionsFor(Membership bootstrap) => new()
    {
        ClusterId = ClusterId,
        NodeId = node,
        Incarnation = new Guid((int)node, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
        Bootstrap = bootstrap,
        SegmentBytes = 64 << 10,
        BatchAlignmentBytes = 512,
        ZeroFillBytes = 16 << 10,
        Faults = faults,
    };

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
