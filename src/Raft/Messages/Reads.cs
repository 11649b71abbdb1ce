namespace Conclave.Raft;

/// <summary>Follower to leader: which index must I apply before a read is linearizable?</summary>
public sealed record ReadIndexRequest : Message
{
    /// <summary>Never used twice by a node, not even after a restart: an answer counts for exactly one question.</summary>
    public required ulong RequestId { get; init; }
}

/// <summary>Answer to a <see cref="ReadIndexRequest"/>, given after a majority confirmed the leader.</summary>
public sealed record ReadIndexReply : Message
{
    public required ulong RequestId { get; init; }
    public required LogIndex Index { get; init; }
}
