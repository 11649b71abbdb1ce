using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>A message that was ever sent, and what the search needs to know of it.</summary>
internal sealed class KnownMessage
{
    public required int Id { get; init; }
    public required Message Message { get; init; }

    /// <summary>One per renaming, ready to be added to those of the other parts of a state.</summary>
    public required Hash128[] Hashes { get; init; }

    public int ToSlot => (int)Message.To.Value - 1;

    /// <summary>
    /// Never again of any effect at its receiver: everything there that looks at it refuses it, and what it is compared with only rises. Whether it
    /// is under way or lost makes no difference then, so it is taken away.
    /// </summary>
    public bool IsDeadAt(NodeState receiver, bool staleVotesCount) => Message switch
    {
        // A term can fall back to the durable one in a crash, and no further.
        AppendReply or HeartbeatReply or CommitNotice or ReadIndexRequest or ReadIndexReply or TimeoutNow => Message.Term.Value < receiver.DurableTerm,
        // Rounds rise with every campaign and every start. A campaign that ended does not come back.
        VoteReply reply => !staleVotesCount && Message.Term.Value <= receiver.DurableTerm
            && (reply.Round < receiver.Round || receiver.Role is RaftRole.Follower or RaftRole.Leader),
        _ => false,
    };
}

/// <summary>All messages that were ever sent, each with a small number.</summary>
internal sealed class MessageTable(Renaming[] renamings)
{
    private readonly Dictionary<Hash128, KnownMessage> _byHash = [];
    private readonly List<KnownMessage> _all = [];
    private readonly TokenList _tokens = new();

    public int Count => _all.Count;
    public KnownMessage this[int id] => _all[id];

    public KnownMessage Intern(Message message)
    {
        _tokens.Clear();
        new CoreTokens(_tokens).Write(message);
        Hash128 hash = _tokens.Hash(renamings[0]);
        if (_byHash.TryGetValue(hash, out KnownMessage? known)) return known;
        known = new KnownMessage { Id = _all.Count, Message = message, Hashes = [.. renamings.Select(r => _tokens.Hash(r).Then(2))] };
        _byHash.Add(hash, known);
        _all.Add(known);
        return known;
    }
}
