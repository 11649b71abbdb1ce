using System.Buffers;
using System.Buffers.Binary;

namespace Conclave.Node.Http.Limits;

/// <summary>Walks over the frames of an HTTP/2 client and judges its pings, as etcd's server does. Pure but for the clock.</summary>
/// <remarks>
/// A ping is fine when the last one is long enough ago, or when something was sent to the client since: libraries measure the way with pings
/// while they receive. The third that is neither is too much.
/// </remarks>
/// <param name="minTime">Between pings that come without a reason.</param>
/// <param name="time">Clock.</param>
internal sealed class PingCounter(TimeSpan minTime, TimeProvider time)
{
    private const int HeaderBytes = 9, PrefaceBytes = 24, StrikesMax = 2, AckBytes = 17;
    private const byte PingFrame = 6, AckFlag = 1;

    private readonly byte[] _header = new byte[HeaderBytes];
    private int _headerFilled;
    private long _skip = PrefaceBytes;
    private long _pings, _sentSeen;
    private long? _lastAt;
    private int _strikes;

    /// <summary>Goes over bytes that were read, in any pieces.</summary>
    /// <param name="read">The next ones.</param>
    /// <param name="written">Bytes sent to the client so far.</param>
    /// <returns>False when there were too many pings.</returns>
    public bool Walk(in ReadOnlySequence<byte> read, long written)
    {
        foreach (ReadOnlyMemory<byte> piece in read)
        {
            if (!Walk(piece.Span, written)) return false;
        }

        return true;
    }

    private bool Walk(ReadOnlySpan<byte> read, long written)
    {
        while (true)
        {
            int skipped = (int)Math.Min(_skip, read.Length);
            _skip -= skipped;
            read = read[skipped..];
            if (read.IsEmpty) return true;
            int taken = Math.Min(HeaderBytes - _headerFilled, read.Length);
            read[..taken].CopyTo(_header.AsSpan(_headerFilled));
            _headerFilled += taken;
            read = read[taken..];
            if (_headerFilled < HeaderBytes) return true;
            _headerFilled = 0;
            _skip = BinaryPrimitives.ReadUInt32BigEndian(_header) >> 8;
            if (_header[3] == PingFrame && (_header[4] & AckFlag) == 0 && !Judge(written)) return false;
        }
    }

    private bool Judge(long written)
    {
        // Our answers to pings are no reason for more of them. Those on their way count as sent already, which hides less than one real frame.
        long sent = written - _pings++ * AckBytes;
        bool isAnswer = sent > _sentSeen;
        _sentSeen = Math.Max(_sentSeen, sent);
        long now = time.GetTimestamp();
        bool isLate = _lastAt is not { } last || time.GetElapsedTime(last, now) >= minTime;
        _lastAt = now;
        if (isAnswer) _strikes = 0;
        else if (!isLate) _strikes++;
        return _strikes <= StrikesMax;
    }
}
