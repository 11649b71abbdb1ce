using System.Diagnostics;
using System.Runtime.InteropServices;
using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Recording;
using Conclave.Store;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Consensus;

/// <summary>Where the effects of the core go, apart from messages.</summary>
internal interface IConsensusEffects
{
    /// <summary>To the log writer, in this order: the operations, then the snapshot to install, then the compaction.</summary>
    /// <param name="operations">In ticket order.</param>
    /// <param name="install">The log is to be reset to it.</param>
    /// <param name="compactTo">The log may forget up to here.</param>
    void Persist(List<PersistOp> operations, SnapshotId? install, EntryId? compactTo);

    void Apply(List<ReadOnlyMemory<Entry>> committed);

    void SendSnapshot(NodeId to);

    /// <summary>Another membership is in force; its members are to be reached from now on. Before any message to them leaves.</summary>
    void OnMembership(Membership inForce);

    void OnMembershipVerdict(in MembershipVerdict verdict);

    /// <summary>Leader: this member's log ended before what it had acknowledged.</summary>
    void OnLogReverted(NodeId member);

    void OnRole(RoleChange change);

    /// <summary>The core broke one of its own rules. The node must stop.</summary>
    void OnFatal(Exception cause);
}

/// <summary>Steps the core, one thread at a time: takes all inputs that have come, steps them, and carries out what came of it once.</summary>
/// <remarks>
/// It does no I/O but hand frames to sockets that take them at once. Between inputs its thread sleeps until a tick is due that does something, so it
/// is its own clock. Each run, whatever it is for, begins with the ticks that are due: a member that hears and answers has them too, and the
/// simulator counts on that, since much of what was lost is asked for again at ticks alone. After a pause (a stopped process, a stalled machine) it
/// makes up for hardly more ticks than it meant to sleep, so that a pause is not taken for silence of the others.
/// </remarks>
internal sealed class ConsensusLoop : SerialWorker, IProposalRoute
{
    /// <summary>Ticks that are made up for beyond those that were slept through on purpose.</summary>
    private const int LateTicksMax = 2;

    private static readonly long TickLength = Stopwatch.Frequency / (long)(TimeSpan.FromSeconds(1) / NodeOptions.TickInterval);

    /// <summary>In the term of a refusal: there is no room for it here. Members that do not know the flag take the refusal for one of another attempt, and their client's time runs out.</summary>
    public const ulong NoRoomFlag = 1UL << 63;

    /// <summary>In the term of a refusal: it is larger than this member takes. Not known to others as above.</summary>
    public const ulong TooLargeFlag = 1UL << 62;

    /// <summary>Shorter pauses are an everyday matter of the scheduler.</summary>
    private const int PauseTicksWorthALine = 50;

    private readonly RaftCore _core;
    private readonly NodeId _self;
    private readonly PeerTransport _peers;
    private readonly IConsensusEffects _effects;
    private readonly IDriver _driver;
    private readonly ILogger _logger;
    private readonly RaftOutput _output = new();

    // Under the worker's lock.
    private List<RaftInput> _inputs = [];
    private List<IncomingProposal> _proposals = [];
    private Action<RaftCore>? _looks;

    // Of whoever runs the worker.
    private long _nextTick;   // 0 before the first run
    private int _ticksUntilDue = 1;
    private long _lateHeartbeats;
    private List<RaftInput> _stepping = [];
    private List<IncomingProposal> _proposing = [];
    private Action<RaftCore>? _looking;
    private readonly List<IncomingProposal> _batch = [];
    private Proposal[] _batchForCore = new Proposal[64];

    // Written by whoever runs the worker, read by all: one reference, so no lock.
    private ConsensusStatus _status;

    /// <summary>A local request, or a payload that another member sent.</summary>
    private readonly record struct IncomingProposal(PendingRequest? Local, NodeId From, ulong Term, ReadOnlyMemory<byte> Payload);

    public ConsensusLoop(RaftCore core, NodeId self, PeerTransport peers, IConsensusEffects effects, IDriver driver, Func<IProposalRoute, Proposals> proposals, Func<Action<ulong>, ReadBarrier> reads, ILogger logger)
        : base("consensus")
    {
        (_core, _self, _peers, _effects, _driver, _logger) = (core, self, peers, effects, driver, logger);
        Proposals = proposals(this);
        Reads = reads(readId => Enqueue(RaftInput.Read(readId), wake: false));
        _status = StatusOfCore();
    }

    public Proposals Proposals { get; }

    public ReadBarrier Reads { get; }

    /// <summary>Gets everything that the core is told; null when nothing is recorded. Set before the first run.</summary>
    public InputRecorder? Recorder { get; set; }

    /// <summary>Ticks between heartbeats of a leader.</summary>
    public required int HeartbeatTicks { get; init; }

    /// <summary>Heartbeats that were sent more than an interval after they were due: the machine, or the process, did not get to it.</summary>
    public long LateHeartbeats => Volatile.Read(ref _lateHeartbeats);

    /// <summary>What the core looked like after the last batch.</summary>
    public ConsensusStatus Status => Volatile.Read(ref _status);

    /// <param name="input">What happened.</param>
    /// <param name="wake">False when the caller drives the workers itself afterwards.</param>
    public void Enqueue(in RaftInput input, bool wake = true) => Add((this, input), static s => s.Item1._inputs.Add(s.input), wake);

    /// <summary>Lets somebody read the core between two batches. It must be quick and change nothing.</summary>
    public void Look(Action<RaftCore> look) => Add((this, look), static s => s.Item1._looks += s.look, wake: true);

    /// <summary>A follower sent this for the leader of that term.</summary>
    public void EnqueueProposal(NodeId from, ulong term, ReadOnlyMemory<byte> payload, bool wake = true) =>
        Enqueue(new IncomingProposal(null, from, term, payload), wake);

    void IProposalRoute.AppendHere(PendingRequest request) => Enqueue(new IncomingProposal(request, _self, 0, request.Payload), wake: false);

    bool IProposalRoute.SendTo(NodeId leader, ulong term, byte[] payload) => _peers.Enqueue(leader, PeerFrameKind.Proposal, term, null, payload);

    void IProposalRoute.Flush(bool quiet)
    {
        if (quiet) _driver.DriveHere();
        else _driver.DriveSoon();
    }

    /// <summary>Whether this member's disk is nearly full. Its own clients are asked before they come here; others' proposals are not. Set once, before anything runs.</summary>
    public Func<bool> IsOutOfRoom { get; set; } = () => false;

    protected override bool HasWorkUnderLock => _inputs.Count > 0 || _proposals.Count > 0 || _looks is not null;

    protected override TimeSpan? Alarm =>
        Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), Volatile.Read(ref _nextTick) + (Volatile.Read(ref _ticksUntilDue) - 1) * TickLength);

    protected override void TakeUnderLock()
    {
        (_inputs, _stepping) = (_stepping, _inputs);
        (_proposals, _proposing) = (_proposing, _proposals);
        (_looking, _looks) = (_looks, null);
    }

    protected override void Run(bool borrowed)
    {
        StepTicks();
        foreach (ref readonly RaftInput input in CollectionsMarshal.AsSpan(_stepping)) StepCore(input);
        _stepping.Clear();
        if (_proposing.Count > 0) StepProposals();
        _core.Flush(_output);
        Recorder?.Flush(_output, _core);
        Volatile.Write(ref _ticksUntilDue, _core.TicksUntilDue);
        Emit();
        _looking?.Invoke(_core);
        _looking = null;
    }

    protected override void AfterOwnRun() => _driver.DriveWithoutLog();

    protected override void OnFailure(Exception cause)
    {
        Recorder?.Fail(cause);
        _effects.OnFatal(cause);
    }

    private void StepCore(in RaftInput input)
    {
        Recorder?.Step(input);
        _core.Step(input, _output);
    }

    private void Enqueue(in IncomingProposal proposal, bool wake) => Add((this, proposal), static s => s.Item1._proposals.Add(s.proposal), wake);

    private void StepTicks()
    {
        long now = Stopwatch.GetTimestamp(), next = _nextTick == 0 ? now + TickLength : _nextTick;
        if (now - next > (_ticksUntilDue + PauseTicksWorthALine) * TickLength) Log.Paused(_logger, (now - next) * 1000 / Stopwatch.Frequency);
        if (now - (next + (_ticksUntilDue - 1) * TickLength) > HeartbeatTicks * TickLength && _core.Role == RaftRole.Leader)
            Volatile.Write(ref _lateHeartbeats, _lateHeartbeats + _peers.All.Count);
        for (int ticks = 0; next <= now; next += TickLength)
        {
            if (ticks++ == _ticksUntilDue + LateTicksMax) next = now;
            else StepCore(RaftInput.Tick());
        }

        Volatile.Write(ref _nextTick, next);
    }

    private void StepProposals()
    {
        _batch.Clear();
        foreach (IncomingProposal proposal in _proposing)
        {
            // A proposal from another member is only good in the term it was sent for: its sender takes a later term as proof that it is lost.
            if (proposal.Local is null && (_core.Role != RaftRole.Leader || _core.Term.Value != proposal.Term)) Refuse(proposal);
            else if (proposal.Local is null && IsOutOfRoom() && Adds(proposal.Payload)) Refuse(proposal, NoRoomFlag);
            else _batch.Add(proposal);
        }

        _proposing.Clear();
        if (_batch.Count == 0) return;
        if (_batchForCore.Length < _batch.Count) _batchForCore = new Proposal[_batch.Count * 2];
        for (int i = 0; i < _batch.Count; i++) _batchForCore[i] = new Proposal((ulong)i, _batch[i].Payload);
        StepCore(RaftInput.Propose(_batchForCore.AsMemory(0, _batch.Count)));
        foreach (ProposalVerdict verdict in _output.Proposals)
        {
            IncomingProposal proposal = _batch[(int)verdict.Id];
            if (verdict.Outcome == ProposalOutcome.Appended)
            {
                if (proposal.Local is { } request) Proposals.OnAppended(request, verdict.Entry.Term.Value);
            }
            else if (proposal.Local is { } request)
            {
                // One that is too large today is too large for ever: trying again would only use up its time.
                if (verdict.Outcome == ProposalOutcome.TooLarge) Proposals.OnTooLarge(request);
                else Proposals.OnNotAppended(request);
            }
            else
            {
                Refuse(proposal, verdict.Outcome == ProposalOutcome.TooLarge ? TooLargeFlag : 0);
            }
        }

        _batchForCore.AsSpan(0, _batch.Count).Clear();   // payloads must not live on in here
    }

    /// <summary>What the member that sends it would refuse itself if its own disk were full. In a session it may be a repeat, whose answer is due.</summary>
    internal static bool Adds(ReadOnlyMemory<byte> payload)
    {
        if (!Command.TryDecode(payload, out Command command) || !command.Session.IsNone) return false;
        return command.Kind switch
        {
            CommandKind.Put or CommandKind.LeaseGrant => true,
            CommandKind.Txn => RequestCheck.Txn(command.Body.Span, out _, out _, out bool writes, int.MaxValue) != StoreError.None || writes,
            _ => false,
        };
    }

    private void Refuse(in IncomingProposal proposal, ulong flag = 0)
    {
        if (!Command.TryDecode(proposal.Payload, out Command command)) return;   // from a member of another version; its client times out
        Span<byte> term = stackalloc byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(term, proposal.Term | flag);
        _peers.Enqueue(proposal.From, PeerFrameKind.ProposalRefused, command.RequestId, null, term);
    }

    private void Emit()
    {
        // Before anything leaves: a client of another member may ask this one about something that only the messages below let commit there.
        if (!_output.IsEmpty) Volatile.Write(ref _status, StatusOfCore());
        if (_output.Membership is { } membership) _effects.OnMembership(membership);
        foreach (NodeId member in _output.LogReverted) _effects.OnLogReverted(member);
        foreach (OutboundMessage message in _output.Messages) _peers.Enqueue(message.To, message.Message);
        _peers.Flush();
        // Before a snapshot that the same batch may install: the store takes entries in order, and the log writer may be quick.
        if (_output.Committed.Count > 0) _effects.Apply(_output.Committed);
        if (_output.Persists.Count > 0 || _output.InstallSnapshot is not null || _output.CompactTo is not null)
            _effects.Persist(_output.Persists, _output.InstallSnapshot, _output.CompactTo);
        if (_output.RoleChange is { } change)
        {
            _effects.OnRole(change);
            Proposals.OnLeader(change.Leader, change.Term.Value);
            Reads.OnLeader();
        }

        foreach (MembershipVerdict verdict in _output.MembershipVerdicts) _effects.OnMembershipVerdict(verdict);
        foreach (ReadVerdict verdict in _output.Reads) Reads.OnVerdict(verdict.ReadId, verdict.Outcome == ReadOutcome.Ready, verdict.Index.Value);
        foreach (NodeId peer in _output.SnapshotsWanted) _effects.SendSnapshot(peer);
        _output.Clear();
    }

    private ConsensusStatus StatusOfCore() =>
        new(_core.Role, _core.Term.Value, _core.Leader, _core.Commit.Value, _core.LastEntry.Index.Value, _core.LogBase.Index.Value);
}

/// <summary>What the world may know about the core.</summary>
/// <param name="Role">Of this node.</param>
/// <param name="Term">Current term.</param>
/// <param name="Leader">Of that term, or None.</param>
/// <param name="Commit">Highest committed index known.</param>
/// <param name="LastIndex">Highest index in the log.</param>
/// <param name="LogBase">Index before the first that is in the log.</param>
internal sealed record ConsensusStatus(RaftRole Role, ulong Term, NodeId Leader, ulong Commit, ulong LastIndex, ulong LogBase);
