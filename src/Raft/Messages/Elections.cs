namespace Conclave.Raft;

/// <summary>Asks for a vote, or, as a pre-vote, whether one would be given.</summary>
public sealed record VoteRequest : Message
{
    /// <summary>
    /// A question without consequences: would you vote for me in the term after <see cref="Message.Term"/>? It changes nobody's
    /// term or vote, so a node that cannot win does not depose a leader that works.
    /// </summary>
    public required bool PreVote { get; init; }

    /// <summary>The current leader asked for this election, so loyalty to it is no reason to refuse.</summary>
    public bool Transfer { get; init; }

    /// <summary>Last entry of the candidate's log. A voter with a newer one refuses.</summary>
    public required EntryId Last { get; init; }

    /// <summary>Number of the campaign, unique in the candidate's process; the reply repeats it.</summary>
    public required ulong Round { get; init; }
}

/// <summary>Leader to the voter that is to lead next: ask for votes now, without the pre-vote.</summary>
public sealed record TimeoutNow : Message
{
    /// <summary>What the leader knows that the receiver holds. One that lacks it ignores this.</summary>
    public required EntryId Last { get; init; }
}

/// <summary>Answer to a <see cref="VoteRequest"/>. A grant in a real vote leaves only after the vote is durable.</summary>
public sealed record VoteReply : Message
{
    public required bool PreVote { get; init; }
    public required bool Granted { get; init; }

    /// <summary>From the request. A reply to an earlier campaign must not count in this one.</summary>
    public required ulong Round { get; init; }
}
