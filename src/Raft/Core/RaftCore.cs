namespace Conclave.Raft;

/// <summary>One node's consensus as a pure state machine: inputs in, effects out. No clock, thread, file or socket.</summary>
/// <remarks>
/// One thread at a time. The driver takes whatever inputs wait, calls <see cref="Step"/> for each and <see cref="Flush"/> once, carries
/// out the output, and clears it. Decisions that gain from batching (appends, commit, read rounds, the persist operation)
/// are made in <see cref="Flush"/>, so a batch costs each peer one message and the disk one write however many inputs it had.
/// The parts: Terms (who leads), Election, Transfer, Replication (leader), Following (follower), Commit, Membership, Persistence, Recovery, Reads,
/// Snapshots, Ticks.
/// </remarks>
public sealed partial class RaftCore
{
    private readonly RaftOptions _options;
    private readonly CoreFaults _faults;
    private readonly Prng _random;
    private Roster _roster;
    private readonly LogTail _log;
    private RaftOutput _output = new();
    private long _now; // ticks since the start

    /// <exception cref="ArgumentException">The options have <see cref="RaftOptions.Problems"/>.</exception>
    /// <exception cref="InvariantViolationException">Snapshot and log do not fit together; see <see cref="RecoveredState.LogContainsSnapshot"/>.</exception>
    public RaftCore(RaftOptions options, RecoveredState recovered)
        : this(options, recovered, CoreFaults.None)
    {
    }

    internal RaftCore(RaftOptions options, RecoveredState recovered, CoreFaults faults)
    {
        foreach (string problem in options.Problems()) throw new ArgumentException(problem, nameof(options));
        _options = options;
        _faults = faults;
        _random = new Prng(options.Seed);

        Snapshot = recovered.Snapshot;
        _configs = RecoverConfigs(recovered);
        Membership = HasFault(CoreFaults.ConfigAtApply) ? _configs.All[0].Membership : _configs.Newest;
        _roster = new Roster(Membership, options, faults);
        _reads = new ReadTracker();
        // Random starting points: an answer to a question of the previous run must not fit one of this run.
        _round = _random.Next() >> 1;
        _readRequestId = _random.Next() >> 1;

        EntryId snapshotLast = Snapshot?.Last ?? EntryId.Zero;
        Invariant.Holds(RecoveredState.LogContainsSnapshot(snapshotLast, recovered.Base, recovered.Entries),
            "The driver resets the log to a snapshot that the log does not contain.");
        _log = new LogTail(recovered.Base);
        for (int i = 0; i < recovered.Entries.Count; i++) _log.Append(recovered.Entries[i]);
        RecoverPersistence(recovered);
        Commit = Applied = _emitted = snapshotLast.Index;
        if (!HasFault(CoreFaults.IgnoreLostEnd)) _lostEnd = recovered.LostEnd;
        EndRecoveryIfReached();

        ResetElectionTimer();
        // Nobody else could lead, so there is nothing to wait for.
        if (_roster.IsSoleVoter) _fastCampaignIn = 1;
    }

    public NodeId Self => _options.Self;
    public RaftRole Role { get; private set; }
    public Term Term { get; private set; }

    /// <summary>Who leads <see cref="Term"/>, or None when unknown.</summary>
    public NodeId Leader { get; private set; }

    /// <summary>Known to be on a majority's disks, and so never to change.</summary>
    public LogIndex Commit { get; private set; }

    /// <summary>As last reported by the driver.</summary>
    public LogIndex Applied { get; private set; }

    public EntryId LastEntry => _log.Last;

    /// <summary>The entry before the first that is still in memory.</summary>
    public EntryId LogBase => _log.Base;

    /// <summary>Payload bytes of the log in memory. The driver bounds them by taking snapshots.</summary>
    public long LogBytes => _log.PayloadBytes;

    /// <summary>Last index of the log that is durable on this node.</summary>
    public LogIndex Durable => _durable;

    /// <summary>In force: the newest in the log, committed or not. The committed one is what the driver meets when it applies such an entry.</summary>
    public Membership Membership { get; private set; }

    /// <summary>The newest durable snapshot; null when there is none.</summary>
    public SnapshotId? Snapshot { get; private set; }

    internal NodeId VotedFor { get; private set; }

    /// <summary>Says at each place with two paths whether the rare one is taken; null in production.</summary>
    internal Func<RarePath, bool>? RarePaths { private get; set; }

    internal LogTail Log => _log;

    /// <summary>The leader's view of the others; on other roles only the links are current.</summary>
    public void CopyPeers(List<PeerStatus> into)
    {
        foreach (Progress peer in _roster.Peers) into.Add(peer.Status());
    }

    /// <summary>Takes one input and adds its effects to <paramref name="output"/>.</summary>
    /// <exception cref="InvariantViolationException">The core or its driver is wrong; stop the node without carrying out the output.</exception>
    public void Step(in RaftInput input, RaftOutput output)
    {
        _output = output;
        switch (input.Kind)
        {
            case RaftInputKind.Tick: OnTick(); break;
            case RaftInputKind.Received: OnReceived(input.Message!); break; // the factory takes no null
            case RaftInputKind.Propose: OnPropose(input.Proposals.Span); break;
            case RaftInputKind.Read: OnRead(input.Number, NodeId.None); break;
            case RaftInputKind.Persisted: OnPersisted(new IoTicket(input.Number)); break;
            case RaftInputKind.Applied: OnApplied(new LogIndex(input.Number)); break;
            case RaftInputKind.SnapshotTaken: OnSnapshotTaken(input.Snapshot!); break; // the factories take no null
            case RaftInputKind.SnapshotReceived: OnSnapshotReceived(input.Node, input.Term, input.Snapshot!); break;
            case RaftInputKind.SnapshotInstalled: OnSnapshotInstalled(input.Snapshot!); break;
            case RaftInputKind.SnapshotSendFinished: OnSnapshotSendFinished(input.Node, input.Succeeded); break;
            case RaftInputKind.LinkUp: OnLinkUp(input.Node); break;
            case RaftInputKind.LinkDown: OnLinkDown(input.Node); break;
            case RaftInputKind.ChangeMembership: OnChangeMembership(input.Number, input.Change!); break; // the factory takes no null
            case RaftInputKind.Transfer: OnTransfer(input.Node); break;
            default: throw Invariant.Unreachable("An input kind has no handler.");
        }
    }

    /// <summary>Ends a batch. The driver calls it once after the steps of a batch and before it carries out the output.</summary>
    /// <exception cref="InvariantViolationException">The core or its driver is wrong; stop the node without carrying out the output.</exception>
    public void Flush(RaftOutput output)
    {
        _output = output;
        if (Role == RaftRole.Leader)
        {
            AdvanceCommit();
            TendMembership();
        }
        if (Role == RaftRole.Leader)
        {
            StartReadRound();
            foreach (Progress peer in _roster.Peers) SendTo(peer);
            _heartbeatDue = false;
            ConfirmReads();
            DriveTransfer();
        }
        else
        {
            RequestReadIndex();
        }
        EmitCommitted();
        Compact();
        ClosePersistOp();
    }

    private void OnReceived(Message message)
    {
        // The transport routes by identity; anything else is a message to a former holder of the address.
        if (message.To != Self || message.From == Self) return;
        if (_roster.Find(message.From) is { } sender) sender.LinkDown = false;
        if (!SettleTerm(message)) return;
        switch (message)
        {
            case AppendRequest m: OnAppendRequest(m); break;
            case AppendReply m: OnAppendReply(m); break;
            case CommitNotice m: OnCommitNotice(m); break;
            case HeartbeatRequest m: OnHeartbeatRequest(m); break;
            case HeartbeatReply m: OnHeartbeatReply(m); break;
            case ReadIndexRequest m: OnReadIndexRequest(m); break;
            case ReadIndexReply m: OnReadIndexReply(m); break;
            case VoteRequest m: OnVoteRequest(m); break;
            case VoteReply m: OnVoteReply(m); break;
            case SnapshotReply m: OnSnapshotReply(m); break;
            case TimeoutNow m: OnTimeoutNow(m); break;
            default: throw Invariant.Unreachable("A message type has no handler.");
        }
    }

    private void OnApplied(LogIndex upTo)
    {
        // A report from before a snapshot was installed may arrive after it.
        if (upTo <= Applied) return;
        Invariant.Holds(upTo <= Commit, "Only committed entries are handed out to be applied.");
        Applied = upTo;
    }
}
