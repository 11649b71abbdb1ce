namespace Conclave.Store.Auth;

/// <summary>A set of keys as half-open intervals [begin, end) that neither overlap nor touch, in order. Immutable.</summary>
/// <remarks>
/// A single key k is [k, k 0x00): there is no key between. So permissions for a and for [a 0x00, c) together cover the range [a, c),
/// as they do in etcd.
/// </remarks>
internal sealed class KeyIntervals
{
    private readonly byte[][] _begins;
    private readonly byte[]?[] _ends;   // null is behind the last key there is

    private KeyIntervals(List<byte[]> begins, List<byte[]?> ends) => (_begins, _ends) = ([.. begins], [.. ends]);

    /// <param name="ranges">Keys and range ends, as on the wire, in any order. An empty range adds nothing.</param>
    public static KeyIntervals Of(IEnumerable<AuthPermission> ranges)
    {
        var intervals = new List<(byte[] Begin, byte[]? End)>();
        foreach (AuthPermission range in ranges)
        {
            byte[]? end = EndOf(range.Key.Span, range.RangeEnd.Span);
            if (end is null || range.Key.Span.SequenceCompareTo(end) < 0)
                intervals.Add((range.Key.ToArray(), end));
        }

        intervals.Sort(static (a, b) => a.Begin.AsSpan().SequenceCompareTo(b.Begin));
        List<byte[]> begins = [];
        List<byte[]?> ends = [];
        foreach ((byte[] begin, byte[]? end) in intervals)
        {
            if (begins.Count == 0 || (ends[^1] is { } last && last.AsSpan().SequenceCompareTo(begin) < 0))
            {
                begins.Add(begin);
                ends.Add(end);
            }
            else if (ends[^1] is { } reached && (end is null || end.AsSpan().SequenceCompareTo(reached) > 0))
            {
                ends[^1] = end;
            }
        }

        return new KeyIntervals(begins, ends);
    }

    /// <summary>Whether every key of the range is in the set. A range without any key needs its start to be in it, as in etcd.</summary>
    public bool Cover(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd)
    {
        int at = IndexAtOrBefore(key);
        if (at < 0)
            return false;
        if (_ends[at] is not { } end)
            return true;
        if (key.SequenceCompareTo(end) >= 0)
            return false;
        return rangeEnd switch
        {
            [] => true,
            [0] => false,   // to the last key there is, and this interval ends before
            _ => rangeEnd.SequenceCompareTo(end) <= 0,
        };
    }

    private static byte[]? EndOf(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd) => rangeEnd switch
    {
        [] => [.. key, 0],
        [0] => null,
        _ => rangeEnd.ToArray(),
    };

    private int IndexAtOrBefore(ReadOnlySpan<byte> key)
    {
        int low = 0, high = _begins.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_begins[middle].AsSpan().SequenceCompareTo(key) <= 0)
                low = middle + 1;
            else
                high = middle;
        }

        return low - 1;
    }
}
