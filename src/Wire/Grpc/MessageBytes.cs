using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Conclave.Wire.Grpc;

/// <summary>Bytes that are no message of the type asked for.</summary>
public sealed class UnreadableMessageException(string why, Exception? cause = null) : Exception(why, cause);

/// <summary>Reads messages that others sent with the protobuf library, whatever the bytes are.</summary>
/// <remarks>
/// The library (3.25.1) adds a length to its place without looking for an overflow. After a length of nearly 2^31 it believes that there are as many bytes as the next
/// field claims, and makes room for them: up to 2 GiB for a message of twenty bytes. So lengths are looked at before it sees them.
/// </remarks>
public static class MessageBytes
{
    /// <summary>As deep as the library goes.</summary>
    private const int DepthMax = 100;

    /// <exception cref="UnreadableMessageException">It is none.</exception>
    public static T Parse<T>(MessageParser<T> parser, ReadOnlySpan<byte> bytes) where T : IMessage<T>
    {
        MessageDescriptor descriptor = Of<T>.Descriptor ??= parser.ParseFrom(ReadOnlySpan<byte>.Empty).Descriptor;
        if (!AreSound(bytes, descriptor)) throw new UnreadableMessageException("a length in the message goes beyond its end");
        try
        {
            return parser.ParseFrom(bytes);
        }
        catch (Exception e) when (UnreadableMessage.Is(e))
        {
            throw new UnreadableMessageException(e.Message, e);
        }
    }

    /// <summary>Whether every part lies within the message that it is a part of. Never false for a message that can be read.</summary>
    public static bool AreSound(ReadOnlySpan<byte> bytes, MessageDescriptor descriptor) => AreSound(bytes, descriptor, DepthMax);

    private static bool AreSound(ReadOnlySpan<byte> bytes, MessageDescriptor descriptor, int depth)
    {
        int groups = 0;
        while (!bytes.IsEmpty)
        {
            if (!TryVarint(ref bytes, out uint tag)) return true;   // the library says so itself, here and wherever else the bytes end early
            switch (tag & 7)
            {
                case 0:
                    if (!TryVarint(ref bytes, out _)) return true;
                    break;
                case 1 or 5:
                    int width = (tag & 7) == 1 ? 8 : 4;
                    if (bytes.Length < width) return true;
                    bytes = bytes[width..];
                    break;
                case 2:
                    if (!TryVarint(ref bytes, out uint length)) return true;
                    if (length > (uint)bytes.Length) return false;
                    FieldDescriptor? field = groups == 0 ? descriptor.FindFieldByNumber((int)(tag >> 3)) : null;
                    if (field is { FieldType: FieldType.Message } && (depth == 0 || !AreSound(bytes[..(int)length], field.MessageType, depth - 1))) return false;
                    bytes = bytes[(int)length..];
                    break;
                case 3 or 4:
                    groups += (tag & 7) == 3 ? 1 : -1;   // nobody has used groups for long: what is in one is unknown
                    if (groups < 0) return true;
                    break;
                default:
                    return true;
            }
        }

        return true;
    }

    /// <summary>The lower 32 bits, as the library takes them for tags and lengths.</summary>
    private static bool TryVarint(ref ReadOnlySpan<byte> bytes, out uint value)
    {
        value = 0;
        for (int i = 0; i < 10; i++)
        {
            if (i == bytes.Length) return false;
            if (i < 5) value |= (uint)(bytes[i] & 0x7f) << (7 * i);
            if (bytes[i] >= 0x80) continue;
            bytes = bytes[(i + 1)..];
            return true;
        }

        return false;
    }

    private static class Of<T>
    {
        public static MessageDescriptor? Descriptor { get; set; }
    }
}
