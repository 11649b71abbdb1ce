using Conclave.Raft;

namespace Conclave.Simulator;

internal sealed record TakenSnapshot(SnapshotId Id, byte[] State);

/// <summary>A snapshot on its way from one node to another.</summary>
internal sealed record SnapshotStream(int From, int To, Term Term, int ReceiverLife, TransferredSnapshot Snapshot);

internal sealed partial class SimNode
{
    private readonly Dictionary<EntryId, byte[]> _receivedStates = []; // durable, and not installed yet
    private readonly HashSet<int> _streams = []; // to whom
    private LogIndex _snapshotIndex;
    private LogIndex _durableSnapshot; // of the newest snapshot that must be on the disk, restarts or not
    private bool _savingSnapshot;

    private void MaybeTakeSnapshot()
    {
        if (_savingSnapshot || Machine.Applied.Index - _snapshotIndex < _world.Plan.SnapshotEvery) return;
        _savingSnapshot = true;
        if (_world.Has(DriverFaults.OldSnapshotDeletedFirst)) _disk.DropSnapshots();
        var taken = new TakenSnapshot(new SnapshotId(Machine.Applied, _applied), Machine.Save());
        if (_world.Has(DriverFaults.SnapshotReportedEarly)) Take(RaftInput.SnapshotTaken(taken.Id));
        Later(SimEventKind.SnapshotSaved, _random.Between(1_000, 100_000), data: taken);
    }

    private void SaveSnapshot(TakenSnapshot taken)
    {
        _savingSnapshot = false;
        if (taken.Id.Last.Index <= _snapshotIndex) return; // a newer one was installed meanwhile
        if (!_disk.SaveSnapshot(taken.Id, _world.Has(DriverFaults.SnapshotOfLaterState) ? Machine.Save() : taken.State)) return; // the next one, later
        _snapshotIndex = taken.Id.Last.Index;
        _durableSnapshot = LogIndex.Max(_durableSnapshot, taken.Id.Last.Index);
        _world.Statistics.SnapshotsTaken++;
        if (!_world.Has(DriverFaults.SnapshotReportedEarly)) Take(RaftInput.SnapshotTaken(taken.Id));
    }

    private void StartStream(NodeId peer)
    {
        SimNode receiver = _world[peer];
        if (!_streams.Add(receiver._slot)) return; // it runs already
        TransferredSnapshot? snapshot = _disk.ReadSnapshot();
        if (snapshot is null && IsImpaired)
        {
            _streams.Remove(receiver._slot);
            Take(RaftInput.SnapshotSendFinished(peer, ok: false));
            return;
        }
        if (snapshot is null) throw new SimulationFailure($"I7: {Id} is to send a snapshot and has none.");
        var stream = new SnapshotStream(_slot, receiver._slot, Core.Term, receiver.Life, snapshot);
        Later(SimEventKind.StreamEnd, _random.Between(1_000, 300_000), data: stream);
    }

    private void EndStream(SnapshotStream stream)
    {
        _streams.Remove(stream.To);
        SimNode receiver = _world.Nodes[stream.To];
        bool cut = _world.Network.IsBlocked(_slot, stream.To) || _world.Network.IsBlocked(stream.To, _slot);
        bool broken = _random.Below(10) == 0;
        bool ok = receiver.IsUp && receiver.Admits(this) && Admits(receiver) && receiver.Life == stream.ReceiverLife && !cut && !broken; // also while all is well: a stream has a connection of its own
        if (ok && _world.Has(DriverFaults.ReceivedReportedEarly)) receiver.ReportReceived(stream, stream.Snapshot.Raw);
        if (ok) receiver.Later(SimEventKind.StreamSaved, receiver._random.Between(100, 50_000), data: stream);
        Take(RaftInput.SnapshotSendFinished(receiver.Id, ok));
    }

    private void ReceiveSnapshot(SnapshotStream stream)
    {
        SnapshotId id = stream.Snapshot.Id;
        if (_disk.ReceiveSnapshot(stream.Snapshot) is not { } state) return; // the leader asks again
        _durableSnapshot = LogIndex.Max(_durableSnapshot, id.Last.Index);
        if (!_world.Has(DriverFaults.ReceivedReportedEarly)) ReportReceived(stream, state);
    }

    /// <summary>Everything up to here is committed, as somebody's snapshot told it, whatever it can count itself.</summary>
    public LogIndex ReceivedEnd { get; private set; }

    private void ReportReceived(SnapshotStream stream, byte[] state)
    {
        SnapshotId id = stream.Snapshot.Id;
        _receivedStates[id.Last] = state;
        ReceivedEnd = LogIndex.Max(ReceivedEnd, id.Last.Index);
        Take(RaftInput.SnapshotReceived(_world.Nodes[stream.From].Id, stream.Term, id));
    }
}
