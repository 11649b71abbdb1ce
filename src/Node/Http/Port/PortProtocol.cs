using System.Buffers;
using System.Net;

namespace Conclave.Node.Http.Port;

/// <summary>What a cleartext connection speaks.</summary>
internal enum PortProtocol
{
    Http1,
    Http2,
}

/// <summary>One protocol's share of a port. Kestrel is given one of these for each protocol, and all of them stand for the same socket.</summary>
internal sealed class SharedPortEndPoint(SharedPort port, PortProtocol protocol) : EndPoint
{
    public SharedPort Port { get; } = port;

    public PortProtocol Protocol { get; } = protocol;

    public override string ToString() => $"{Port.EndPoint} ({Protocol})";
}

/// <summary>Tells the protocol from the first bytes of a connection.</summary>
internal static class ProtocolRecognition
{
    /// <summary>No HTTP/1 request can start like this; HTTP/2 with prior knowledge always does.</summary>
    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n"u8;

    /// <returns>Null while the bytes may still become either.</returns>
    public static PortProtocol? Recognise(in ReadOnlySequence<byte> firstBytes)
    {
        if (firstBytes.IsEmpty)
            return null;
        int have = (int)Math.Min(firstBytes.Length, Preface.Length);
        Span<byte> start = stackalloc byte[Preface.Length];
        firstBytes.Slice(0, have).CopyTo(start);
        if (!start[..have].SequenceEqual(Preface[..have]))
            return PortProtocol.Http1;
        return have == Preface.Length ? PortProtocol.Http2 : null;
    }
}
