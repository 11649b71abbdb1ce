using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Simulator;

internal sealed partial class SimNode
{
    private readonly INodeDisk _disk;
    private DiskShadow _shadow = new();
    private readonly Queue<DiskWork> _diskQueue = new();
    private readonly List<OutboundMessage> _released = [];
    private List<DiskWork> _diskNow = [];
    private bool _diskBusy;
    private bool _damaged; // and not started since
    private bool _superblockOnly, _pairDamaged, _otherDamaged; // what was damaged; the last: anything but bits anywhere in the log
    private (int Steps, long DownTimeUs)? _crashAtStart, _crashInReset; // armed, and not struck yet
    private int _tears; // long batches that are to be torn
    private bool _lied; // and not started since
    private bool _isLost; // the disk lost too much, and whoever looks after the cluster knows
    private EntryId _lostEnd; // as the disk said at the last start
    private const long RetryUs = 500_000, DiskLookUs = 20_000;
    private readonly Queue<(IoTicket Ticket, long AtTick)> _writes = new(); // not reported yet
    private IoTicket? _lastTicket; // survives restarts; see ReportFormerLife
    private long _downTimeUs; // after a crash while writing

    /// <summary>What must be on the disk.</summary>
    public DiskShadow Shadow => _shadow;

    public int DiskFactor { get; set; } = 1;

    /// <summary>What the disk began does not end.</summary>
    public bool DiskHangs { get; set; }

    /// <summary>When what is under way will be done.</summary>
    public long DiskBusyUntil { get; private set; }

    /// <summary>Ticks since the core asked for the oldest write of which it has not heard; 0 when there is none.</summary>
    public long OldestWriteTicks => _writes.TryPeek(out (IoTicket Ticket, long AtTick) oldest) ? TicksTaken - oldest.AtTick : 0;

    /// <summary>Exactly one is set. In the order in which the core asked.</summary>
    private sealed record DiskWork(PersistOp? Write, SnapshotId? Install, EntryId? CompactTo);

    /// <summary>The next writes stop after so many steps, and the node starts again later; null disarms.</summary>
    public void ArmCrashWhileWriting(int? steps, long downTimeUs)
    {
        _downTimeUs = downTimeUs;
        _disk.ArmCrash(steps);
        if (steps is null) (_crashAtStart, _crashInReset) = (null, null);
    }

    public void ArmTears(int times, long downTimeUs)
    {
        (_tears, _downTimeUs) = (times, downTimeUs);
        _disk.ArmTear(times > 0);
    }

    /// <summary>Whether it was the power that went, in a crash while writing.</summary>
    private bool TakeTear()
    {
        bool coin = _diskRandom.Below(2) == 0;
        if (_tears == 0) return coin;
        _tears--;
        return true;
    }

    public void ArmCrashAtStart(int steps, long downTimeUs) => _crashAtStart = (steps, downTimeUs);

    public void ArmCrashInReset(int steps, long downTimeUs) => _crashInReset = (steps, downTimeUs);

    private void ArmDelayedCrash(ref (int Steps, long DownTimeUs)? armed)
    {
        if (armed is not { } crash) return;
        ArmCrashWhileWriting(crash.Steps, crash.DownTimeUs);
        armed = null;
    }

    /// <summary>Its disk lost something that it may have promised to keep, and the others have not brought all of it back yet.</summary>
    public bool IsImpaired => IsExiled || _isLost || _damaged || (IsUp ? Core.IsRecovering : _lostEnd != EntryId.Zero);

    /// <summary>What it counts by, or did when it was up last.</summary>
    public Membership Counted { get; private set; } = new();

    /// <summary>A call to the disk fails soon; the node stops then, and starts again later.</summary>
    public void FailDisk(bool sync, int after, long downTimeUs)
    {
        _downTimeUs = downTimeUs;
        _disk.ArmError(sync, after);
    }

    /// <summary>Null: there is room again.</summary>
    public void FillDisk(int? bytes, long downTimeUs)
    {
        _downTimeUs = downTimeUs;
        _disk.Fill(bytes);
    }

    public void HealDisk() => _disk.Heal();

    /// <summary>Bits flip. A node that is up finds out at its next start.</summary>
    public void Damage(Strike strike)
    {
        bool isPair = strike.Kind == StrikeKind.FlipPair;
        // The last vote is in each pair of the superblock and at the end of the log; with one of each damaged it is gone, and the node rightly refuses to start. So a pair goes
        // with bits anywhere in the log alone, which seldom hit the end. And whoever looks at what a lie left behind may ask the superblock.
        if (isPair && _damaged || _pairDamaged)
        {
            bool isLogTheOther = isPair ? !_otherDamaged : strike.Kind == StrikeKind.FlipLog;
            if (!isLogTheOther || _world.Nodes.Count > SimWorld.SlotsMax - 4) return;
        }
        if (_lied && strike.Kind == StrikeKind.FlipSuperblock) return;
        if (isPair || strike.Kind == StrikeKind.FlipLogEnd)
        {
            if (IsUp)
            {
                Crash(powerCut: false);
                StartLater(strike.ForUs);
            }
        }
        if (!_disk.Flip(strike.Kind, strike.Amount)) return;
        _superblockOnly = (!_damaged || _superblockOnly) && strike.Kind is StrikeKind.FlipSuperblock or StrikeKind.FlipPair;
        _otherDamaged |= strike.Kind != StrikeKind.FlipLog;
        (_damaged, _pairDamaged) = (true, _pairDamaged || isPair);
        _world.Statistics.BitsFlipped++;
        if (!IsUp) return;
        Call(strike.ForUs, () =>
        {
            Crash(powerCut: false);
            StartLater(RetryUs);
        });
    }

    /// <summary>The disk does not do what it says. After a while the power goes, and it shows.</summary>
    public void Lie(Strike strike)
    {
        if (!IsUp || _lied || _pairDamaged || _disk.PairsLost > 0 || _world.Nodes.Count > SimWorld.SlotsMax - 4 || !_disk.Lie(strike)) return;
        (_damaged, _lied, _superblockOnly, _otherDamaged) = (true, true, false, true);
        _shadow.RememberCuts();
        _world.Statistics.DiskLies++;
        Call(strike.ForUs, () =>
        {
            Crash(powerCut: true);
            StartLater(RetryUs);
        });
    }

    /// <summary>The directory is of no use, or says nothing of what it lost: such a member is replaced.</summary>
    private bool GiveUpDisk(string why)
    {
        _world.Note($"{Id} is lost: {why}");
        _world.Statistics.DisksLost++;
        (_isLost, _lied) = (true, false);
        _disk.Crash(powerCut: false);
        _world.Operator.Replace(this);
        return false;
    }

    /// <summary>False when the power goes again while the disk is being read.</summary>
    private bool TryOpenDisk(out RecoveredState recovered)
    {
        // Before the directory is opened: a lie that fell into what recovery does itself would be told after everybody has stopped to look for it.
        if (_lied) _disk.Heal();
        EntryId before = _shadow.Base;
        byte[] state;
        try
        {
            recovered = _disk.Open(_bootstrap, out state);
        }
        catch (SimulatedCrash)
        {
            _world.Statistics.CrashesWhileWriting++;
            _disk.Crash(powerCut: _diskRandom.Below(2) == 0);
            StartLater(_downTimeUs);
            recovered = null!; // nobody looks at it
            return false;
        }
        catch (SimulatedDiskError)
        {
            _world.Statistics.DiskErrors++;
            _disk.Crash(powerCut: false);
            StartLater(RetryUs); // as whoever supervises a process does
            recovered = null!; // likewise
            return false;
        }
        catch (StorageException refused) when (_damaged && !_disk.MayRepair && refused.Kind == StorageErrorKind.Corrupt)
        {
            recovered = null!; // likewise
            return GiveUpDisk("it was the only member once, and does not repair itself");
        }
        catch (StorageException refused) when (_damaged && !_lied && MayHaveLostVote(refused))
        {
            recovered = null!; // likewise
            return GiveUpDisk("its last vote may be lost");
        }
        catch (StorageException refused) when (_lied && refused.Kind == StorageErrorKind.Corrupt)
        {
            throw new SimulationFailure($"I7: {Id} refuses a log in which one write went wrong, and might repair it. {refused.Message}");
        }
        // The end of a log may be lost without a trace: no disk tells that from a log that ended there.
        bool isShort = recovered.LostEnd == EntryId.Zero ? !_shadow.Matches(recovered) : recovered.LostEnd < _shadow.Last;
        if (_lied && isShort && _shadow.WasOnce(recovered)) return GiveUpDisk("its log ends earlier than it did");
        _lied = false;
        _shadow.ForgetCuts();
        bool mayHaveLost = _damaged && !_superblockOnly;
        if (_disk.LostAtOpening > _lostEnd && !mayHaveLost) throw new SimulationFailure($"I7: {Id} after its restart takes {_disk.LostAtOpening} for lost, and its log was not damaged.");
        // What was damaged may lie below the snapshot: then the log begins anew there, and nothing is lost.
        string? problem = mayHaveLost && (recovered.LostEnd != EntryId.Zero || recovered.Base.Index > before.Index) ? _shadow.AdoptRepaired(recovered) : _shadow.Adopt(recovered, recovered.Snapshot);
        if (problem is not null) throw new SimulationFailure($"I7: {Id} after its restart: {problem}");
        if (recovered.LostEnd < _lostEnd && _shadow.Last < _lostEnd) throw new SimulationFailure($"I7: {Id} had lost what it held up to {_lostEnd}, ends at {_shadow.Last}, and knows nothing of it.");
        if (recovered.LostEnd != EntryId.Zero && _damaged) _world.Statistics.LogsRepaired++;
        bool mayLackSnapshot = _damaged || recovered.LostEnd != EntryId.Zero;
        (_lostEnd, _damaged, _pairDamaged, _superblockOnly, _otherDamaged) = (recovered.LostEnd, false, false, false, false);
        if (recovered.Base == recovered.Snapshot?.Last && recovered.Base != before) _world.Statistics.LogResetsAtStart++;
        LogIndex snapshot = recovered.Snapshot?.Last.Index ?? LogIndex.Zero;
        if (snapshot < _durableSnapshot && !mayLackSnapshot) throw new SimulationFailure($"I7: {Id} had a durable snapshot at {_durableSnapshot} and starts with {recovered.Snapshot?.Last}.");
        _durableSnapshot = snapshot;
        LoadMachine(recovered.Snapshot, state);
        ArmDelayedCrash(ref _crashAtStart);
        if (_tears > 0) _disk.ArmTear(true);
        return true;
    }

    /// <summary>Both copies of a pair are damaged, which may have had the last vote, and so is the end of the log, which has it too; or nothing is left of the superblock. With a readable end a repair is promised.</summary>
    private bool MayHaveLostVote(StorageException refused) =>
        refused.Kind == StorageErrorKind.Corrupt && (_disk.PairsLost == 2 || (_disk.PairsLost == 1 && refused.IsVoteLost && !_disk.IsLogEndWhole));

    private void QueueWrites(List<PersistOp> ops)
    {
        foreach (PersistOp op in ops)
        {
            _writes.Enqueue((op.Ticket, TicksTaken));
            PersistOp queued = op;
            if (_world.Has(DriverFaults.SendBeforeDurable))
            {
                foreach (OutboundMessage message in op.MarkDurable()) Send(message.Message);
                queued = new PersistOp(op.Ticket, op.HardState, op.TruncateFrom, op.Entries, []);
            }
            _lastTicket = op.Ticket;
            QueueDisk(new DiskWork(queued, null, null));
            if (_world.Has(DriverFaults.ReportBeforeDurable)) Take(RaftInput.Persisted(op.Ticket));
            if (_world.Has(DriverFaults.ApplyWhenAppended)) QueueApply(op.Entries);
        }
    }

    /// <summary>What a driver that forgets nothing at the end of a life does in the next.</summary>
    private void ReportFormerLife()
    {
        if (_lastTicket is not { } ticket || !_world.Has(DriverFaults.ReportOfFormerLife)) return;
        Call(1_000, () => Take(RaftInput.Persisted(ticket)));
        _lastTicket = null;
    }

    private void QueueInstall(SnapshotId id) => QueueDisk(new DiskWork(null, id, null));

    private void QueueCompaction(EntryId upTo) => QueueDisk(new DiskWork(null, null, upTo));

    private void QueueDisk(DiskWork work)
    {
        _diskQueue.Enqueue(work);
        StartDiskWork();
    }

    /// <summary>Writes that have gathered while the disk was busy share one sync; everything else is on its own.</summary>
    /// <summary>Nothing is being written or waits for that.</summary>
    public bool IsDiskIdle => !_diskBusy && _diskQueue.Count == 0;

    private void StartDiskWork()
    {
        if (_diskBusy || _diskQueue.Count == 0) return;
        _diskBusy = true;
        _diskNow = [_diskQueue.Dequeue()];
        while (_diskNow[0].Write is not null && _diskQueue.TryPeek(out DiskWork? next) && next.Write is not null) _diskNow.Add(_diskQueue.Dequeue());
        long takes = _diskRandom.Between(_world.Plan.DiskMinUs, _world.Plan.DiskMaxUs) * DiskFactor;
        DiskBusyUntil = _world.Now + takes;
        Later(SimEventKind.DiskDone, takes);
    }

    private void FinishDiskWork()
    {
        List<DiskWork> work = _diskNow;
        if (work[0].Write is not null) FinishWrites(work);
        else if (work[0].Install is { } id) FinishInstall(id);
        else if (work[0].CompactTo is { } upTo)
        {
            _shadow.BeginCompaction(upTo);
            _disk.CompactTo(upTo);
            _shadow.Done();
        }
        _diskBusy = false;
        StartDiskWork();
    }

    private void FinishWrites(List<DiskWork> work)
    {
        var ops = new List<PersistOp>(work.Count);
        foreach (DiskWork one in work) ops.Add(one.Write!); // a group is all writes
        _shadow.Begin(ops);
        try
        {
            _disk.Persist(ops, _released);
        }
        catch (SimulatedCrash)
        {
            CheckNothingReleased(ops);
            throw;
        }
        _shadow.Done();
        foreach (OutboundMessage message in _released) Send(message.Message);
        _released.Clear();
        if (!_world.Has(DriverFaults.ReportBeforeDurable)) Take(RaftInput.Persisted(ops[^1].Ticket));
    }

    /// <summary>I8 for a write that failed: what depends on it must not have been handed out, or a driver might send it. Large writes are done in parts, and a part may have been done.</summary>
    private void CheckNothingReleased(List<PersistOp> ops)
    {
        const long SmallBytes = 64 << 10;
        long bytes = 0;
        foreach (PersistOp op in ops)
            foreach (ref readonly Entry entry in op.Entries.Span) bytes += entry.Payload.Length;
        if (_released.Count > 0 && bytes < SmallBytes) throw new SimulationFailure($"I8: {Id} may send {_released[0].Message}, whose write failed.");
    }

    private void FinishInstall(SnapshotId id)
    {
        HardState hardState = _shadow.HardState;
        // The term of the snapshot may be newer than the one on disk, if the leader's term has not been written yet.
        if (hardState.Term < id.Last.Term) hardState = new HardState(id.Last.Term, NodeId.None);
        _shadow.BeginReset(id.Last, hardState);
        ArmDelayedCrash(ref _crashInReset);
        if (!_world.Has(DriverFaults.InstallWithoutReset)) _disk.ResetTo(id.Last, _world.Has(DriverFaults.InstallForgetsVote) ? hardState with { VotedFor = NodeId.None } : hardState);
        _shadow.Done();
        _world.Statistics.SnapshotsInstalled++;
        InstallMachine(id);
        Take(RaftInput.SnapshotInstalled(id));
    }

    private void ForgetWrites(ulong upTo)
    {
        while (_writes.TryPeek(out (IoTicket Ticket, long AtTick) oldest) && oldest.Ticket.Sequence <= upTo) _writes.Dequeue();
    }

    private void ForgetDiskWork()
    {
        _writes.Clear();
        DiskBusyUntil = 0;
        _diskQueue.Clear();
        _released.Clear();
        _diskBusy = false;
    }
}
