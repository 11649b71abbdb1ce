using System.Diagnostics.CodeAnalysis;

namespace Conclave.Store.Watching;

/// <summary>Finds the feeds that a changed key belongs to: single keys by hash, ranges by an interval tree.</summary>
/// <remarks>Not thread-safe: belongs to the hub, under its lock.</remarks>
internal sealed class FeedIndex
{
    private readonly Dictionary<byte[], WatchFeed> _single = new(KeyBytes.Comparer);
    private readonly Dictionary<byte[], WatchFeed>.AlternateLookup<ReadOnlySpan<byte>> _singleBySpan;
    private readonly RangeIndex _ranges = new();

    public FeedIndex() => _singleBySpan = _single.GetAlternateLookup<ReadOnlySpan<byte>>();

    public bool IsEmpty => _single.Count == 0 && _ranges.IsEmpty;

    public WatchFeed GetOrAdd(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd)
    {
        if (!rangeEnd.IsEmpty)
            return _ranges.GetOrAdd(key, rangeEnd);
        if (!_singleBySpan.TryGetValue(key, out WatchFeed? feed))
            _single.Add(key.ToArray(), feed = new WatchFeed(key.ToArray(), []));
        return feed;
    }

    public void Remove(WatchFeed feed)
    {
        if (feed.RangeEnd.Length == 0)
            _single.Remove(feed.Key);
        else
            _ranges.Remove(feed);
    }

    public void Find(ReadOnlySpan<byte> key, List<WatchFeed> into)
    {
        if (_single.Count > 0 && _singleBySpan.TryGetValue(key, out WatchFeed? feed))
            into.Add(feed);
        if (!_ranges.IsEmpty)
            _ranges.Find(key, into);
    }

    public void CopyAll(List<WatchFeed> into)
    {
        into.AddRange(_single.Values);
        _ranges.CopyAll(into);
    }

    private sealed class KeyBytes : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly KeyBytes Comparer = new();

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

        // Seeded per process, against keys chosen to collide. Nothing depends on the order of the dictionary.
        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = default(HashCode);
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }
    }
}
