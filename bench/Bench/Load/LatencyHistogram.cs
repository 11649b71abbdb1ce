using System.Numerics;

namespace Conclave.Bench.Load;

/// <summary>Counts of latencies in buckets 1.6 % wide; nothing is allocated per sample.</summary>
internal sealed class LatencyHistogram
{
    private const int SubBucketBits = 6, SubBuckets = 1 << SubBucketBits;
    private readonly long[] _counts = new long[SubBuckets * (64 - SubBucketBits + 1)];

    public long Count { get; private set; }

    public void Add(TimeSpan latency) => Add(Math.Max(0, latency.Ticks));

    private void Add(long ticks)
    {
        _counts[BucketOf(ticks)]++;
        Count++;
    }

    public void Add(LatencyHistogram other)
    {
        for (int i = 0; i < _counts.Length; i++)
            _counts[i] += other._counts[i];
        Count += other.Count;
    }

    /// <param name="share">0.5 for the median, 0.99 for p99.</param>
    public TimeSpan Percentile(double share)
    {
        long rank = (long)Math.Ceiling(share * Count), seen = 0;
        for (int i = 0; i < _counts.Length && rank > 0; i++)
        {
            seen += _counts[i];
            if (seen >= rank)
                return new TimeSpan(UpperEdgeOf(i));
        }
        return TimeSpan.Zero;
    }

    private static int BucketOf(long ticks)
    {
        int shift = Math.Max(0, 64 - BitOperations.LeadingZeroCount((ulong)ticks) - SubBucketBits - 1);
        return (shift * SubBuckets) + (int)(ticks >> shift);
    }

    private static long UpperEdgeOf(int bucket)
    {
        int shift = Math.Max(0, (bucket / SubBuckets) - 1);
        return (bucket - (shift * SubBuckets)) * (1L << shift);
    }
}
