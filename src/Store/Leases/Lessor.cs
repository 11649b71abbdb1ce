namespace Conclave.Store;

/// <summary>The leader's clock for leases: when each expires. Pure: the time is passed in, as milliseconds of a monotonic clock.</summary>
/// <remarks>
/// Not thread-safe: one owner, or one lock around it. Renewals are not replicated; a new leader begins with the full TTL
/// of every lease, which is never too short. A lease that has expired cannot be renewed any more, even before its revoke
/// is applied: whoever was told "expired" must not see it come back.
/// </remarks>
public sealed class Lessor
{
    /// <summary>An expired lease is collected again after this long, in case its revoke was lost on the way to the log.</summary>
    public const long CollectAgainMilliseconds = 3_000;

    private readonly StoreFaults _faults;
    private readonly Dictionary<long, Entry> _leases = [];

    /// <summary>By due time, then id. An entry whose due time has moved on is put back when it comes up: renewing stays O(1).</summary>
    private readonly PriorityQueue<long, (long Due, long Id)> _queue = new();

    public Lessor()
    {
    }

    /// <summary>For tests and the simulator.</summary>
    internal Lessor(StoreFaults faults) => _faults = faults;

    /// <summary>This member is the leader and its leases run.</summary>
    public bool IsPromoted { get; private set; }

    /// <summary>Leases known; 0 while not promoted.</summary>
    public int Count => _leases.Count;

    /// <summary>This member has become the leader: every lease starts again with its full TTL.</summary>
    /// <param name="nowMilliseconds">The clock.</param>
    /// <param name="view">Has applied everything that earlier leaders committed.</param>
    /// <param name="extra">Added to every lease: an election timeout, during which clients could not renew.</param>
    public void Promote(long nowMilliseconds, StoreView view, TimeSpan extra)
    {
        Clear();
        IsPromoted = true;
        foreach (LeaseState lease in view.Leases)
            Start(lease, nowMilliseconds + (long)extra.TotalMilliseconds);
    }

    /// <summary>Nobody could renew for a while: every lease gets its full time again, but for those of which somebody was told that they have expired.</summary>
    /// <param name="nowMilliseconds">The clock.</param>
    /// <param name="extra">Added to every lease.</param>
    public void Extend(long nowMilliseconds, TimeSpan extra)
    {
        foreach (Entry entry in _leases.Values)
        {
            // Its place in the queue stays: when it comes up it is put back, as after any renewal.
            if (!entry.IsToldExpired)
                entry.Expiry = Math.Max(entry.Expiry, ExpiryAfter(nowMilliseconds + (long)extra.TotalMilliseconds, entry.TtlSeconds));
        }
    }

    /// <summary>This member is not the leader any more: no lease expires here.</summary>
    public void Demote()
    {
        IsPromoted = false;
        if (!_faults.HasFlag(StoreFaults.ExpireAfterDemotion))
            Clear();
    }

    /// <summary>A grant was applied. Does nothing while not promoted, nor for a lease that promotion found already.</summary>
    public void Granted(LeaseState lease, long nowMilliseconds)
    {
        if (IsPromoted && !_leases.ContainsKey(lease.Id))
            Start(lease, nowMilliseconds);
    }

    /// <summary><see cref="Granted(LeaseState, long)"/> of a lease without an incarnation.</summary>
    public void Granted(long id, long ttlSeconds, long nowMilliseconds) => Granted(new LeaseState(id, ttlSeconds), nowMilliseconds);

    /// <summary>A revoke was applied.</summary>
    public void Revoked(long id) => _leases.Remove(id);

    /// <summary>Restarts a lease.</summary>
    /// <returns>False when it is unknown or has expired: the client is told TTL 0.</returns>
    public bool TryRenew(long id, long nowMilliseconds, out long grantedTtlSeconds)
    {
        grantedTtlSeconds = 0;
        if (!_leases.TryGetValue(id, out Entry? entry))
            return false;
        if (entry.IsExpiredAt(nowMilliseconds) && !_faults.HasFlag(StoreFaults.RenewExpired))
        {
            entry.IsToldExpired = true;
            return false;
        }

        entry.Expiry = ExpiryAfter(nowMilliseconds, entry.TtlSeconds);
        grantedTtlSeconds = entry.TtlSeconds;
        return true;
    }

    /// <summary>Whole seconds left, rounded down; 0 for a lease that has expired and waits for its revoke.</summary>
    /// <returns>False when it is unknown.</returns>
    public bool TryRemaining(long id, long nowMilliseconds, out long remainingSeconds, out long grantedTtlSeconds)
    {
        (remainingSeconds, grantedTtlSeconds) = (0, 0);
        if (!_leases.TryGetValue(id, out Entry? entry))
            return false;
        remainingSeconds = Math.Max(0, entry.Expiry - nowMilliseconds) / 1000;
        grantedTtlSeconds = entry.TtlSeconds;
        return true;
    }

    /// <summary>Names leases that have expired, so that the caller proposes their revokes.</summary>
    /// <param name="nowMilliseconds">The clock.</param>
    /// <param name="max">At most so many; the others come with the next call.</param>
    /// <param name="into">Ids are added, longest expired first.</param>
    public void CollectExpired(long nowMilliseconds, int max, List<long> into)
    {
        while (max > 0 && _queue.TryPeek(out long id, out (long Due, long Id) key) && key.Due <= nowMilliseconds)
        {
            _queue.Dequeue();
            if (!_leases.TryGetValue(id, out Entry? entry) || key.Due != entry.QueuedFor)
                continue;
            if (!entry.IsExpiredAt(nowMilliseconds))
            {
                Queue(entry, entry.Expiry);
                continue;
            }

            into.Add(id);
            entry.IsToldExpired = true;
            max--;
            Queue(entry, nowMilliseconds + CollectAgainMilliseconds);
        }
    }

    /// <summary>Whether the time of a lease that runs here is over.</summary>
    public bool IsExpired(long id, long nowMilliseconds) => _leases.TryGetValue(id, out Entry? entry) && entry.IsExpiredAt(nowMilliseconds);

    /// <summary>Which lease of that id runs here, see <see cref="LeaseState"/>; 0 when none does.</summary>
    public ulong IncarnationOf(long id) => _leases.TryGetValue(id, out Entry? entry) ? entry.Incarnation : 0;

    /// <summary>All lease ids, nearest expiry first.</summary>
    public void CopyByExpiry(List<long> into)
    {
        int start = into.Count;
        into.AddRange(_leases.Keys);
        into.Sort(start, into.Count - start, Comparer<long>.Create(CompareExpiry));
    }

    private void Clear()
    {
        _leases.Clear();
        _queue.Clear();
    }

    private int CompareExpiry(long x, long y)
    {
        int order = _leases[x].Expiry.CompareTo(_leases[y].Expiry);
        return order != 0 ? order : x.CompareTo(y);
    }

    private void Start(LeaseState lease, long fromMilliseconds)
    {
        var entry = new Entry(lease) { Expiry = ExpiryAfter(fromMilliseconds, lease.TtlSeconds) };
        _leases[lease.Id] = entry;
        Queue(entry, entry.Expiry);
    }

    private void Queue(Entry entry, long due)
    {
        entry.QueuedFor = due;
        _queue.Enqueue(entry.Id, (due, entry.Id));
    }

    // The longest TTL is 285 years: no overflow on any clock that is not about to.
    private static long ExpiryAfter(long nowMilliseconds, long ttlSeconds) => nowMilliseconds + ttlSeconds * 1000;

    private sealed class Entry(LeaseState lease)
    {
        public long Id { get; } = lease.Id;
        public long TtlSeconds { get; } = lease.TtlSeconds;
        public ulong Incarnation { get; } = lease.Incarnation;
        public long Expiry { get; set; }

        /// <summary>Its place in the queue; what lies elsewhere is left from a lease of the same id that was revoked.</summary>
        public long QueuedFor { get; set; }

        /// <summary>A client was told, or its revoke is on its way: it does not come back.</summary>
        public bool IsToldExpired { get; set; }

        public bool IsExpiredAt(long nowMilliseconds) => nowMilliseconds >= Expiry;
    }
}
