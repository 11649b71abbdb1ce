using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>The invariants, by the numbers of chaos/README.md, looked at whenever a node has done something.</summary>
internal sealed class Checker(SimWorld world)
{
    private readonly Dictionary<Term, NodeId> _leaders = [];
    private readonly Dictionary<(NodeId Voter, Term Term), NodeId> _votes = [];
    private readonly Dictionary<EntryId, (Term Previous, ulong Operation)> _entries = [];
    private readonly List<ulong> _hashes = []; // of the state, by applied index
    private readonly NodeMemory[] _memories = [.. Enumerable.Range(0, SimWorld.SlotsMax).Select(_ => new NodeMemory())];
    private readonly List<PeerStatus> _peers = [];

    /// <summary>What a node must not go back behind.</summary>
    private sealed class NodeMemory
    {
        public Term Term;
        public HardState HardState; // last handed to the disk
        public Term SpokenTerm; // across restarts
        public LogIndex Commit, Applied;
        public ulong ReadEpoch;
        public bool WasSole;
        public long MayStayUntilTick;
        public Membership? Membership;
        public RaftRole Role;
        public readonly LogIndex[] Matches = new LogIndex[SimWorld.SlotsMax];
        public Term MatchesIn;
    }

    public CommittedLog Committed { get; } = new();

    /// <summary>What the committed entries mean, and what is answered; null in runs without the real store.</summary>
    public ContentCheck? Contents { get; } = world.Plan.RealStore ? new ContentCheck(world) : null;

    public MembershipCheck Members { get; } = new();

    public BoundsCheck Bounds { get; } = new(world);

    public QuorumCheck Quorums { get; } = new(world);

    public void OnStart(SimNode node)
    {
        NodeMemory memory = _memories[node.Slot];
        // A term that was never written was never spoken of either (I8), so the node may have forgotten it.
        Require(node.IsExiled || node.Core.Term >= memory.SpokenTerm, "I9", node, $"starts in term {node.Core.Term} after it spoke in {memory.SpokenTerm}");
        memory.HardState = node.Shadow.HardState;
        (memory.Term, memory.Commit, memory.Applied, memory.Role) = (node.Core.Term, node.Core.Commit, node.Core.Applied, RaftRole.Follower);
        memory.ReadEpoch = node.Core.ReadEpoch;
        memory.Membership = node.Core.Membership;
        OnInstalled(node);
    }

    /// <summary>Off: only what follows from a message that was sent too early is noticed, and not the message itself.</summary>
    public bool ChecksReleases { get; init; } = true;

    /// <summary>I8: nothing that speaks for the disk leaves before the disk has it. I2: one vote per term, restarts or not.</summary>
    public void OnSend(SimNode node, Message message)
    {
        if (message is TimeoutNow) Bounds.OnInvited();
        if (!ChecksReleases) return;
        DiskShadow disk = node.Shadow;
        bool claimsNothing = message is AppendRequest or HeartbeatRequest or CommitNotice or ReadIndexReply;
        Require(claimsNothing || message.Term <= disk.HardState.Term, "I8", node, $"sends {message} while term {disk.HardState.Term} is on its disk");
        NodeMemory memory = _memories[node.Slot];
        if (message.Term > memory.SpokenTerm) memory.SpokenTerm = message.Term;
        switch (message)
        {
            case AppendReply { Success: true } reply:
                // A promise of an earlier term, kept until the end of a write that went on to cut what it promised, is an answer that is late.
                Require(reply.Match <= disk.Last.Index || reply.Term < disk.HardState.Term, "I8", node, $"acknowledges {reply.Match} with {disk.Last} on its disk");
                break;
            case VoteReply { Granted: true, PreVote: false } reply:
                Require(disk.HardState.Term > reply.Term || disk.HardState == new HardState(reply.Term, reply.To), "I8", node, $"votes for {reply.To} in term {reply.Term} with {disk.HardState} on its disk");
                OnVote(node.Id, reply.Term, reply.To);
                break;
            case VoteRequest { PreVote: false } request:
                OnVote(node.Id, request.Term, node.Id);
                break;
        }
        Quorums.OnSend(node, message);
    }

    /// <summary>Before the output is carried out: entries (I3), commits (I4, I6), leadership (I1, I5).</summary>
    public void BeforeOutput(SimNode node, RaftOutput output)
    {
        foreach (PersistOp op in output.Persists)
        {
            Members.OnPersist(node, op);
            if (op.TruncateFrom is not null) world.Statistics.Truncations++;
            if (op.HardState is { } state) OnHardState(node, state);
            foreach (ref readonly Entry entry in op.Entries.Span) OnEntry(node, entry);
        }
        if (node.Core.Role == RaftRole.Candidate && (_memories[node.Slot].Role != RaftRole.Candidate || _memories[node.Slot].Term != node.Core.Term)) ElectionCheck.OnCampaign(node);
        if (node.Core.Role == RaftRole.Leader && _memories[node.Slot] is var memory && (memory.Role != RaftRole.Leader || memory.Term != node.Core.Term)) OnLeader(node);
        foreach (ReadOnlyMemory<Entry> run in output.Committed)
            foreach (ref readonly Entry entry in run.Span) Committed.Add(world, node, entry);
        world.Statistics.Committed = (long)Committed.Last.Value;
    }

    /// <summary>I9: nothing goes back. I10: the marks of a log are in order. I11: what a leader believes of its peers is possible, and true.</summary>
    public void AfterBatch(SimNode node)
    {
        Members.AfterBatch(node);
        Bounds.AfterBatch(node);
        RaftCore core = node.Core;
        NodeMemory memory = _memories[node.Slot];
        Require(core.Term >= memory.Term, "I9", node, $"went from term {memory.Term} to {core.Term}");
        Require(core.Commit >= memory.Commit, "I9", node, $"went from commit {memory.Commit} to {core.Commit}");
        Require(core.Applied >= memory.Applied, "I9", node, $"went from applied {memory.Applied} to {core.Applied}");
        Require(core.ReadEpoch >= memory.ReadEpoch, "I9", node, $"went from read epoch {memory.ReadEpoch} to {core.ReadEpoch}");
        memory.ReadEpoch = core.ReadEpoch;
        bool ordered = core.LogBase.Index <= core.Applied && core.Applied <= core.Commit && core.Commit <= core.LastEntry.Index && core.Durable <= core.LastEntry.Index;
        Require(ordered, "I10", node, $"has base {core.LogBase} applied {core.Applied} commit {core.Commit} durable {core.Durable} last {core.LastEntry}");
        // A sole voter stays, whatever its disk does, and may have added somebody in this batch, after the last tick. And whoever is elected while its disk is slow hands over at the next tick: the
        // others have given it their votes in this term, so that they need somebody who asks one of them to go on at once.
        bool isSole = core.Membership is { Voters.Length: 1, VotersOutgoing.Length: 0 };
        bool isNew = core.Role == RaftRole.Leader && (memory.Role != RaftRole.Leader || memory.Term != core.Term);
        if (isSole || memory.WasSole || isNew) memory.MayStayUntilTick = node.TicksTaken + 1;
        memory.WasSole = isSole;
        bool gaveUp = core.Role != RaftRole.Leader || node.OldestWriteTicks <= node.Options.DiskStallTicks || node.TicksTaken < memory.MayStayUntilTick;
        Require(gaveUp, "I29", node, $"leads, and its disk has been at a write for {node.OldestWriteTicks} ticks");
        if (core.Role == RaftRole.Leader)
        {
            // A leader whose log has it all may still learn from a late snapshot of the leader before how much of it is committed.
            bool isCounted = core.Commit != node.ReceivedEnd;
            if (isCounted && core.Commit > memory.Commit && core.Commit > core.LogBase.Index && memory.Role == RaftRole.Leader && memory.Term == core.Term)
            {
                Require(core.Log[core.Commit].Term == core.Term, "I6", node, $"commits {core.Log[core.Commit].Id} by count in term {core.Term}");
                if (ChecksReleases) Quorums.OnCommitted(node, memory.Membership ?? core.Membership);
            }
            if (memory.Role == RaftRole.Leader && memory.Term == core.Term && memory.Membership is { } before && !before.Equals(core.Membership)) Quorums.OnChanged(node, before);
            CheckPeers(node, memory);
        }
        (memory.Term, memory.Commit, memory.Applied, memory.Role, memory.Membership) = (core.Term, core.Commit, core.Applied, core.Role, core.Membership);
    }

    /// <summary>I16: equal index, equal state.</summary>
    public void OnApplied(SimNode node, in Entry entry)
    {
        int at = (int)entry.Index.Value - 1;
        if (at == _hashes.Count) _hashes.Add(node.Machine.Hash);
        else CheckHash(node);
        Contents?.OnApplied(node, entry.Index, NodeMachine.OperationOf(world.Plan, entry));
    }

    public void OnInstalled(SimNode node)
    {
        if (node.Machine.Applied.Index > LogIndex.Zero) CheckHash(node);
    }

    private void CheckHash(SimNode node)
    {
        int at = (int)node.Machine.Applied.Index.Value - 1;
        Require(at < _hashes.Count, "I16", node, $"has applied {node.Machine.Applied}, which nobody has committed");
        Require(_hashes[at] == node.Machine.Hash, "I16", node, $"has another state at {node.Machine.Applied} than the others");
    }

    private void CheckPeers(SimNode node, NodeMemory memory)
    {
        if (memory.MatchesIn != node.Core.Term)
        {
            Array.Clear(memory.Matches);
            memory.MatchesIn = node.Core.Term;
        }
        _peers.Clear();
        node.Core.CopyPeers(_peers);
        foreach (PeerStatus peer in _peers)
        {
            SimNode other = world[peer.Node];
            LogIndex before = memory.Matches[other.Slot];
            Require(peer.Match < peer.Next, "I11", node, $"believes {peer}");
            // To zero it falls when the peer is linked anew: another process may have to prove it again.
            Require(peer.Match >= before || peer.Match == LogIndex.Zero, "I9", node, $"lowers the match of {peer.Node} from {before} to {peer.Match}");
            if (peer.Match == before) continue;
            memory.Matches[other.Slot] = peer.Match;
            // A later leader may have changed the peer's log meanwhile; then this belief is out of date, and harmless.
            if (other.IsImpaired || other.Shadow.HardState.Term > node.Core.Term || peer.Match <= other.Shadow.Base.Index || peer.Match < node.Core.LogBase.Index) continue;
            EntryId believed = node.Core.Log.IdAt(peer.Match);
            Require(other.Shadow.Contains(believed), "I11", node, $"believes that {peer.Node} holds {believed}, whose disk ends at {other.Shadow.Last}");
        }
    }

    private void OnLeader(SimNode node)
    {
        Term term = node.Core.Term;
        if (!_leaders.TryAdd(term, node.Id)) Require(_leaders[term] == node.Id, "I1", node, $"leads term {term}, which {_leaders[term]} led");
        if (ChecksReleases) Quorums.OnLeader(node, _memories[node.Slot].Membership ?? node.Core.Membership);
        EntryId must = Committed.LastBefore(term);
        Require(must.Index < node.Core.LogBase.Index || node.Core.Log.Contains(must), "I5", node, $"leads term {term} without the committed {must}; its log ends at {node.Core.LastEntry}");
    }

    /// <summary>Within a term a vote is given once and never taken back.</summary>
    private void OnHardState(SimNode node, HardState state)
    {
        NodeMemory memory = _memories[node.Slot];
        bool sameTerm = memory.HardState.Term == state.Term && memory.HardState.VotedFor != NodeId.None;
        Require(!sameTerm || memory.HardState.VotedFor == state.VotedFor, "I2", node, $"writes {state} after {memory.HardState}");
        memory.HardState = state;
    }

    private void OnVote(NodeId voter, Term term, NodeId candidate)
    {
        if (!_votes.TryAdd((voter, term), candidate) && _votes[(voter, term)] is var earlier && earlier != candidate)
            throw new SimulationFailure($"I2: {voter} votes for {candidate} in term {term} after voting for {earlier}.");
    }

    /// <summary>An entry's name decides its content and its predecessor, so by induction the whole log before it.</summary>
    private void OnEntry(SimNode node, in Entry entry)
    {
        if (!node.Core.Log.TryTermAt(entry.Index.Previous, out Term previous)) return;
        ulong operation = NodeMachine.OperationOf(world.Plan, entry);
        if (_entries.TryAdd(entry.Id, (previous, operation))) return;
        Require(_entries[entry.Id] == (previous, operation), "I3", node, $"has {entry.Id} with operation {operation} after term {previous}; elsewhere it is {_entries[entry.Id]}");
    }

    private static void Require(bool holds, string invariant, SimNode node, FormattableString what)
    {
        if (!holds) throw new SimulationFailure($"{invariant}: {node.Id} {what}.");
    }
}
