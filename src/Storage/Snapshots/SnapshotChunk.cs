using System.Buffers.Binary;
using System.Numerics;
using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>A piece of a snapshot's content with its checksum.</summary>
//   0 crc u32 (seeded, bytes 4 to the end)   4 content bytes u32   8 content
internal static class SnapshotChunk
{
    internal const int HeaderBytes = 8;

    /// <summary>Writes the header before content that is already in its place.</summary>
    internal static void Seal(Span<byte> chunk, EntryId last, long number)
    {
        BinaryPrimitives.WriteInt32LittleEndian(chunk[4..], chunk.Length - HeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk, Crc32C.Append(Seed(last, number), chunk[4..]));
    }

    internal static bool IsGood(ReadOnlySpan<byte> chunk, EntryId last, long number) =>
        BinaryPrimitives.ReadInt32LittleEndian(chunk[4..]) == chunk.Length - HeaderBytes
        && BinaryPrimitives.ReadUInt32LittleEndian(chunk) == Crc32C.Append(Seed(last, number), chunk[4..]);

    /// <summary>Goes on with the hash of a content; chunks but the last are whole numbers of words, so it does not depend on how the content was written.</summary>
    internal static ulong Hash(ulong hash, ReadOnlySpan<byte> content)
    {
        const ulong Prime = 0x9E3779B97F4A7C15;
        while (content.Length >= sizeof(ulong))
        {
            hash = (BitOperations.RotateLeft(hash, 23) ^ BinaryPrimitives.ReadUInt64LittleEndian(content)) * Prime;
            content = content[sizeof(ulong)..];
        }
        foreach (byte rest in content)
            hash = (BitOperations.RotateLeft(hash, 23) ^ rest) * Prime;
        return hash;
    }

    // A chunk in another place, or of another snapshot, does not check out.
    private static uint Seed(EntryId last, long number)
    {
        Span<byte> bytes = stackalloc byte[24];
        StateFormat.Write(bytes, last);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], number);
        return Crc32C.Of(bytes);
    }
}
