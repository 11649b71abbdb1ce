using System.Globalization;
using System.Text;

namespace Conclave.Node.Metrics;

/// <summary>Counts values in buckets that double, as etcd's do. Lock-free; one counter for each bucket, one for what is larger, and a sum.</summary>
/// <param name="smallest">Upper bound of the first bucket.</param>
/// <param name="buckets">How many there are.</param>
/// <param name="sumParts">The sum is kept in so many parts of one; what is smaller is cut off.</param>
internal sealed class Histogram(double smallest = 0.001, int buckets = 14, double sumParts = 1e6)
{
    private readonly long[] _counts = new long[buckets + 1];
    private long _sum;

    public void Observe(TimeSpan duration) => Observe(duration.TotalSeconds);

    public void Observe(double value)
    {
        double bound = smallest;
        int bucket = 0;
        while (bucket < buckets && value > bound)
        {
            bucket++;
            bound *= 2;
        }

        Interlocked.Increment(ref _counts[bucket]);
        Interlocked.Add(ref _sum, (long)(value * sumParts));
    }

    /// <summary>Writes the _bucket, _sum and _count series.</summary>
    public void Write(StringBuilder text, string name, string labels)
    {
        long total = 0;
        double bound = smallest;
        string separator = labels.Length == 0 ? "" : ",";
        for (int i = 0; i <= buckets; i++, bound *= 2)
        {
            total += Interlocked.Read(ref _counts[i]);
            string le = i == buckets ? "+Inf" : Bound(bound);
            text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels}{separator}le=\"{le}\"}} {total}\n");
        }

        string braces = labels.Length == 0 ? "" : $"{{{labels}}}";
        text.Append(CultureInfo.InvariantCulture, $"{name}_sum{braces} {Interlocked.Read(ref _sum) / sumParts}\n");
        text.Append(CultureInfo.InvariantCulture, $"{name}_count{braces} {total}\n");
    }

    /// <summary>In etcd's words: queries join the buckets of several members by this text.</summary>
    private static string Bound(double bound) => bound.ToString(bound < 1e6 ? "R" : "0.###############e+00", CultureInfo.InvariantCulture);
}
