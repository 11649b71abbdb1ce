using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>All states that any node was ever in, and what every input does to them, computed once by the real core.</summary>
/// <remarks>
/// This is what makes the search fast. A cluster has many more states than its nodes have: it is a tuple of theirs. So the core runs once for
/// each state of a node and input, and the search only combines numbers. A core cannot be copied, so it is rebuilt from the inputs that led to its state.
/// </remarks>
internal sealed class NodeTable(int nodes, ReplicaOptions options, Renaming[] renamings, MessageTable messages)
{
    private readonly Dictionary<Hash128, NodeState> _byHash = [];
    private readonly List<NodeState> _all = [];
    private readonly TokenList _tokens = new();

    public int Count => _all.Count;

    /// <summary>Times that the core was asked.</summary>
    public long Computed { get; private set; }

    public NodeState this[int id] => _all[id];

    public NodeState Fresh(int slot) => Intern(new Replica(new NodeId((ulong)slot + 1), options), slot, null, default);

    public NodeTransition Apply(NodeState state, NodeInput input)
    {
        if (state.Transitions.TryGetValue(input.Packed, out NodeTransition? known)) return known;
        NodeTransition computed = Compute(state, input);
        state.Transitions.Add(input.Packed, computed);
        return computed;
    }

    private NodeTransition Compute(NodeState state, NodeInput input)
    {
        Computed++;
        Replica replica = Rebuild(state);
        var effects = new NodeEffects();
        replica.Apply(input, MessageOf(input), effects);
        NodeState next = Intern(replica, state.Slot, state, input);
        bool startsToLead = next.Role == RaftRole.Leader && (state.Role != RaftRole.Leader || state.Term != next.Term);
        return new NodeTransition(next, [.. effects.Messages.Where(Travels).Select(messages.Intern)], [.. effects.Committed], [.. effects.Reads], effects.Violation)
        {
            StartsToLead = startsToLead,
            Votes = [.. effects.Messages.Select(VoteIn).Append(startsToLead ? OwnVote(replica) : default).Where(vote => vote.Candidate != NodeId.None).Distinct()],
        };
    }

    /// <summary>A candidate that needs nobody else asks nobody, and its vote shows on its disk only.</summary>
    private static (ulong Term, NodeId Candidate) OwnVote(Replica replica) =>
        replica.Disk.HardState == new HardState(replica.Core.Term, replica.Core.Self) ? (replica.Core.Term.Value, replica.Core.Self) : default;

    private bool Travels(Message message) => (int)message.To.Value <= nodes && !options.Lose.Contains(message.GetType().Name);

    private static (ulong Term, NodeId Candidate) VoteIn(Message message) => message switch
    {
        VoteReply { Granted: true, PreVote: false } reply => (reply.Term.Value, reply.To),
        VoteRequest { PreVote: false } request => (request.Term.Value, request.From),
        _ => default,
    };

    private Replica Rebuild(NodeState state)
    {
        var inputs = new Stack<NodeInput>();
        for (NodeState at = state; at.Parent is { } parent; at = parent) inputs.Push(at.Via);
        var replica = new Replica(state.Node, options);
        var ignored = new NodeEffects();
        foreach (NodeInput input in inputs) replica.Apply(input, MessageOf(input), ignored);
        return replica;
    }

    private Message? MessageOf(NodeInput input) => input.Kind == NodeInputKind.Deliver ? messages[input.Argument].Message : null;

    private NodeState Intern(Replica replica, int slot, NodeState? parent, NodeInput via)
    {
        _tokens.Clear();
        new CoreTokens(_tokens).Write(replica);
        Hash128 hash = _tokens.Hash(renamings[0]);
        if (_byHash.TryGetValue(hash, out NodeState? known)) return known;
        RaftCore core = replica.Core;
        var log = new EntryMark[core.LastEntry.Index.Value];
        for (int i = 0; i < log.Length; i++) log[i] = EntryMark.Of(in core.Log[new LogIndex((ulong)i + 1)]);
        known = new NodeState
        {
            Id = _all.Count,
            Slot = slot,
            Parent = parent,
            Via = via,
            Hashes = [.. renamings.Select(r => _tokens.Hash(r).Then(1))],
            Role = core.Role,
            Term = core.Term.Value,
            DurableTerm = replica.Disk.HardState.Term.Value,
            Round = CoreTime.RoundOf(core),
            Commit = (int)core.Commit.Value,
            InDoubt = CoreTime.InDoubt(core),
            KnowsLeader = core.Leader != NodeId.None,
            SelfVotes = core.Membership.IsVoter(core.Self),
            HasPendingWrite = replica.Disk.Pending.Count > 0,
            Log = log,
            DurableLog = [.. replica.Disk.Log.Select(entry => EntryMark.Of(in entry))],
            Matches = MatchesOf(core),
            Voters = NodeState.SetOf(core.Membership.Voters),
            VotersOutgoing = NodeState.SetOf(core.Membership.VotersOutgoing),
        };
        _byHash.Add(hash, known);
        _all.Add(known);
        return known;
    }

    private int[] MatchesOf(RaftCore core)
    {
        if (core.Role != RaftRole.Leader) return [];
        var matches = new int[nodes];
        var peers = new List<PeerStatus>();
        core.CopyPeers(peers);
        foreach (PeerStatus peer in peers) matches[(int)peer.Node.Value - 1] = (int)peer.Match.Value;
        return matches;
    }
}
