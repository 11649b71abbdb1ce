using System.Buffers;
using Google.Protobuf;

namespace Conclave.Node.Services;

/// <summary>Writes response messages: the header that every etcd answer begins with, and then fields that are ready in wire form.</summary>
internal sealed class ResponseWriter(ulong clusterId, ulong memberId, Func<ulong> term)
{
    private const int HeaderBytesMax = 2 + 4 * 11;

    public ulong ClusterId => clusterId;

    public ulong MemberId => memberId;

    /// <summary>Writes field 1, the header.</summary>
    /// <param name="response">Gets it.</param>
    /// <param name="revision">Store revision; 0 is left out, as the cluster service does.</param>
    public void WriteHeader(IBufferWriter<byte> response, long revision)
    {
        Span<byte> span = response.GetSpan(HeaderBytesMax);
        int at = 2;   // tag and length; the header is at most 44 bytes, so its length is one byte
        WriteField(span, ref at, 0x08, clusterId);
        WriteField(span, ref at, 0x10, memberId);
        WriteField(span, ref at, 0x18, (ulong)revision);
        WriteField(span, ref at, 0x20, term());
        (span[0], span[1]) = (0x0A, (byte)(at - 2));
        response.Advance(at);
    }

    /// <summary>A header for messages that are built from generated classes.</summary>
    public Wire.Etcd.Etcdserverpb.ResponseHeader Header(long revision) =>
        new() { ClusterId = clusterId, MemberId = memberId, Revision = revision, RaftTerm = term() };

    public static void Write(IBufferWriter<byte> response, IMessage message) => message.WriteTo(response);

    private static void WriteField(Span<byte> span, ref int at, byte tag, ulong value)
    {
        if (value == 0) return;
        span[at++] = tag;
        for (; value >= 0x80; value >>= 7) span[at++] = (byte)(value | 0x80);
        span[at++] = (byte)value;
    }
}
