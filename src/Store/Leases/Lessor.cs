namespace Conclave.Store;

/// <summary>The leader's clock for leases. Pure: the time is passed in, as milliseconds of a monotonic clock.</summary>
/// <remarks>Not thread-safe: one owner. A follower's is demoted and knows no lease.</remarks>
public sealed class Lessor
{
    public bool IsPromoted => throw new NotSupportedException();
    public void Promote(long nowMilliseconds, StoreView view, TimeSpan extra) => throw new NotSupportedException();
    public void Demote() => throw new NotSupportedException();
    public void Granted(long id, long ttlSeconds, long nowMilliseconds) => throw new NotSupportedException();
    public void Revoked(long id) => throw new NotSupportedException();
    public bool TryRenew(long id, long nowMilliseconds, out long grantedTtlSeconds) => throw new NotSupportedException();
    public bool TryRemaining(long id, long nowMilliseconds, out long remainingSeconds, out long grantedTtlSeconds) => throw new NotSupportedException();
    public void CollectExpired(long nowMilliseconds, int max, List<long> into) => throw new NotSupportedException();
    public void CopyByExpiry(List<long> into) => throw new NotSupportedException();
}
