namespace Conclave.Raft;

/// <summary>What a node must remember across restarts besides its log. The two change together, in one write.</summary>
/// <param name="Term">Highest term this node has taken part in.</param>
/// <param name="VotedFor">Whom it voted for in that term, or <see cref="NodeId.None"/>.</param>
public readonly record struct HardState(Term Term, NodeId VotedFor);
