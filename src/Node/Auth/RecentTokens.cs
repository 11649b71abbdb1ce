using System.Collections.Concurrent;

namespace Conclave.Node.Auth;

/// <summary>Tokens that were good here a short while ago, with what was found in them. Bounded. Thread safe.</summary>
/// <remarks>
/// Two dictionaries: what is used is in the younger one, and when that is old or full it becomes the older one, whose place is given back as a whole.
/// So an entry stays for one period at least after its last use, unless more tokens than there is room for come within one.
/// </remarks>
internal sealed class RecentTokens<T>(TimeProvider time, TimeSpan period, int countMax) where T : class
{
    private readonly Lock _gate = new();
    private volatile ConcurrentDictionary<string, Entry> _young = new(StringComparer.Ordinal), _old = new(StringComparer.Ordinal);
    private int _youngCount;   // counting a concurrent dictionary locks all of it
    private long _turned = time.GetTimestamp();

    private sealed class Entry(T value)
    {
        public T Value => value;

        public long UsedAt;
    }

    /// <param name="token">A token.</param>
    /// <param name="value">What is known of it. Finding it is a use of it.</param>
    /// <param name="isIdle">It is known, and its last use is longer ago than the period.</param>
    public bool TryUse(string token, out T? value, out bool isIdle)
    {
        Turn();
        (value, isIdle) = (null, false);
        bool isYoung = _young.TryGetValue(token, out Entry? entry);
        if (!isYoung && !_old.TryGetValue(token, out entry)) return false;
        long used = Volatile.Read(ref entry!.UsedAt);   // not null: found in one of the two
        if (time.GetElapsedTime(used) > period)
        {
            isIdle = true;
            return false;
        }

        Volatile.Write(ref entry.UsedAt, time.GetTimestamp());
        if (!isYoung) Keep(token, entry);
        value = entry.Value;
        return true;
    }

    public void Add(string token, T value) => Keep(token, new Entry(value) { UsedAt = time.GetTimestamp() });

    private void Keep(string token, Entry entry)
    {
        if (_young.TryAdd(token, entry) && Interlocked.Increment(ref _youngCount) >= countMax) Turn(isFull: true);
    }

    private void Turn(bool isFull = false)
    {
        if (!isFull && time.GetElapsedTime(Volatile.Read(ref _turned)) <= period) return;
        lock (_gate)
        {
            if (isFull ? _youngCount < countMax : time.GetElapsedTime(_turned) <= period) return;
            _old = _young;
            _young = new(StringComparer.Ordinal);
            Volatile.Write(ref _youngCount, 0);
            Volatile.Write(ref _turned, time.GetTimestamp());
        }
    }
}
