using System.Globalization;
using System.Text;

namespace Conclave.Node.Metrics;

/// <summary>Counts durations in buckets that double from one millisecond, as etcd's do. Lock-free; 15 counters.</summary>
internal sealed class Histogram
{
    private const int Buckets = 14;
    private const double SmallestSeconds = 0.001;

    private readonly long[] _counts = new long[Buckets + 1];
    private long _sumMicroseconds;

    public void Observe(TimeSpan duration)
    {
        double bound = SmallestSeconds, seconds = duration.TotalSeconds;
        int bucket = 0;
        while (bucket < Buckets && seconds > bound)
        {
            bucket++;
            bound *= 2;
        }

        Interlocked.Increment(ref _counts[bucket]);
        Interlocked.Add(ref _sumMicroseconds, (long)(seconds * 1e6));
    }

    /// <summary>Writes the _bucket, _sum and _count series.</summary>
    public void Write(StringBuilder text, string name, string labels)
    {
        long total = 0;
        double bound = SmallestSeconds;
        string separator = labels.Length == 0 ? "" : ",";
        for (int i = 0; i <= Buckets; i++, bound *= 2)
        {
            total += Interlocked.Read(ref _counts[i]);
            string le = i == Buckets ? "+Inf" : bound.ToString(CultureInfo.InvariantCulture);
            text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels}{separator}le=\"{le}\"}} {total}\n");
        }

        string braces = labels.Length == 0 ? "" : $"{{{labels}}}";
        text.Append(CultureInfo.InvariantCulture, $"{name}_sum{braces} {Interlocked.Read(ref _sumMicroseconds) / 1e6}\n");
        text.Append(CultureInfo.InvariantCulture, $"{name}_count{braces} {total}\n");
    }
}
