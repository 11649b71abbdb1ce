using System.Diagnostics;

namespace Conclave.Bench.Crowd;

/// <summary>When each numbered event was sent, and when the last reader had it.</summary>
/// <remarks>Thread-safe: each reader counts an event once.</remarks>
internal sealed class Deliveries(int readers, int eventsMax)
{
    private readonly long[] _sent = new long[eventsMax], _complete = new long[eventsMax];
    private readonly int[] _count = new int[eventsMax];
    private long _total;

    public long Total => Volatile.Read(ref _total);

    public void Sent(int number) => Volatile.Write(ref _sent[number], Stopwatch.GetTimestamp());

    public void Got(int number)
    {
        Interlocked.Increment(ref _total);
        if (Interlocked.Increment(ref _count[number]) == readers)
            Volatile.Write(ref _complete[number], Stopwatch.GetTimestamp());
    }

    public int Complete => _complete.Count(at => at > 0);

    /// <summary>From sending until the last reader had it, sorted, of those that all got.</summary>
    public IReadOnlyList<TimeSpan> Times => [.. Enumerable.Range(0, eventsMax).Where(i => _complete[i] > 0).Select(i => Stopwatch.GetElapsedTime(_sent[i], _complete[i])).Order()];
}
