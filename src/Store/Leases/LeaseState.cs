namespace Conclave.Store;

/// <summary>A granted lease. When it expires is the leader's business (<see cref="Lessor"/>), not the state's.</summary>
public readonly record struct LeaseState(long Id, long TtlSeconds);
