namespace Conclave.Raft;

/// <summary>What a snapshot stands for: the state after applying everything up to <paramref name="Last"/>.</summary>
/// <param name="Last">Last entry the state includes.</param>
/// <param name="Membership">The committed membership as of <paramref name="Last"/>.</param>
public sealed record SnapshotId(EntryId Last, Membership Membership);
