using System.Diagnostics;
using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Store;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Consensus;

/// <summary>Where the effects of the core go, apart from messages.</summary>
internal interface IConsensusEffects
{
    /// <summary>To the log writer, in this order: the operations, then the snapshot to install, then the compaction.</summary>
    void Persist(List<PersistOp> operations, SnapshotId? install, EntryId? compactTo);

    void Apply(List<ReadOnlyMemory<Entry>> committed);

    void SendSnapshot(NodeId to);

    void OnRole(RoleChange change);

    /// <summary>The core broke one of its own rules. The node must stop.</summary>
    void OnFatal(Exception cause);
}

/// <summary>The one thread that steps the core: takes all inputs that have come, steps them, and carries out what came of it once.</summary>
/// <remarks>
/// It does no I/O but hand frames to sockets that take them at once. Between inputs it sleeps until the next tick, so it is its own clock:
/// after a pause (a stopped process, a stalled machine) it makes up for at most <see cref="TicksAtOnceMax"/> ticks, so that a pause is not
/// taken for silence of the others.
/// </remarks>
internal sealed class ConsensusLoop : IProposalRoute
{
    private const int TicksAtOnceMax = 3;

    /// <summary>Shorter pauses are an everyday matter of the scheduler.</summary>
    private const int PauseTicksWorthALine = 50;

    private readonly RaftCore _core;
    private readonly NodeId _self;
    private readonly PeerTransport _peers;
    private readonly IConsensusEffects _effects;
    private readonly ILogger _logger;
    private readonly Thread _thread;
    private readonly RaftOutput _output = new();
    private readonly object _gate = new();   // an object and not a Lock, because the thread waits on it

    // Under _gate.
    private List<RaftInput> _inputs = [];
    private List<IncomingProposal> _proposals = [];
    private bool _asleep;
    private bool _stopping;

    // Of the consensus thread.
    private List<RaftInput> _stepping = [];
    private List<IncomingProposal> _proposing = [];
    private readonly List<IncomingProposal> _batch = [];
    private Proposal[] _batchForCore = new Proposal[64];

    // Written by the consensus thread, read by all: one value each, so no lock.
    private ConsensusStatus _status;

    /// <summary>A local request, or a payload that another member sent.</summary>
    private readonly record struct IncomingProposal(PendingRequest? Local, NodeId From, ulong Term, ReadOnlyMemory<byte> Payload);

    public ConsensusLoop(RaftCore core, NodeId self, PeerTransport peers, IConsensusEffects effects, Func<IProposalRoute, Proposals> proposals, Func<Action<ulong>, ReadBarrier> reads, ILogger logger)
    {
        (_core, _self, _peers, _effects, _logger) = (core, self, peers, effects, logger);
        Proposals = proposals(this);
        Reads = reads(readId => Enqueue(RaftInput.Read(readId)));
        _status = StatusOfCore();
        _thread = new Thread(Run) { Name = "consensus", IsBackground = true };
    }

    public Proposals Proposals { get; }

    public ReadBarrier Reads { get; }

    /// <summary>What the core looked like after the last batch.</summary>
    public ConsensusStatus Status => Volatile.Read(ref _status);

    public void Start() => _thread.Start();

    public void Stop()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.Pulse(_gate);
        }

        if (Thread.CurrentThread != _thread && _thread.IsAlive) _thread.Join();
    }

    public void Enqueue(in RaftInput input)
    {
        lock (_gate)
        {
            _inputs.Add(input);
            WakeUnderLock();
        }
    }

    /// <summary>A follower sent this for the leader of that term.</summary>
    public void EnqueueProposal(NodeId from, ulong term, ReadOnlyMemory<byte> payload) => Enqueue(new IncomingProposal(null, from, term, payload));

    void IProposalRoute.AppendHere(PendingRequest request) => Enqueue(new IncomingProposal(request, _self, 0, request.Payload));

    bool IProposalRoute.SendTo(NodeId leader, ulong term, byte[] payload) => _peers.Enqueue(leader, PeerFrameKind.Proposal, term, null, payload);

    void IProposalRoute.Flush() => _peers.Flush();

    private void Enqueue(in IncomingProposal proposal)
    {
        lock (_gate)
        {
            _proposals.Add(proposal);
            WakeUnderLock();
        }
    }

    private void WakeUnderLock()
    {
        if (!_asleep) return;
        _asleep = false;
        Monitor.Pulse(_gate);
    }

    private void Run()
    {
        try
        {
            long tickLength = Stopwatch.Frequency / (long)(TimeSpan.FromSeconds(1) / NodeOptions.TickInterval);
            long nextTick = Stopwatch.GetTimestamp() + tickLength;
            while (TakeInputs(nextTick))
            {
                long now = Stopwatch.GetTimestamp();
                if (now - nextTick > PauseTicksWorthALine * tickLength) Log.Paused(_logger, (now - nextTick) * 1000 / Stopwatch.Frequency);
                for (int ticks = 0; nextTick <= now; nextTick += tickLength)
                {
                    if (ticks++ == TicksAtOnceMax) nextTick = now;
                    else _core.Step(RaftInput.Tick(), _output);
                }

                foreach (ref readonly RaftInput input in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_stepping)) _core.Step(input, _output);
                _stepping.Clear();
                if (_proposing.Count > 0) StepProposals();
                _core.Flush(_output);
                Emit();
            }
        }
        catch (Exception cause)
        {
            _effects.OnFatal(cause);
        }
    }

    /// <returns>False when the loop is to end.</returns>
    private bool TakeInputs(long nextTick)
    {
        lock (_gate)
        {
            while (_inputs.Count == 0 && _proposals.Count == 0 && !_stopping)
            {
                long milliseconds = (nextTick - Stopwatch.GetTimestamp()) * 1000 / Stopwatch.Frequency + 1;
                if (milliseconds <= 0) break;
                _asleep = true;
                bool woken = Monitor.Wait(_gate, (int)milliseconds);
                _asleep = false;
                if (!woken) break;
            }

            (_inputs, _stepping) = (_stepping, _inputs);
            (_proposals, _proposing) = (_proposing, _proposals);
            return !_stopping;
        }
    }

    private void StepProposals()
    {
        _batch.Clear();
        foreach (IncomingProposal proposal in _proposing)
        {
            // A proposal from another member is only good in the term it was sent for: its sender takes a later term as proof that it is lost.
            if (proposal.Local is null && (_core.Role != RaftRole.Leader || _core.Term.Value != proposal.Term)) Refuse(proposal);
            else _batch.Add(proposal);
        }

        _proposing.Clear();
        if (_batch.Count == 0) return;
        if (_batchForCore.Length < _batch.Count) _batchForCore = new Proposal[_batch.Count * 2];
        for (int i = 0; i < _batch.Count; i++) _batchForCore[i] = new Proposal((ulong)i, _batch[i].Payload);
        _core.Step(RaftInput.Propose(_batchForCore.AsMemory(0, _batch.Count)), _output);
        foreach (ProposalVerdict verdict in _output.Proposals)
        {
            IncomingProposal proposal = _batch[(int)verdict.Id];
            if (verdict.Outcome == ProposalOutcome.Appended)
            {
                if (proposal.Local is { } request) Proposals.OnAppended(request, verdict.Entry.Term.Value);
            }
            else if (proposal.Local is { } request)
            {
                Proposals.OnNotAppended(request);
            }
            else
            {
                Refuse(proposal);
            }
        }

        _batchForCore.AsSpan(0, _batch.Count).Clear();   // payloads must not live on in here
    }

    private void Refuse(in IncomingProposal proposal)
    {
        if (!Command.TryDecode(proposal.Payload, out Command command)) return;   // from a member of another version; its client times out
        Span<byte> term = stackalloc byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(term, proposal.Term);
        _peers.Enqueue(proposal.From, PeerFrameKind.ProposalRefused, command.RequestId, null, term);
    }

    private void Emit()
    {
        // Before anything leaves: a client of another member may ask this one about something that only the messages below let commit there.
        if (!_output.IsEmpty) Volatile.Write(ref _status, StatusOfCore());
        foreach (OutboundMessage message in _output.Messages) _peers.Enqueue(message.To, message.Message);
        _peers.Flush();
        if (_output.Persists.Count > 0 || _output.InstallSnapshot is not null || _output.CompactTo is not null)
            _effects.Persist(_output.Persists, _output.InstallSnapshot, _output.CompactTo);
        if (_output.RoleChange is { } change)
        {
            _effects.OnRole(change);
            Proposals.OnLeader(change.Leader, change.Term.Value);
            Reads.OnLeader();
        }

        if (_output.Committed.Count > 0) _effects.Apply(_output.Committed);
        foreach (ReadVerdict verdict in _output.Reads) Reads.OnVerdict(verdict.ReadId, verdict.Outcome == ReadOutcome.Ready, verdict.Index.Value);
        foreach (NodeId peer in _output.SnapshotsWanted) _effects.SendSnapshot(peer);
        _output.Clear();
    }

    private ConsensusStatus StatusOfCore() =>
        new(_core.Role, _core.Term.Value, _core.Leader, _core.Commit.Value, _core.LastEntry.Index.Value);
}

/// <summary>What the world may know about the core.</summary>
/// <param name="Role">Of this node.</param>
/// <param name="Term">Current term.</param>
/// <param name="Leader">Of that term, or None.</param>
/// <param name="Commit">Highest committed index known.</param>
/// <param name="LastIndex">Highest index in the log.</param>
internal sealed record ConsensusStatus(RaftRole Role, ulong Term, NodeId Leader, ulong Commit, ulong LastIndex);
