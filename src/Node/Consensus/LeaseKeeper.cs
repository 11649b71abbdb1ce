using System.Diagnostics;
using Conclave.Node.Metrics;
using Conclave.Store;

namespace Conclave.Node.Consensus;

/// <summary>The leader's clock for leases: renewals and expiry. Idle on followers. Thread safe.</summary>
/// <remarks>
/// A renewal is answered only after a majority has confirmed, since the question came and within one election timeout, that this node leads
/// (<see cref="Replica"/> sees to that). A new leader gives every lease its full time again, counted from one election timeout after it took over.
/// So whatever its predecessor promised ends no later than what the new leader waits for, and no holder loses a lease early.
/// </remarks>
internal sealed class LeaseKeeper(TimeSpan electionTimeout)
{
    /// <summary>Leases revoked in one round, so that a mass expiry does not crowd out other writes.</summary>
    private const int RevokedAtOnceMax = 500;

    private readonly Lock _gate = new();
    private readonly Lessor _lessor = new();
    private readonly List<long> _expired = [];   // under _gate
    private bool _active;

    public LeaseMetrics Metrics { get; } = new();

    private static long NowMilliseconds => (long)(Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000.0));

    /// <summary>This node leads, and its store holds everything of earlier terms.</summary>
    /// <param name="view">The leases there are.</param>
    /// <param name="stillLeads">
    /// Asked under the lock that <see cref="Demote"/> takes too, so that the end of a leadership which overtakes this call is not undone by it.
    /// </param>
    public void Promote(StoreView view, Func<bool> stillLeads)
    {
        lock (_gate)
        {
            if (!stillLeads()) return;
            _lessor.Promote(NowMilliseconds, view, electionTimeout);
            _active = true;
        }
    }

    /// <summary>This process did not run for a while, and nobody could renew: every lease gets its full time again.</summary>
    /// <remarks>
    /// Those that run here, not those of a published state: one that was granted since that was published would be forgotten, and live for ever; one
    /// that was revoked would come back, and be revoked again and again.
    /// </remarks>
    public void OnPause()
    {
        lock (_gate)
        {
            if (_active) _lessor.Extend(NowMilliseconds, electionTimeout);
        }
    }

    /// <summary>This node does not lead any more; nothing it says about leases counts from here on.</summary>
    public void Demote()
    {
        lock (_gate)
        {
            _lessor.Demote();
            _active = false;
        }
    }

    /// <param name="lease">The lease.</param>
    /// <param name="counts">False for what an earlier process may have applied already.</param>
    public void OnGranted(LeaseState lease, bool counts)
    {
        if (counts) Metrics.Granted(lease.TtlSeconds);
        lock (_gate)
        {
            if (_active) _lessor.Granted(lease, NowMilliseconds);
        }
    }

    /// <param name="id">The lease.</param>
    /// <param name="counts">As for <see cref="OnGranted"/>.</param>
    public void OnRevoked(long id, bool counts)
    {
        if (counts) Metrics.Revoked();
        lock (_gate)
        {
            if (!_active) return;
            if (_lessor.IsExpired(id, NowMilliseconds)) Metrics.Expired();
            _lessor.Revoked(id);
        }
    }

    /// <summary>Gives a lease its full time again.</summary>
    /// <returns>Null when this node does not lead; 0 when the lease is unknown or its time is over; else the granted seconds.</returns>
    public long? Renew(long id)
    {
        lock (_gate)
        {
            if (!_active) return null;
            if (!_lessor.TryRenew(id, NowMilliseconds, out long ttlSeconds)) return 0;
            Metrics.Renewed();
            return ttlSeconds;
        }
    }

    /// <returns>Null when this node does not lead; -1 when the lease is unknown; else whole seconds left.</returns>
    public long? Remaining(long id)
    {
        lock (_gate)
        {
            if (!_active) return null;
            return _lessor.TryRemaining(id, NowMilliseconds, out long seconds, out _) ? seconds : -1;
        }
    }

    /// <summary>All lease ids, those that end first before the others where this node is the one to know.</summary>
    public IReadOnlyList<long> ByExpiry(StoreView view)
    {
        var ids = new List<long>();
        lock (_gate)
        {
            if (_active) _lessor.CopyByExpiry(ids);
        }

        if (ids.Count == 0)
        {
            foreach (LeaseState lease in view.Leases) ids.Add(lease.Id);
        }

        return ids;
    }

    /// <summary>Leases whose time is over, a bounded number; each is named again only if it is still there some seconds later.</summary>
    public void CollectExpired(List<(long Id, ulong Incarnation)> into)
    {
        lock (_gate)
        {
            if (!_active) return;
            _lessor.CollectExpired(NowMilliseconds, RevokedAtOnceMax, _expired);
            foreach (long id in _expired) into.Add((id, _lessor.IncarnationOf(id)));
            _expired.Clear();
        }
    }
}
