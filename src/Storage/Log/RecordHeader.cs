using System.Buffers.Binary;
using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>First 32 bytes of a record: an entry, or the order to forget the entries from an index on.</summary>
/// <remarks>The header has a checksum of its own, so that a damaged payload still says which entry was lost.</remarks>
//   0 crc u32 (seeded, bytes 4..31)   4 crc of the payload u32   8 index u64   16 term u64
//  24 payload bytes u32   28 kind u8   29 zero, 3 bytes   32 payload, padded with zeros to a multiple of 8
internal readonly record struct RecordHeader
{
    internal const int Bytes = 32;
    internal const byte TruncateKind = 255;

    /// <summary>The <see cref="EntryKind"/>, or <see cref="TruncateKind"/>.</summary>
    internal required byte Kind { get; init; }

    internal required EntryId Id { get; init; }

    internal required int PayloadBytes { get; init; }

    internal required uint PayloadChecksum { get; init; }

    internal static long SizeOf(int payloadBytes) => Bytes + (((long)payloadBytes + 7) & ~7L);

    internal void Write(Span<byte> target, uint seed)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], PayloadChecksum);
        StateFormat.Write(target[8..], Id);
        BinaryPrimitives.WriteInt32LittleEndian(target[24..], PayloadBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(target[28..], Kind);
        BinaryPrimitives.WriteUInt32LittleEndian(target, Crc32C.Append(seed, target[4..Bytes]));
    }

    /// <summary>Total over any bytes.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> source, uint seed, out RecordHeader header)
    {
        header = default;
        if (source.Length < Bytes || BinaryPrimitives.ReadUInt32LittleEndian(source) != Crc32C.Append(seed, source[4..Bytes]))
            return false;
        header = new RecordHeader
        {
            PayloadChecksum = BinaryPrimitives.ReadUInt32LittleEndian(source[4..]),
            Id = StateFormat.ReadEntryId(source[8..]),
            PayloadBytes = BinaryPrimitives.ReadInt32LittleEndian(source[24..]),
            Kind = source[28],
        };
        return header.PayloadBytes >= 0 && (header.Kind is TruncateKind || header.Kind <= (byte)EntryKind.Membership);
    }
}
