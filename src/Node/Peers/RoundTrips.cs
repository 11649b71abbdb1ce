using System.Buffers.Binary;
using Conclave.Node.Metrics;

namespace Conclave.Node.Peers;

/// <summary>How long a frame takes to another member and back: measured with the beats that both send anyway. Thread safe.</summary>
/// <remarks>
/// The body of a beat, little-endian; the rest of it is there when the other side has sent a beat since this side's last one:
/// <code>
///  | number u64 | number of the other side's newest beat u64 | nanoseconds since it came u64 |
/// </code>
/// The number is the sender's own clock, which nobody else reads. Whoever gets it back takes off what the other side waited for its next beat. What remains
/// is the way of two frames, through whatever stands in line before them. A version that sends the number alone is not measured, and reads no more than that.
/// </remarks>
internal sealed class RoundTrips(TimeProvider time)
{
    public const int EchoBytes = 16;

    private readonly Lock _gate = new();
    private readonly long _start = time.GetTimestamp();

    // Under _gate.
    private ulong _heardNumber;
    private long _heardAt;
    private bool _hasHeard;

    /// <summary>Buckets as etcd's, from 0.1 ms to 3.3 s.</summary>
    public Histogram Durations { get; } = new(smallest: 0.0001, buckets: 16);

    /// <summary>Begins a beat.</summary>
    /// <param name="echo">Takes <see cref="EchoBytes"/> that follow the number.</param>
    /// <param name="echoBytes">How many of them do: all or none.</param>
    /// <returns>Its number.</returns>
    public ulong Next(Span<byte> echo, out int echoBytes)
    {
        long now = time.GetTimestamp();
        echoBytes = 0;
        lock (_gate)
        {
            if (_hasHeard)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(echo, _heardNumber);
                BinaryPrimitives.WriteUInt64LittleEndian(echo[8..], (ulong)Math.Max(0, time.GetElapsedTime(_heardAt, now).Ticks) * TimeSpan.NanosecondsPerTick);
                (_hasHeard, echoBytes) = (false, EchoBytes);   // once: without news there is nothing to measure
            }
        }

        return (ulong)now;
    }

    /// <summary>A beat came from the other side.</summary>
    /// <param name="body">Any bytes.</param>
    public void OnBeat(ReadOnlySpan<byte> body)
    {
        if (body.Length < 8) return;
        long now = time.GetTimestamp();
        lock (_gate) (_heardNumber, _heardAt, _hasHeard) = (BinaryPrimitives.ReadUInt64LittleEndian(body), now, true);
        if (body.Length < 8 + EchoBytes) return;
        ulong sent = BinaryPrimitives.ReadUInt64LittleEndian(body[8..]), held = BinaryPrimitives.ReadUInt64LittleEndian(body[16..]);
        // What an earlier process of this member sent, or nobody, has no meaning on this clock.
        if (sent < (ulong)_start || sent > (ulong)now) return;
        TimeSpan elapsed = time.GetElapsedTime((long)sent, now);
        if (held > (ulong)elapsed.Ticks * TimeSpan.NanosecondsPerTick) return;
        Durations.Observe(elapsed - TimeSpan.FromTicks((long)(held / TimeSpan.NanosecondsPerTick)));
    }
}
