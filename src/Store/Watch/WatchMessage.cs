using System.Buffers;
using System.Text;
using Conclave.Store.Protobuf;

namespace Conclave.Store.Watching;

/// <summary>A WatchResponse without events: created, refused, cancelled, compacted, progress.</summary>
/// <remarks>The watch id is -1 in a refused create and in the progress of the whole stream; the revision (of the header) is 0 in the message that says "compacted".</remarks>
internal readonly record struct WatchAnswer(long WatchId, long Revision, bool Created, bool Canceled, long CompactRevision, string Reason)
{
    public const long NoWatch = -1;
}

/// <summary>etcd's wire form of WatchResponse.</summary>
internal static class WatchMessage
{
    public const byte EventsTag = 11 << 3 | 2, EventTypeTag = 1 << 3, EventKvTag = 2 << 3 | 2, EventPreviousTag = 3 << 3 | 2;

    private const byte HeaderTag = 1 << 3 | 2, WatchIdTag = 2 << 3, CreatedTag = 3 << 3, CanceledTag = 4 << 3,
        CompactRevisionTag = 5 << 3, ReasonTag = 6 << 3 | 2, FragmentTag = 7 << 3;

    private const int HeaderBytesMax = 2 + 4 * (1 + Varint.LongBytesMax);

    public static void Write(in WatchAnswer answer, IWatchSessionHost host, IBufferWriter<byte> output)
    {
        int reasonBytes = Encoding.UTF8.GetByteCount(answer.Reason);
        Span<byte> span = output.GetSpan(HeaderBytesMax + 2 * (1 + Varint.LongBytesMax) + 4 + 1 + Varint.IntBytesMax + reasonBytes);
        int at = WriteHeader(span, host, answer.Revision);
        at = WriteNonZero(span, at, WatchIdTag, answer.WatchId);
        at = WriteNonZero(span, at, CreatedTag, answer.Created ? 1 : 0);
        at = WriteNonZero(span, at, CanceledTag, answer.Canceled ? 1 : 0);
        at = WriteNonZero(span, at, CompactRevisionTag, answer.CompactRevision);
        if (reasonBytes > 0)
        {
            span[at++] = ReasonTag;
            at = Varint.Write(span, at, (uint)reasonBytes);
            at += Encoding.UTF8.GetBytes(answer.Reason, span[at..]);
        }

        output.Advance(at);
    }

    /// <summary>Everything before the events.</summary>
    public static void WriteEventsHeader(IWatchSessionHost host, long revision, long watchId, bool fragment, IBufferWriter<byte> output)
    {
        Span<byte> span = output.GetSpan(HeaderBytesMax + 1 + Varint.LongBytesMax + 2);
        int at = WriteHeader(span, host, revision);
        at = WriteNonZero(span, at, WatchIdTag, watchId);
        output.Advance(WriteNonZero(span, at, FragmentTag, fragment ? 1 : 0));
    }

    private static int WriteHeader(Span<byte> span, IWatchSessionHost host, long revision)
    {
        // The header is shorter than 128 bytes, so that its length takes one, filled in afterwards.
        int at = 2;
        at = WriteNonZero(span, at, 1 << 3, (long)host.ClusterId);
        at = WriteNonZero(span, at, 2 << 3, (long)host.MemberId);
        at = WriteNonZero(span, at, 3 << 3, revision);
        at = WriteNonZero(span, at, 4 << 3, (long)host.Term);
        span[0] = HeaderTag;
        span[1] = (byte)(at - 2);
        return at;
    }

    private static int WriteNonZero(Span<byte> span, int at, byte tag, long value) =>
        value == 0 ? at : Varint.WriteLong(span, at, tag, value);
}
