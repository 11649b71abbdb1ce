using Conclave.Raft;

namespace Conclave.Simulator;

internal sealed partial class SimNode
{
    private readonly INodeDisk _disk;
    private readonly DiskShadow _shadow = new();
    private readonly Queue<DiskWork> _diskQueue = new();
    private readonly List<OutboundMessage> _released = [];
    private List<DiskWork> _diskNow = [];
    private bool _diskBusy;
    private IoTicket? _lastTicket; // survives restarts; see ReportFormerLife
    private long _downTimeUs; // after a crash while writing

    /// <summary>What must be on the disk.</summary>
    public DiskShadow Shadow => _shadow;

    public int DiskFactor { get; set; } = 1;

    /// <summary>Exactly one is set. In the order in which the core asked.</summary>
    private sealed record DiskWork(PersistOp? Write, SnapshotId? Install, EntryId? CompactTo);

    /// <summary>The next writes stop after so many steps, and the node starts again later; null disarms.</summary>
    public void ArmCrashWhileWriting(int? steps, long downTimeUs)
    {
        _downTimeUs = downTimeUs;
        _disk.ArmCrash(steps);
    }

    /// <summary>False when the power goes again while the disk is being read.</summary>
    private bool TryOpenDisk(out RecoveredState recovered)
    {
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
        if (_shadow.Adopt(recovered, recovered.Snapshot) is { } problem) throw new SimulationFailure($"I7: {Id} after its restart: {problem}");
        if (recovered.Base == recovered.Snapshot?.Last && recovered.Base != before) _world.Statistics.LogResetsAtStart++;
        if (recovered.Snapshot is null ? _durableSnapshot > LogIndex.Zero : recovered.Snapshot.Last.Index < _durableSnapshot)
            throw new SimulationFailure($"I7: {Id} had a durable snapshot at {_durableSnapshot} and starts with {recovered.Snapshot?.Last}.");
        LoadMachine(recovered.Snapshot, state);
        return true;
    }

    private void QueueWrites(List<PersistOp> ops)
    {
        foreach (PersistOp op in ops)
        {
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
    private void StartDiskWork()
    {
        if (_diskBusy || _diskQueue.Count == 0) return;
        _diskBusy = true;
        _diskNow = [_diskQueue.Dequeue()];
        while (_diskNow[0].Write is not null && _diskQueue.TryPeek(out DiskWork? next) && next.Write is not null) _diskNow.Add(_diskQueue.Dequeue());
        Later(SimEventKind.DiskDone, _diskRandom.Between(_world.Plan.DiskMinUs, _world.Plan.DiskMaxUs) * DiskFactor);
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
        if (!_world.Has(DriverFaults.InstallWithoutReset)) _disk.ResetTo(id.Last, _world.Has(DriverFaults.InstallForgetsVote) ? hardState with { VotedFor = NodeId.None } : hardState);
        _shadow.Done();
        _world.Statistics.SnapshotsInstalled++;
        InstallMachine(id);
        Take(RaftInput.SnapshotInstalled(id));
    }

    private void ForgetDiskWork()
    {
        _diskQueue.Clear();
        _released.Clear();
        _diskBusy = false;
    }
}
