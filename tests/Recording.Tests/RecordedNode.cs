using Conclave.Raft;

namespace Conclave.Recording.Tests;

/// <summary>A core with a disk in memory and a recorder, driven as the node drives its own.</summary>
internal sealed class RecordedNode : IDisposable
{
    private readonly RaftOutput _output = new();
    private readonly Queue<PersistOp> _unsynced = [];
    private readonly string _directory;
    private readonly long _partBytes;
    private readonly Membership _bootstrap;
    private readonly List<Entry> _log = [];
    private HardState _hardState;
    private EntryId _base;
    private SnapshotId? _installing;
    private RaftOptions _options;
    private EntryId _applied;
    private Membership _committedMembership;

    public RecordedNode(ulong id, Membership bootstrap, string directory, long partBytes)
    {
        _partBytes = partBytes;
        (_bootstrap, _directory, _committedMembership) = (bootstrap, directory, bootstrap);
        _options = new RaftOptions { Self = new NodeId(id), Seed = 77 * id, ElectionTimeoutTicks = 20, HeartbeatTicks = 2, SnapshotTrailingEntries = 5 };
        (Core, Recorder) = Build();
    }

    public RaftCore Core { get; private set; }

    public InputRecorder Recorder { get; private set; }

    /// <summary>First parts.</summary>
    public List<string> Recordings { get; } = [];

    public List<Message> Sent { get; } = [];

    public List<NodeId> SnapshotsWanted { get; } = [];

    public SnapshotId? Snapshot { get; private set; }

    public void Step(params ReadOnlySpan<RaftInput> inputs)
    {
        foreach (ref readonly RaftInput input in inputs)
        {
            Recorder.Step(input);
            Core.Step(input, _output);
        }

        Core.Flush(_output);
        Recorder.Flush(_output, Core);
        foreach (OutboundMessage message in _output.Messages) Sent.Add(message.Message);
        foreach (PersistOp operation in _output.Persists) _unsynced.Enqueue(operation);
        foreach (ReadOnlyMemory<Entry> run in _output.Committed)
        {
            foreach (Entry entry in run.Span)
            {
                _applied = entry.Id;
                if (entry.Kind == EntryKind.Membership && Membership.TryDecode(entry.Payload.Span, out Membership? membership)) _committedMembership = membership;
            }
        }

        SnapshotsWanted.AddRange(_output.SnapshotsWanted);
        _installing = _output.InstallSnapshot ?? _installing;
        if (_output.CompactTo is { } to && to.Index > _base.Index)
        {
            Sync();
            _log.RemoveRange(0, (int)(to.Index - _base.Index));
            _base = to;
        }

        _output.Clear();
    }

    /// <summary>The disk finishes what it has, and the core hears of it, as of what was applied.</summary>
    public void Work()
    {
        IoTicket last = Sync();
        if (last != IoTicket.None) Step(RaftInput.Persisted(last));
        if (_installing is { } snapshot)
        {
            _installing = null;
            Sync();
            _log.Clear();
            (_base, Snapshot, _applied, _committedMembership) = (snapshot.Last, snapshot, snapshot.Last, snapshot.Membership);
            Step(RaftInput.SnapshotInstalled(snapshot));
        }

        if (_applied.Index > Core.Applied) Step(RaftInput.Applied(_applied.Index));
    }

    public void TakeSnapshot()
    {
        if (_installing is not null || _applied.Index == LogIndex.Zero || _applied.Index <= (Snapshot?.Last.Index ?? LogIndex.Zero)) return;
        Work();
        if (Core.Durable < _applied.Index) return;
        Snapshot = new SnapshotId(_applied, _committedMembership);
        Step(RaftInput.SnapshotTaken(Snapshot));
    }

    /// <summary>The process is killed and starts again from what its disk has.</summary>
    public void Restart()
    {
        Recorder.Dispose();
        _unsynced.Clear();
        _installing = null;
        Sent.Clear();
        SnapshotsWanted.Clear();
        _options = _options with { Seed = _options.Seed + 7919 };
        (_applied, _committedMembership) = (Snapshot?.Last ?? EntryId.Zero, Snapshot?.Membership ?? _bootstrap);
        (Core, Recorder) = Build();
    }

    public void Dispose() => Recorder.Dispose();

    private IoTicket Sync()
    {
        IoTicket last = IoTicket.None;
        while (_unsynced.TryDequeue(out PersistOp? operation))
        {
            if (operation.TruncateFrom is { } from) _log.RemoveAll(entry => entry.Index >= from);
            _log.AddRange(operation.Entries.Span);
            _hardState = operation.HardState ?? _hardState;
            foreach (OutboundMessage message in operation.MarkDurable()) Sent.Add(message.Message);
            last = operation.Ticket;
        }

        return last;
    }

    private (RaftCore, InputRecorder) Build()
    {
        RecoveredState recovered = new() { HardState = _hardState, Bootstrap = _bootstrap, Snapshot = Snapshot, Base = _base, Entries = [.. _log] };
        RaftCore core = new(_options, recovered);
        InputRecorder recorder = new(new RecorderOptions { Directory = _directory, PartBytes = _partBytes }, new RecordingStart(0, "test", _options), core, _ => { });
        Recordings.Add(recorder.Path);
        return (core, recorder);
    }
}
