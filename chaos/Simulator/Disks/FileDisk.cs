using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Simulator;

/// <summary>The real log and the real snapshots over a simulated file system that loses, tears and reorders what was not synced.</summary>
internal sealed class FileDisk(ulong seed, ulong node, bool hasPeers, StorageFaults faults, bool canReserve) : INodeDisk
{
    private const string Directory = "/data";
    private const ulong ClusterId = 1;
    private const int SegmentBytes = 64 << 10, ZeroFillBytes = 16 << 10;
    private readonly SimulatedFileSystem _files = WithoutReservations(new SimulatedFileSystem(seed), !canReserve);
    private DiskBudget _budget = new(SegmentBytes);
    private int _made = 1, _opened;
    private DurableLog? _log; // open while the node is up, and so is the next
    private SnapshotStore? _snapshots;

    public Guid Incarnation { get; private set; } = new((int)node, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    public ulong Boot { get; private set; }
    public bool MayRepair => hasPeers;
    public Guid Nonce { get; private set; }

    public object Copy() => new DirectoryCopy(_files.Clone(), _budget.Clone(), Incarnation, Boot);

    public void Replace(object? copy)
    {
        if (copy is DirectoryCopy { Files: var files, Budget: var budget })
        {
            _files.RestoreFrom(files);
            (_budget, Incarnation, Boot) = (budget.Clone(), ((DirectoryCopy)copy).Incarnation, ((DirectoryCopy)copy).Boot);
            return;
        }
        _files.Wipe();
        (_budget, Incarnation, Boot) = (new DiskBudget(SegmentBytes), new Guid((int)node, (short)++_made, 0, 0, 0, 0, 0, 0, 0, 0, 1), 0);
    }

    private sealed record DirectoryCopy(SimulatedFileSystem Files, DiskBudget Budget, Guid Incarnation, ulong Boot);

    public RecoveredState Open(Membership bootstrap, out byte[] state)
    {
        Loaded? loaded = null;
        RecoveredState? recovered = null;
        _budget.OnOpened();
        Nonce = new Guid((int)node, (short)(++_opened >> 8), (short)(_opened & 0xFF), 0, 0, 0, 0, 0, 0, 0, 2);
        Write(() =>
        {
            _log = DurableLog.Open(_files, Directory, OptionsFor(bootstrap), out RecoveredLog log);
            if (log.Boot <= Boot) throw new SimulationFailure($"I7: node {node} opens its directory and counts {log.Boot} after {Boot}: an older copy of it would look as new.");
            (Boot, LostAtOpening) = (log.Boot, log.LostEnd);
            _snapshots = new SnapshotStore(_files, Directory, ClusterId) { Faults = faults };
            loaded = _snapshots.LoadNewest(_log, static file => new Loaded(file.Id, ContentOf(file)), []);
            recovered = _log.StartFrom(log, loaded?.Id);
        });
        int quarantined = _files.List(Path.Combine(Directory, Quarantine.DirectoryName)).Count;
        if (quarantined > DiskBudget.QuarantineFilesMax) throw new SimulationFailure($"I23: node {node} keeps {quarantined} copies of damaged files; {DiskBudget.QuarantineFilesMax} are enough.");
        state = loaded?.State ?? [];
        return recovered!; // set, or Write has thrown
    }

    public void Persist(List<PersistOp> ops, List<OutboundMessage> released)
    {
        _budget.OnWritten(ops);
        Write(() => _log!.Persist(ops, released)); // open, see above
    }

    public void CompactTo(EntryId upTo)
    {
        Write(() => _log!.CompactTo(upTo)); // likewise
        _budget.OnCompacted(upTo.Index);
        CheckBudget();
    }

    public void ResetTo(EntryId snapshotLast, HardState hardState)
    {
        Write(() => _log!.ResetTo(snapshotLast, hardState)); // likewise
        _budget.OnReset();
        CheckBudget();
    }

    public bool SaveSnapshot(SnapshotId id, byte[] state) => WriteSnapshot(() =>
    {
        _budget.OnSnapshot(state.Length);
        using SnapshotWriter writer = _snapshots!.Create(id); // likewise
        writer.Write(state);
        writer.Commit().Dispose();
        _snapshots.Prune(keep: 2);
        return true;
    });

    public void DropSnapshots() => Write(() =>
    {
        foreach (string name in _files.List(Directory))
            if (name.StartsWith("snapshot-", StringComparison.Ordinal)) _files.Delete(Path.Combine(Directory, name));
        _files.SyncDirectory(Directory);
    });

    public TransferredSnapshot? ReadSnapshot()
    {
        try
        {
            using SnapshotFile? file = _snapshots!.Latest(); // likewise
            if (file is null) return null;
            byte[] raw = new byte[file.Manifest.BodyBytes];
            for (int at = 0; at < raw.Length;) at += file.ReadRaw(at, raw.AsSpan(at));
            return new TransferredSnapshot(file.Id, raw, file.Manifest);
        }
        catch (StorageException damaged) when (damaged.Kind == StorageErrorKind.Corrupt)
        {
            return null; // a bit flipped at rest; the next start repairs it
        }
    }

    public byte[]? ReceiveSnapshot(TransferredSnapshot snapshot)
    {
        byte[]? state = null;
        WriteSnapshot(() =>
        {
            _budget.OnSnapshot(snapshot.Raw.Length);
            using SnapshotReceiver receiver = _snapshots!.BeginReceive((SnapshotManifest)snapshot.Manifest!); // open; and sent by a disk of this kind
            int half = snapshot.Raw.Length / 2;
            receiver.Append(0, snapshot.Raw.AsSpan(0, half));
            if (receiver.Append(half, snapshot.Raw.AsSpan(half)) != SnapshotReceipt.Accepted) return false; // damaged at the sender
            using SnapshotFile file = receiver.Finish();
            state = ContentOf(file);
            _snapshots.Prune(keep: 2);
            return true;
        });
        return state;
    }

    public void ArmTear(bool armed) => _files.Faults.CrashBeforeSyncOfBytes = armed ? ZeroFillBytes + (8 << 10) : null;

    public void ArmError(bool sync, int after)
    {
        _files.Faults.Heal(); // one at a time: a disk on which everything fails shows no more than one that is off
        _files.Faults.Fail(sync ? DiskOperation.Sync : DiskOperation.Write, after: after);
    }

    public void Fill(int? bytes) => _files.Faults.SpaceBytesMax = _files.UsedBytes + bytes;

    public EntryId LostAtOpening { get; private set; }

    public bool Lie(Strike how)
    {
        const string OfLog = "wal-";
        switch (how.Kind)
        {
            case StrikeKind.LoseWrite: _files.Faults.LoseWrite(OfLog, how.Amount); break;
            case StrikeKind.MisdirectWrite: _files.Faults.MisdirectWrite(how.Amount % 2 == 0 ? -1 : 2, OfLog, how.Amount); break;
            case StrikeKind.ReadStale: _files.Faults.ReadStale(OfLog, how.Amount); break;
            case StrikeKind.LoseRename: _files.Faults.LoseRename(OfLog); break;
            default: _files.Faults.MakeUnreadable(OfLog, 512L * how.Amount, 512); break;
        }
        return true;
    }

    public bool Flip(StrikeKind what, int amount)
    {
        if (what == StrikeKind.FlipLogEnd) return FlipLogEnd(amount);
        if (what == StrikeKind.FlipPair) return FlipPair(amount);
        DiskFileKind kind = what switch { StrikeKind.FlipLog => DiskFileKind.Segment, StrikeKind.FlipSnapshot => DiskFileKind.Snapshot, _ => DiskFileKind.Superblock };
        return _files.FlipRandomBits(kind).Count > 0;
    }

    /// <summary>The newest of what the log acknowledged: where a batch began, its header; elsewhere, its content.</summary>
    private bool FlipLogEnd(int sectors)
    {
        string? newest = _files.List(Directory).Where(name => LogFiles.TryParseSegment(name, out _)).Max(StringComparer.Ordinal);
        if (newest is null) return false;
        string path = Path.Combine(Directory, newest);
        byte[] all = _files.ReadAll(path);
        int last = all.AsSpan().LastIndexOfAnyExcept((byte)0) / Sectors.Bytes;
        bool hit = false;
        for (int sector = last; sector > last - sectors && sector * Sectors.Bytes >= SegmentHeader.ContentOffset; sector--)
        {
            _files.FlipBit(path, 8L * (sector * Sectors.Bytes + _files.Steps % BatchHeader.Bytes));
            hit = true;
        }
        return hit;
    }

    private bool FlipPair(int pair)
    {
        if (!_files.List(Directory).Contains(LogFiles.SuperblockName)) return false;
        for (int slot = 2 * pair; slot < 2 * pair + 2; slot++)
            _files.FlipBit(Path.Combine(Directory, LogFiles.SuperblockName), 8L * (slot * SuperblockFile.SlotBytes + _files.Steps % SuperblockContent.Bytes));
        return true;
    }

    public int PairsLost
    {
        get
        {
            byte[] all = _files.ReadAll(Path.Combine(Directory, LogFiles.SuperblockName));
            bool IsBad(int slot) => SuperblockContent.TryRead(all.AsSpan(slot * SuperblockFile.SlotBytes, SuperblockContent.Bytes), out _, out _) == HeaderCheck.Damaged;
            return Enumerable.Range(0, SuperblockFile.Slots / 2).Count(pair => IsBad(2 * pair) && IsBad(2 * pair + 1));
        }
    }

    /// <summary>Looks at the bytes alone, from the back, and not at what recovery makes of them.</summary>
    public bool IsLogEndWhole
    {
        get
        {
            string? newest = _files.List(Directory).Where(name => LogFiles.TryParseSegment(name, out _)).Max(StringComparer.Ordinal);
            if (newest is null) return false;
            byte[] all = _files.ReadAll(Path.Combine(Directory, newest));
            if (SegmentHeader.TryRead(all, out SegmentHeader header, out _) != HeaderCheck.Good || header.SegmentBytes != all.Length) return false;
            int end = all.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
            // A reset that was interrupted does not count yet, and the log before it has its own end.
            if (end <= SegmentHeader.ContentOffset) return !header.IsReset;
            for (int at = (end - 1) / Sectors.Bytes * Sectors.Bytes; at >= SegmentHeader.ContentOffset; at -= Sectors.Bytes)
            {
                if (BatchHeader.TryRead(all.AsSpan(at, Sectors.Bytes), header.Seed, out BatchHeader batch, out _) != BatchHeaderCheck.Good) continue;
                int length = batch.ContentBytes; // its last bytes may be zeros
                return at + length >= end && at + length <= all.Length && BatchReader.Check(all.AsSpan(at, length), batch, header.Seed, out _, out _) == BatchBodyCheck.Good;
            }
            return false;
        }
    }

    public void Heal() => _files.Faults.Heal();

    public void ArmCrash(int? steps) => _files.Faults.CrashAtStep = _files.Steps + 1 + steps;

    public void Crash(bool powerCut)
    {
        if (powerCut) _files.PowerCut();
        else _files.KillProcess();
        (_log, _snapshots) = (null, null); // their handles died with the process
    }

    private static SimulatedFileSystem WithoutReservations(SimulatedFileSystem files, bool cannot)
    {
        files.Faults.NoReservations = cannot;
        return files;
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
        Incarnation = Incarnation,
        Bootstrap = bootstrap,
        SegmentBytes = SegmentBytes,
        AllowRepair = hasPeers,
        BootNonce = Nonce,
        BatchAlignmentBytes = 512,
        ZeroFillBytes = ZeroFillBytes,
        Faults = faults,
    };

    private void CheckBudget()
    {
        if (_budget.Problem(_log!, _files.UsedBytes) is { } problem) throw new SimulationFailure($"I23: node {node}: {problem}."); // open, see above
    }

    /// <summary>For what the log needs: when it fails, the process ends.</summary>
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
        catch (StorageException failed) when (failed.Kind is StorageErrorKind.Io or StorageErrorKind.NoSpace or StorageErrorKind.Poisoned)
        {
            throw new SimulatedDiskError(failed.Message);
        }
    }

    /// <summary>A snapshot that cannot be written is not there, and the node runs on without it.</summary>
    private bool WriteSnapshot(Func<bool> action)
    {
        try
        {
            return action();
        }
        catch (StorageException) when (_files.IsDown)
        {
            throw new SimulatedCrash();
        }
        catch (StorageException failed) when (failed.Kind is StorageErrorKind.Io or StorageErrorKind.NoSpace)
        {
            return false;
        }
    }
}
