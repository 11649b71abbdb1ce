using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Conclave.Node.Http.Port;

/// <summary>Follows the frames that a client sends on one HTTP/2 connection and has <see cref="AuthorityRepair"/> look at the HEADERS among them.</summary>
/// <remarks>
/// A client that sends a proper authority once does so always, so the first HEADERS frame ends the watch; its requests are watched on only if
/// that one had to be repaired: mostly they refer to the repaired value in the connection's table, but when it is pushed out they bring it anew.
/// </remarks>
internal sealed class HeadersWatch
{
    private const int PrefaceBytes = 24, FrameHeaderBytes = 9;
    private const byte Headers = 1, FlagEndHeaders = 0x4;

    /// <summary>The largest frame that Kestrel allows; it ends the connection over a larger one, so nothing needs repair in there.</summary>
    private const int FrameBytesMax = 16384;

    private long _nextFrame = PrefaceBytes; // from the first byte not consumed yet
    private bool _hasRepaired;

    /// <summary>True when nothing that follows needs a look.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Looks at what has arrived and repairs it in place.</summary>
    /// <param name="unread">All bytes that are not consumed yet; the same bytes may come again with more behind them.</param>
    /// <returns>
    /// How many of the bytes may be passed on. The rest, less than <see cref="FrameBytesMax"/> and a frame header, is the beginning of a frame
    /// that can only be judged when it is complete.
    /// </returns>
    public long Look(in ReadOnlySequence<byte> unread)
    {
        long length = unread.Length;
        Span<byte> header = stackalloc byte[FrameHeaderBytes];
        while (!IsDone && _nextFrame < length)
        {
            if (length - _nextFrame < FrameHeaderBytes) return _nextFrame;
            unread.Slice(_nextFrame, FrameHeaderBytes).CopyTo(header);
            int payloadBytes = BinaryPrimitives.ReadInt32BigEndian(header) >>> 8;
            if (header[3] == Headers)
            {
                bool isWhole = length - _nextFrame - FrameHeaderBytes >= payloadBytes;
                if (!isWhole && payloadBytes <= FrameBytesMax) return _nextFrame;
                // A block that goes on in CONTINUATION frames is left alone: it is larger than any that is known to need repair.
                _hasRepaired |= isWhole && (header[4] & FlagEndHeaders) != 0
                    && Repair(unread.Slice(_nextFrame + FrameHeaderBytes, payloadBytes), header[4]);
                IsDone = !_hasRepaired;
            }

            _nextFrame += FrameHeaderBytes + payloadBytes;
        }

        return length;
    }

    /// <summary>Bytes at the beginning were consumed: no more than <see cref="Look"/> passed on.</summary>
    public void Consumed(long bytes) => _nextFrame -= bytes;

    /// <remarks>
    /// Writing into the buffer of a pipe is sound here: its writer has committed these bytes and does not come back to them, this is its only
    /// reader, and nobody behind us has seen them yet, because an incomplete frame is never passed on.
    /// </remarks>
    private static bool Repair(in ReadOnlySequence<byte> payload, byte flags)
    {
        if (payload.IsSingleSegment)
            return AuthorityRepair.ApplyToFrame(MemoryMarshal.AsMemory(payload.First).Span, flags);
        byte[] whole = payload.ToArray(); // rare: one frame over two blocks of the pipe
        if (!AuthorityRepair.ApplyToFrame(whole, flags)) return false;
        int at = 0;
        foreach (ReadOnlyMemory<byte> part in payload)
        {
            whole.AsSpan(at, part.Length).CopyTo(MemoryMarshal.AsMemory(part).Span);
            at += part.Length;
        }

        return true;
    }
}
