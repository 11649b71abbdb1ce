using System.Collections.Immutable;
using System.Diagnostics;
using System.Security.Cryptography;
using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Node.Tls;
using Conclave.Raft;
using Conclave.Storage;
using Conclave.Store;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Consensus;

/// <summary>One member's replica of the state machine: log, core, store and the threads between them.</summary>
/// <remarks>
/// Built and started in this order: open the files, load the snapshot, bind the peer port, start the threads, dial the others. Here is how the parts are put together and what the
/// services use; Replica.Effects.cs carries out what the core and the apply loop decide, Replica.Frames.cs takes what other members send and gives the workers their turns.
/// </remarks>
internal sealed partial class Replica : IAsyncDisposable
{
    /// <summary>Rounds that a thread does for the workers before it goes back to its own business.</summary>
    private const int DriveRoundsMax = 4;

    /// <summary>Of changes that nobody waits for; ids of others are counted from a random place.</summary>
    private const ulong DescribeId = 0;

    private static readonly TimeSpan TransferPollInterval = TimeSpan.FromMilliseconds(5), RemovalGrace = TimeSpan.FromSeconds(2), RemovalAnswersGrace = TimeSpan.FromMilliseconds(200);

    private readonly NodeOptions _options;
    private readonly ILogger _logger;
    private readonly Action<Exception> _onFatal;
    private readonly DurableLog _log;
    private readonly KeyValueStore _store;
    private readonly PeerGate _gate;
    private readonly OthersVote _othersVote;
    private readonly PeerTransport _peers;
    private readonly MemberCredentials _credentials;
    private readonly ConsensusLoop _consensus;
    private readonly LogWriter _logWriter;
    private readonly ApplyLoop _apply;
    private readonly SnapshotKeeper _snapshots;
    private readonly SnapshotStreams _streams;
    private readonly AcknowledgedPositions _acknowledged = new();
    private readonly StateMarks _marks;
    private readonly StateRepair _repair;
    private readonly RoleLog _roles;
    private int _failed;
    private int _driveQueued;
    private bool _isLearner;
    private int _removed;
    private long _leaderChanges;

    /// <param name="options">Checked.</param>
    /// <param name="files">The disk.</param>
    /// <param name="logger">For a few lines a minute.</param>
    /// <param name="onFatal">The node cannot go on: a broken invariant or a disk that failed. Called once, from any thread.</param>
    /// <exception cref="StorageException">The data directory cannot be used; the message says why and what to do.</exception>
    /// <exception cref="JoinRefusedException">The cluster to join does not know this member, or does not answer.</exception>
    public Replica(NodeOptions options, IFileSystem files, ILogger logger, Action<Exception> onFatal)
    {
        (_options, _logger, _onFatal) = (options, logger, onFatal);
        _roles = new RoleLog(logger, TimeProvider.System, options.LeaderlessWarningAfter, VotersNotConnected);
        ReplicaDisk disk = ReplicaDisk.Open(options, files, logger);
        (_log, _store, _credentials, Cluster) = (disk.Log, disk.Store, disk.Credentials, disk.Cluster);
        try
        {
            RaftOptions coreOptions = CoreOptions(options, Self);
            var core = new RaftCore(coreOptions, disk.Recovered);
            _othersVote = new OthersVote(files, Path.Combine(options.DataDir, "member"), Self);
            if (disk.Recovered.LostEnd == EntryId.Zero) _othersVote.Follow(disk.Membership, core.Membership);
            Members = new MemberDirectory(Cluster, disk.Membership) { PublishedName = PublishedName, InForce = core.Membership };
            KnownIncarnations known = KnownIncarnations.Open(files, Path.Combine(options.DataDir, "member"), Members, options.ForgetMemberDisk, logger);
            OwnStarts starts = OwnStarts.Open(files, Path.Combine(options.DataDir, "member"), _credentials.Incarnation, new MemberStart(_credentials.Boot, _credentials.BootNonce), logger);
            _gate = new PeerGate(Members, known, OwnCredentials, options.InitialAdvertisePeerUrls, logger) { IsLeader = () => IsLeader, Acknowledged = AcknowledgedBy, Starts = starts, CampaignDelay = (byte)(NodeOptions.LeaderPriorityMax - options.LeaderPriority), Tls = TlsSide.OpenForPeers(options, logger) };
            _peers = new PeerTransport(_gate, options.ElectionTimeout, this, this, ReceiveSnapshotAsync, logger);
            _consensus = new ConsensusLoop(core, Self, _peers, this, this,
                route => new Proposals(Self, route, options.RequestTimeout),
                ask => new ReadBarrier(ask, this, options.RequestTimeout), logger) { HeartbeatTicks = coreOptions.HeartbeatTicks };
            _consensus.IsOutOfRoom = () => IsDiskSpaceLow;
            _consensus.Recorder = InputRecording.StartIfAsked(options, coreOptions, core, logger);
            _logWriter = new LogWriter(_log, disk.Recovered.HardState, _peers, Queue, this, snapshot => _apply!.EnqueueInstall(snapshot), OnFatal);
            _apply = new ApplyLoop(_store, Self.Value, Proposals, Reads, Queue, this, LoadSnapshot, this);
            _snapshots = new SnapshotKeeper(disk.Snapshots, disk.Recovered.Snapshot, options.SnapshotCount, disk.Membership, ToCore, OnFatal, logger, bytesUnsavedMax: options.LogBytesUnsavedMax);
            _store.Counts.CountedBefore = disk.Recovered.Entries.Count > 0 ? disk.Recovered.Entries[^1].Index.Value : disk.Recovered.Base.Index.Value;
            _streams = new SnapshotStreams(disk.Snapshots, _peers, ToCore, () => new LogIndex(Status.LogBase), logger);
            _marks = new StateMarks(this, options.StateMarkInterval);
            _repair = new StateRepair(this, _apply, _snapshots, _streams, _peers, logger);
            _streams.OnState = _repair.OnReceived;
            FollowRole();
            Scrub = new DiskScrub(new Scrubber(files, Path.Combine(options.DataDir, "member"), disk.Snapshots), disk.Snapshots, _log.Boot, () => _snapshots.Newest,
                () => _apply.EnqueueSnapshotWanted(), upTo => _logWriter.EnqueueCompact(upTo), logger);
            Leases = new LeaseKeeper(options.ElectionTimeout);
            LeaderCalls = new LeaderCalls(Self, _peers, () => Status, AnswerAsync, options.RequestTimeout);
            Changes = new MemberChanges(_peers, Members, () => Status, (id, change) => _consensus.Enqueue(RaftInput.ChangeMembership(id, change)), () => View.AppliedIndex, options.ElectionTimeout, options.RequestTimeout);
        }
        catch
        {
            _log.Dispose();
            throw;
        }
    }

    /// <summary>Of all others as long as it is not known who votes.</summary>
    private IReadOnlyList<string> VotersNotConnected() =>
        [.. _peers.All.Where(link => !link.IsUp && (Members.InForce.Voters.IsEmpty || Members.InForce.IsVoter(link.Peer))).Select(link => Members.NameOf(link.Peer))];

    /// <summary>Which cluster, and who in it; see <see cref="Members"/> for who the others are now.</summary>
    public ClusterIdentity Cluster { get; }

    public NodeId Self => Cluster.Self;

    public MemberDirectory Members { get; }

    public MemberChanges Changes { get; }

    public Proposals Proposals => _consensus.Proposals;

    public ReadBarrier Reads => _consensus.Reads;

    /// <summary>Reads cold files again in the background.</summary>
    public DiskScrub Scrub { get; }

    public LeaseKeeper Leases { get; }

    public LeaderCalls LeaderCalls { get; }

    public ConsensusStatus Status => _consensus.Status;

    public StoreView View => _store.View;

    public WatchHub Watches => _store.Watches;

    public PeerTransport Peers => _peers;

    /// <summary>Operations since this process began; what it finds in its log and applies again is not counted.</summary>
    public OperationCounts Counts => _store.Counts;

    public long SlowApplies => _apply.SlowCount;

    public long LateHeartbeats => _consensus.LateHeartbeats;

    /// <summary>A snapshot takes the place of the state just now.</summary>
    public bool IsInstallingState => _apply.IsInstalling;

    /// <summary>TLS between members.</summary>
    public TlsSide? PeerTls => _gate.Tls;

    public bool IsLeader => Status.Role == RaftRole.Leader;

    /// <summary>This member does not vote: it is a learner, or not a member yet. One that was removed is neither.</summary>
    public bool IsLearner => Volatile.Read(ref _isLearner) && !IsSelfRemoved;   // in this order: set the other way round

    /// <summary>The disk was damaged and this member catches up from the others; see <see cref="RecoveredState.LostEnd"/>. Zero when nothing is missing, or no longer.</summary>
    public EntryId LostEnd => _log.LostEnd;

    /// <summary>This member was removed from the cluster: it ends soon, and serves nobody any more.</summary>
    public bool IsSelfRemoved => Volatile.Read(ref _removed) != 0;

    /// <summary>That member was removed, and this one knows it.</summary>
    public bool IsRemoved(NodeId member) => _gate.Known.IsRemoved(member) && !Members.Includes(member);

    /// <summary>The majority found this member's state to be wrong: it serves nobody until it has healed.</summary>
    public bool IsQuarantined => _repair.IsQuarantined;

    /// <summary>New requests are turned away until the backlog is worked off.</summary>
    public bool IsOverloaded => _apply.Backlog > ApplyLoop.BacklogMax || Proposals.IsFull;

    public int ApplyBacklog => _apply.Backlog;

    public long LeaderChanges => Interlocked.Read(ref _leaderChanges);

    /// <summary>Called on a peer's thread with what an agent told that member; says whether it can be read.</summary>
    public Func<ReadOnlySpan<byte>, bool>? AgentReported { private get; set; }

    /// <summary>Called on the apply thread, which must not be held up, when a view is published that has a transaction of the server itself.</summary>
    public Action? ServerWrote { private get; set; }

    /// <summary>Who is alive may be somebody else. On the apply thread; must not wait.</summary>
    public Action? LiveWrote { private get; set; }

    /// <summary>Called on the apply thread when the state was replaced by another member's.</summary>
    public Action? StateTaken { private get; set; }

    /// <summary>Called after each sync of the log with its duration.</summary>
    public Action<TimeSpan>? OnSync { set => _logWriter.OnSync = value; }

    /// <exception cref="System.Net.Sockets.SocketException">A peer address cannot be bound.</exception>
    /// <remarks>Alone, a member can live without it: nobody has to reach it before somebody is added.</remarks>
    public void Bind()
    {
        try
        {
            _peers.Bind(_options.ListenPeerUrls);
        }
        catch (System.Net.Sockets.SocketException problem) when (Members.Others().IsEmpty)
        {
            Node.Peers.Log.PeerPortUnavailable(_logger, string.Join(", ", _options.ListenPeerUrls.Select(NodeOptions.Plain)), problem.Message);
        }
    }

    /// <summary>Whether others can connect; tries again when they could not.</summary>
    public bool TryListen()
    {
        try
        {
            _peers.Bind(_options.ListenPeerUrls);
        }
        catch (System.Net.Sockets.SocketException)
        {
            // The caller says so.
        }

        return _peers.IsBound;
    }

    public void Start()
    {
        _apply.Start();
        _logWriter.Start();
        _consensus.Start();
        _peers.Start();
        Scrub.Start();
    }

    /// <summary>The disk is nearly full: the log still has room to say so to the cluster, and not for much more; or no snapshot has found room for long.</summary>
    public bool IsDiskSpaceLow => _logWriter.IsSpaceLow || _snapshots.IsOutOfRoom;

    /// <summary>Whether <see cref="IsDiskSpaceLow"/> is not known yet after a start.</summary>
    public bool IsDiskSpaceUnknown => _snapshots.IsRoomUnknown;

    /// <summary>Called when the log has changed <see cref="IsDiskSpaceLow"/>, on a thread that must not be held up.</summary>
    public Action? OnDiskSpaceChanged { set => _logWriter.OnSpaceChanged = value; }

    /// <summary>Whether a request of this size would pass the quota.</summary>
    public bool IsOverQuota(long requestBytes) => _store.IsOverQuota(requestBytes);

    /// <summary>Waits until the memory of revisions up to this one has been given back.</summary>
    public async Task WaitForReclaimAsync(long revision, CancellationToken cancellationToken)
    {
        while (View.ReclaimedRevision < revision) await Task.Delay(5, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends what takes too long. Called a few times a second.</summary>
    public void Sweep()
    {
        Proposals.Sweep();
        Reads.Sweep();
    }

    /// <summary>Proposes a command as the leader of that term, and only as that: nobody waits for it and it is never sent elsewhere.</summary>
    /// <remarks>For what a leader decides by its own clock. In the hands of the next leader it would be a decision made on old facts.</remarks>
    public void ProposeAsLeader(ulong term, CommandKind kind, ReadOnlySpan<byte> body) =>
        _consensus.EnqueueProposal(Self, term, Command.Encode(kind, origin: 0, requestId: 0, body));

    /// <summary>Looks after state marks and a state that was found to be wrong. Called a few times a second.</summary>
    /// <param name="now">Time since the start of the node.</param>
    public void CompareStates(TimeSpan now)
    {
        _marks.Pass(now);
        _repair.Pass();
        if (IsLeader) _consensus.Look(ObserveAcknowledged);
    }

    /// <summary>Says in the log when nobody leads for long. Called a few times a second.</summary>
    public void LookForLeader() => _roles.Look(Status.Leader);

    /// <summary>Tries again to write a snapshot that failed. Called a few times a second.</summary>
    public void RetrySnapshot()
    {
        if (_snapshots.IsTryDue) _apply.EnqueueSnapshotWanted();
    }

    /// <summary>How far this member, as a leader, has seen that one acknowledge what is committed.</summary>
    public LogIndex ObservedOf(NodeId member) => _acknowledged.Of(member);

    private void ObserveAcknowledged(RaftCore core)
    {
        if (core.Role != RaftRole.Leader) return;
        var peers = new List<PeerStatus>();
        core.CopyPeers(peers);
        _acknowledged.Observe(peers, core.Commit);
    }

    /// <summary>Reads the core between two batches.</summary>
    public void LookAtCore(Action<RaftCore> look) => _consensus.Look(look);

    /// <summary>Asks the core to hand over to the best follower. Does nothing on a follower.</summary>
    public void GiveUpLeadership() => _consensus.Enqueue(RaftInput.Transfer(NodeId.None));

    /// <summary>
    /// Leader: hands over to <paramref name="target"/>, or to the best follower if that is None: of those that have caught up the one with the highest priority. Waits until
    /// somebody else leads.
    /// </summary>
    /// <returns>False when this member still leads after <paramref name="limit"/>, or somebody else than wanted.</returns>
    public async Task<bool> TransferAsync(NodeId target, TimeSpan limit, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        var asked = TimeSpan.MinValue;
        while (true)
        {
            ConsensusStatus status = Status;
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            if (status.Leader != NodeId.None && status.Leader != Self) return target == NodeId.None || status.Leader == target;
            if (elapsed >= limit) return false;
            // The core gives up after an election timeout, for example because the target was just then out of reach.
            if (status.Role == RaftRole.Leader && elapsed - _options.ElectionTimeout >= asked)
            {
                // The one with the highest priority first; if it did not take over, whoever the core finds fit.
                if (target == NodeId.None && asked == TimeSpan.MinValue) _consensus.Look(core => _consensus.Enqueue(RaftInput.Transfer(PreferredSuccessor(core))));
                else _consensus.Enqueue(RaftInput.Transfer(target));
                asked = elapsed;
            }

            await Task.Delay(TransferPollInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>None when the members' priorities make no difference: then the core knows best.</summary>
    private NodeId PreferredSuccessor(RaftCore core)
    {
        var peers = new List<PeerStatus>();
        core.CopyPeers(peers);
        var voters = (from link in _peers.All where link.IsUp && Members.InForce.IsVoter(link.Peer) select (link.Peer, link.CampaignDelay)).ToDictionary();
        if (voters.Count == 0 || voters.Values.Min() == voters.Values.Max()) return NodeId.None;
        return peers.Where(peer => voters.ContainsKey(peer.Node) && peer.State == ReplicationState.Replicate && peer.Match >= core.Commit)
            .OrderBy(peer => voters[peer.Node]).ThenByDescending(peer => peer.Match).Select(peer => peer.Node).FirstOrDefault(NodeId.None);
    }

    /// <summary>Leader: writes down where members listen of whom the membership does not say it yet. Called now and then; does nothing while a change is under way.</summary>
    public void DescribeMembers()
    {
        if (!IsLeader || Members.InForce != Members.Committed || Members.Committed.IsJoint) return;
        ImmutableArray<MemberInfo> missing = Members.MissingInfos();
        if (missing.Length > 0) _consensus.Enqueue(RaftInput.ChangeMembership(DescribeId, new MembershipChange(MembershipChangeKind.Describe, NodeId.None, missing)));
    }

    public async ValueTask DisposeAsync()
    {
        _consensus.Stop();
        _consensus.Recorder?.Dispose();
        Proposals.Stop();
        Reads.Stop();
        _logWriter.Stop();
        _apply.Stop();
        await Scrub.DisposeAsync().ConfigureAwait(false);
        await _repair.StopAsync().ConfigureAwait(false);
        await _marks.StopAsync().ConfigureAwait(false);
        await _snapshots.StopAsync().ConfigureAwait(false);
        await _streams.StopAsync().ConfigureAwait(false);
        await _peers.DisposeAsync().ConfigureAwait(false);
        _log.Dispose();
    }

    private static RaftOptions CoreOptions(NodeOptions options, NodeId self) => new()
    {
        Self = self,
        Seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)),
        ElectionTimeoutTicks = (int)(options.ElectionTimeout / NodeOptions.TickInterval),
        CampaignDelayTicks = (NodeOptions.LeaderPriorityMax - options.LeaderPriority) * (int)(options.ElectionTimeout / NodeOptions.TickInterval) / 10,
        HeartbeatTicks = (int)(options.HeartbeatInterval / NodeOptions.TickInterval),
        ProposalBytesMax = options.MaxRequestBytes + Command.EnvelopeBytesMax,
        UncommittedBytesMax = Math.Max(64L << 20, 2L * options.MaxRequestBytes),
        DiskStallTicks = Math.Max(300, 3 * (int)(options.ElectionTimeout / NodeOptions.TickInterval)),
    };

    private void ToCore(RaftInput input) => _consensus.Enqueue(input);

    /// <summary>For workers, whose thread gives the others their turn next.</summary>
    private void Queue(RaftInput input) => _consensus.Enqueue(input, wake: false);

    private string? PublishedName(NodeId member) => View.MemberAttributes.TryGetValue(member.Value, out ReadOnlyMemory<byte> said) ? Services.ClusterService.NameIn(said.Span) : null;
}
