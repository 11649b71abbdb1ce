using System.Buffers;
using System.Buffers.Binary;

namespace Conclave.Wire.Grpc;

/// <summary>What <see cref="GrpcFrame.TryRead"/> found at the start of the bytes.</summary>
public enum GrpcReadStatus
{
    /// <summary>A whole message; the buffer now starts after it.</summary>
    Done,

    /// <summary>So far a correct prefix of a message. At the end of a body with bytes left over, the message was cut off.</summary>
    NeedMore,

    /// <summary>The prefix announces more bytes than the limit.</summary>
    TooLarge,

    /// <summary>The compressed flag is set; no compression is ever negotiated here.</summary>
    Compressed,

    /// <summary>The flag byte is neither 0 nor 1: this is not gRPC framing.</summary>
    Corrupt,
}

/// <summary>Length-prefixed messages, the same in both directions of a call.</summary>
/// <remarks><code>
/// | flag u8: 0 plain, 1 compressed | messageBytes u32 big-endian | message |
/// </code></remarks>
public static class GrpcFrame
{
    /// <summary>Bytes before each message.</summary>
    public const int PrefixBytes = 5;

    /// <summary>Largest message a server accepts by default, as etcd: 1.5 MiB of request and 512 KiB of room.</summary>
    public const int ReceiveBytesMaxDefault = 2_097_152;

    /// <summary>Writes the prefix of an uncompressed message of <paramref name="messageBytes"/> bytes.</summary>
    /// <param name="destination">At least <see cref="PrefixBytes"/> long.</param>
    /// <param name="messageBytes">0 or more.</param>
    public static void WritePrefix(Span<byte> destination, int messageBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(messageBytes);
        destination[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(destination[1..], (uint)messageBytes);
    }

    /// <summary>Writes one message with its prefix.</summary>
    public static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> message)
    {
        Span<byte> destination = output.GetSpan(PrefixBytes);
        WritePrefix(destination, message.Length);
        output.Advance(PrefixBytes);
        output.Write(message);
    }

    /// <summary>Takes the next message off the front of <paramref name="buffer"/>.</summary>
    /// <param name="buffer">Moves past the message on <see cref="GrpcReadStatus.Done"/> and stays as it is otherwise.</param>
    /// <param name="messageBytesMax">Messages longer than this are refused from their prefix alone.</param>
    /// <param name="message">A slice of the buffer, not a copy.</param>
    /// <param name="messageBytes">What the prefix announced; 0 while it is incomplete or wrong. For the text of a refusal.</param>
    public static GrpcReadStatus TryRead(
        ref ReadOnlySequence<byte> buffer, int messageBytesMax, out ReadOnlySequence<byte> message, out uint messageBytes)
    {
        message = default;
        GrpcReadStatus status = ReadPrefix(buffer, messageBytesMax, out messageBytes);
        if (status != GrpcReadStatus.Done)
            return status;
        if (buffer.Length - PrefixBytes < messageBytes)
            return GrpcReadStatus.NeedMore;

        message = buffer.Slice(PrefixBytes, messageBytes);
        buffer = buffer.Slice(message.End);
        return GrpcReadStatus.Done;
    }

    private static GrpcReadStatus ReadPrefix(in ReadOnlySequence<byte> buffer, int messageBytesMax, out uint messageBytes)
    {
        messageBytes = 0;
        Span<byte> copied = stackalloc byte[PrefixBytes];
        scoped ReadOnlySpan<byte> prefix = buffer.FirstSpan;
        if (prefix.Length < PrefixBytes)
        {
            int have = (int)Math.Min(buffer.Length, PrefixBytes);
            buffer.Slice(0, have).CopyTo(copied);
            prefix = copied[..have];
        }

        if (prefix.IsEmpty)
            return GrpcReadStatus.NeedMore;
        if (prefix[0] > 1)
            return GrpcReadStatus.Corrupt;
        if (prefix[0] == 1)
            return GrpcReadStatus.Compressed;
        if (prefix.Length < PrefixBytes)
            return GrpcReadStatus.NeedMore;
        messageBytes = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        return messageBytes > (uint)messageBytesMax ? GrpcReadStatus.TooLarge : GrpcReadStatus.Done;
    }
}
