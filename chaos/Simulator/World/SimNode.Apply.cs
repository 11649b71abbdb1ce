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
        Later(SimEventKind.Apply, _random.Between(1, 2_000));
    }

    private void ApplySome()
    {
        _applyScheduled = false;
        if (_applyQueue.TryDequeue(out ReadOnlyMemory<Entry> run))
        {
            foreach (ref readonly Entry entry in run.Span)
            {
                if (entry.Index <= Machine.Applied.Index) continue; // covered by a snapshot that was installed meanwhile
                Machine.Apply(entry);
                if (entry.Kind == EntryKind.Membership && Membership.TryDecode(entry.Payload.Span, out Membership? membership)) _applied = membership;
                _world.Checker.OnApplied(this, entry);
                _world.Clients.OnApplied(this, entry);
            }
            Take(RaftInput.Applied(Machine.Applied.Index));
            MaybeTakeSnapshot();
        }
        ServeReads();
        if (_applyQueue.Count > 0) ScheduleApply();
    }

    private void OnReadVerdict(ReadVerdict verdict)
    {
        if (verdict.Outcome == ReadOutcome.Refused)
        {
            _world.Clients.OnReadRefused(verdict.ReadId);
            return;
        }
        _readyReads.Add(verdict);
        ScheduleApply();
    }

    private void ServeReads()
    {
        for (int i = _readyReads.Count - 1; i >= 0; i--)
        {
            if (_readyReads[i].Index > Machine.Applied.Index) continue;
            _world.Clients.OnReadServed(this, _readyReads[i]);
            _readyReads.RemoveAt(i);
        }
    }

    private void LoadMachine(SnapshotId? snapshot, byte[] state)
    {
        Machine = snapshot is null ? NodeMachine.Empty(_world.Plan) : NodeMachine.Load(_world.Plan, state);
        if (snapshot is not null && Machine.Applied != snapshot.Last) throw new SimulationFailure($"The snapshot {snapshot.Last} holds {Machine.Applied}.");
        _snapshotIndex = Machine.Applied.Index;
        _applied = snapshot?.Membership ?? _bootstrap;
    }

    private void InstallMachine(SnapshotId id)
    {
        Machine = NodeMachine.Load(_world.Plan, _receivedStates[id.Last]);
        if (Machine.Applied != id.Last) throw new SimulationFailure($"The snapshot {id.Last} holds {Machine.Applied}.");
        _receivedStates.Clear();
        _applied = id.Membership;
        _snapshotIndex = LogIndex.Max(_snapshotIndex, id.Last.Index);
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
