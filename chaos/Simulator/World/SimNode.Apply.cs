using Conclave.Raft;

namespace Conclave.Simulator;

internal sealed partial class SimNode
{
    private readonly Queue<ReadOnlyMemory<Entry>> _applyQueue = new();
    private readonly List<ReadVerdict> _readyReads = [];
    private bool _applyScheduled;
    private Membership _applied = new(); // the membership as of what is applied

    public INodeMachine Machine { get; private set; }

    private void QueueApply(ReadOnlyMemory<Entry> run)
    {
        _applyQueue.Enqueue(run);
        ScheduleApply();
    }

    private void ScheduleApply()
    {
        if (_applyScheduled || (_applyQueue.Count == 0 && _readyReads.Count == 0)) return;
        _applyScheduled = true;
        Later(SimEventKind.Apply, _random.Between(1, _world.Plan.ApplyMaxUs));
    }

    private void ApplySome()
    {
        _applyScheduled = false;
        bool late = _world.Has(DriverFaults.ReadBeforePublished);
        if (late) Machine.Publish();
        if (_applyQueue.TryDequeue(out ReadOnlyMemory<Entry> run))
        {
            foreach (ref readonly Entry entry in run.Span)
            {
                if (entry.Index <= Machine.Applied.Index && !_world.Has(DriverFaults.ApplyOverSnapshot)) continue; // covered by a snapshot that was installed meanwhile
                Machine.Apply(entry);
                if (entry.Kind == EntryKind.Membership && Membership.TryDecode(entry.Payload.Span, out Membership? membership)) _applied = membership;
                _world.Checker.OnApplied(this, entry);
                _world.Clients.Requests.OnApplied(this, entry);
                Services?.OnApplied(entry);
            }
            if (!late) Machine.Publish();
            Services?.OnPublished();
            Take(RaftInput.Applied(Machine.Applied.Index));
            MaybeTakeSnapshot();
        }
        ServeReads();
        if (_applyQueue.Count > 0) ScheduleApply();
    }

    private void OnReadVerdict(ReadVerdict verdict)
    {
        if (verdict.Outcome == ReadOutcome.Refused && !_world.Has(DriverFaults.ReadAfterRefusal))
        {
            _world.Clients.Requests.OnReadRefused(verdict.ReadId);
            return;
        }
        ServeSoon(verdict);
    }

    public void ServeSoon(ReadVerdict verdict)
    {
        _readyReads.Add(verdict);
        ScheduleApply();
    }

    private void ServeReads()
    {
        for (int i = _readyReads.Count - 1; i >= 0; i--)
        {
            ReadVerdict verdict = _readyReads[i];
            if (verdict.Index > Machine.Applied.Index && !_world.Has(DriverFaults.ReadBeforeApplied)) continue;
            _readyReads.RemoveAt(i);
            _world.Clients.Requests.OnReadServed(this, verdict);
        }
    }

    private void LoadMachine(SnapshotId? snapshot, byte[] state)
    {
        Machine = snapshot is null ? NodeMachine.Empty(_world) : NodeMachine.Load(_world, state);
        if (snapshot is not null && Machine.Applied != snapshot.Last) throw new SimulationFailure($"I16: the snapshot {snapshot.Last} holds {Machine.Applied}.");
        _snapshotIndex = Machine.Applied.Index;
        _applied = snapshot?.Membership ?? _bootstrap;
    }

    private void InstallMachine(SnapshotId id)
    {
        if (_world.Has(DriverFaults.InstallForgetsWatchers)) Machine = NodeMachine.Load(_world, _receivedStates[id.Last]);
        else Machine.Install(_receivedStates[id.Last]);
        if (Machine.Applied != id.Last) throw new SimulationFailure($"I16: the snapshot {id.Last} holds {Machine.Applied}.");
        _receivedStates.Clear();
        // What the snapshot covers is not applied one by one: hundreds of entries that wait for that would hold up the next one for as long.
        while (!_world.Has(DriverFaults.ApplyOverSnapshot) && _applyQueue.TryPeek(out ReadOnlyMemory<Entry> covered) && covered.Span[^1].Index <= id.Last.Index) _applyQueue.Dequeue();
        _applied = id.Membership;
        _snapshotIndex = LogIndex.Max(_snapshotIndex, id.Last.Index);
        Services?.OnInstalled(id.Last.Term);
        _world.Checker.OnInstalled(this);
        ScheduleApply();
    }

    private void ForgetApplyWork()
    {
        _applyQueue.Clear();
        _readyReads.Clear();
        _receivedStates.Clear();
        _streams.Clear();
        (_applyScheduled, _savingSnapshot) = (false, false);
    }
}
