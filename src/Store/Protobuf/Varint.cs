using System.Numerics;

namespace Conclave.Store.Protobuf;

/// <summary>Protobuf's variable-length integers, written to a span that is known to be long enough.</summary>
internal static class Varint
{
    public const int LongBytesMax = 10, IntBytesMax = 5;

    public static int Size(ulong value) => (BitOperations.Log2(value | 1) * 9 + 73) / 64;

    public static int Size(long value) => Size((ulong)value);

    /// <returns>The position behind the written bytes.</returns>
    public static int Write(Span<byte> destination, int position, ulong value)
    {
        while (value >= 0x80)
        {
            destination[position++] = (byte)(value | 0x80);
            value >>= 7;
        }

        destination[position++] = (byte)value;
        return position;
    }

    /// <summary>Tag (below 128), length, bytes.</summary>
    public static int WriteBytes(Span<byte> destination, int position, byte tag, ReadOnlySpan<byte> bytes)
    {
        destination[position++] = tag;
        position = Write(destination, position, (uint)bytes.Length);
        bytes.CopyTo(destination[position..]);
        return position + bytes.Length;
    }

    /// <summary>Tag (below 128), value.</summary>
    public static int WriteLong(Span<byte> destination, int position, byte tag, long value)
    {
        destination[position++] = tag;
        return Write(destination, position, (ulong)value);
    }

    /// <summary>Size of tag, length and content.</summary>
    public static int BytesFieldSize(int length) => 1 + Size((ulong)length) + length;
}
