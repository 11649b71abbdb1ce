namespace Conclave.Store;

/// <summary>A granted lease. When it expires is the leader's business (<see cref="Lessor"/>), not the state's.</summary>
/// <param name="Id">What clients know it by.</param>
/// <param name="TtlSeconds">As granted.</param>
/// <param name="Incarnation">
/// Tells it from an earlier and a later lease of the same id: an expiry that was decided for one must not end the other. 0 when it was granted by a
/// version that gave none. Clients see nothing of it, so it is not part of the state hash.
/// </param>
public readonly record struct LeaseState(long Id, long TtlSeconds, ulong Incarnation = 0);
