namespace Conclave.Raft;

/// <summary>A command that wants a place in the log.</summary>
/// <param name="Id">The proposer's own number for it; comes back in the <see cref="ProposalVerdict"/>.</param>
/// <param name="Payload">At most <see cref="RaftOptions.ProposalBytesMax"/> bytes; must not change afterwards.</param>
public readonly record struct Proposal(ulong Id, ReadOnlyMemory<byte> Payload);
