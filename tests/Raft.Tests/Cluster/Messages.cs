namespace Conclave.Raft.Tests;

/// <summary>Short ways to write the messages that tests send by hand.</summary>
internal static class Messages
{
    public static EntryId Id(ulong index, ulong term) => new(new LogIndex(index), new Term(term));

    public static Membership ThreeVoters { get; } = Membership.Of(new(1), new(2), new(3));

    /// <summary>Node 1 of three, with this log, in this term.</summary>
    public static TestNode NodeWith(string log, ulong term = 0, ulong votedFor = 0, CoreFaults faults = CoreFaults.None, Func<RaftOptions, RaftOptions>? change = null)
    {
        List<Entry> entries = TestNode.LogOf(log);
        var hardState = new HardState(new Term(Math.Max(term, entries.Count == 0 ? 0 : entries[^1].Term.Value)), new NodeId(votedFor));
        return new TestNode(TestNode.OptionsFor(1, change), new RecoveredState { HardState = hardState, Bootstrap = ThreeVoters, Entries = entries }, faults);
    }

    public static AppendRequest Append(ulong from, ulong term, EntryId previous, string terms, ulong commit = 0, ulong sequence = 1, ulong to = 1) => new()
    {
        From = new(from),
        To = new(to),
        Term = new(term),
        Previous = previous,
        Entries = TestNode.LogOf(terms, previous.Index.Value).ToArray(),
        Commit = new(commit),
        Sequence = sequence,
    };

    public static AppendReply Accepted(ulong from, ulong term, ulong sequence, ulong match, ulong to = 1) => new()
    {
        From = new(from),
        To = new(to),
        Term = new(term),
        Sequence = sequence,
        Success = true,
        Match = new(match),
    };

    public static AppendReply Refused(ulong from, ulong term, ulong sequence, EntryId hint, ulong to = 1) => new()
    {
        From = new(from),
        To = new(to),
        Term = new(term),
        Sequence = sequence,
        Success = false,
        Match = default,
        Hint = hint,
    };

    public static VoteRequest Vote(ulong from, ulong term, EntryId last, bool preVote = false, bool transfer = false, ulong round = 1) => new()
    {
        From = new(from),
        To = new(1),
        Term = new(term),
        PreVote = preVote,
        Transfer = transfer,
        Last = last,
        Round = round,
    };

    public static VoteReply Ballot(VoteRequest request, bool granted, ulong? term = null) => new()
    {
        From = request.To,
        To = request.From,
        Term = term is { } value ? new Term(value) : request.Term,
        PreVote = request.PreVote,
        Granted = granted,
        Round = request.Round,
    };

    public static HeartbeatRequest Heartbeat(ulong from, ulong term, ulong commit = 0, ulong epoch = 0) => new()
    {
        From = new(from),
        To = new(1),
        Term = new(term),
        Commit = new(commit),
        ReadEpoch = epoch,
    };

    public static HeartbeatReply Alive(ulong from, ulong term, ulong epoch) => new() { From = new(from), To = new(1), Term = new(term), ReadEpoch = epoch };

    /// <summary>Node 1 wins an election in the next term with the vote of node 2, and nothing has been answered yet.</summary>
    public static TestNode LeaderWith(string log, ulong term = 0, CoreFaults faults = CoreFaults.None, Func<RaftOptions, RaftOptions>? change = null)
    {
        TestNode node = NodeWith(log, term, faults: faults, change: change);
        while (node.Core.Role != RaftRole.PreCandidate) node.Tick();
        node.Receive(Ballot(node.TakeSent<VoteRequest>()[0], granted: true));
        node.Sync();
        node.Receive(Ballot(node.TakeSent<VoteRequest>()[0], granted: true));
        Assert.Equal(RaftRole.Leader, node.Core.Role);
        return node;
    }
}
