using System.Buffers.Binary;
using System.Numerics;

namespace Conclave.Storage;

/// <summary>CRC-32C (Castagnoli). Finds every flipped bit, every two in a record of ours, and every burst of up to 32 bits.</summary>
public static class Crc32C
{
    /// <summary>Checksum of the bytes; <c>E3069283</c> for "123456789".</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>Goes on from the checksum of what came before: <c>Append(Of(a), b) == Of(a + b)</c>.</summary>
    public static uint Append(uint checksum, ReadOnlySpan<byte> bytes)
    {
        uint state = ~checksum;
        while (bytes.Length >= sizeof(ulong))
        {
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }
        foreach (byte rest in bytes)
            state = BitOperations.Crc32C(state, rest);
        return ~state;
    }
}
