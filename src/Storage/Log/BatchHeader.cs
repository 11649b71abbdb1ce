using System.Buffers.Binary;
using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>What stands at a place where a batch may begin.</summary>
internal enum BatchHeaderCheck
{
    Good,

    /// <summary>Never written, or not completely: zeros, or zeros where every batch has other bytes.</summary>
    Empty,

    /// <summary>Neither. No crash does this: the header lies within one sector, which the disk writes whole or not at all.</summary>
    Damaged,
}

/// <summary>First 64 bytes of a batch: all that one sync makes durable.</summary>
//    0 magic u32        4 chain u32 (seeded crc of bytes 8..63)   8 number u64
//   16 hard state: term u64, vote u64                            32 watermark u64
//   40 content bytes u32   44 records u32   48 crc of the record headers u32   52 chain of the previous batch u32
//   56 sparse sectors u32  60 flags u32                                               little-endian
internal readonly record struct BatchHeader
{
    internal const int Bytes = 64;
    internal const uint ClosedFlag = 1;
    private const uint Magic = 0x4254_4348; // "HCTB"

    /// <summary>Rises by one with every batch in the life of the directory.</summary>
    internal required ulong Number { get; init; }

    /// <summary>Term and vote from this batch on, written even when they did not change: the newest valid batch has the newest.</summary>
    internal required HardState HardState { get; init; }

    /// <summary>Last entry that was durable, in all likelihood acknowledged, before this batch was written.</summary>
    internal required LogIndex Watermark { get; init; }

    /// <summary>Header, records and trailer, without the zeros up to the end of the sector.</summary>
    internal required int ContentBytes { get; init; }

    internal required int Records { get; init; }

    internal required uint RecordsChecksum { get; init; }

    internal required uint PreviousChain { get; init; }

    /// <summary>Sectors after the first that hold at most one bit. A torn batch has more sectors of zeros than this, a damaged one has not.</summary>
    internal required int SparseSectors { get; init; }

    internal required uint Flags { get; init; }

    /// <summary>Writes the header; the result is its chain value, which covers everything in the batch and all batches before it.</summary>
    internal uint Write(Span<byte> target, uint seed)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, Magic);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], Number);
        StateFormat.Write(target[16..], HardState);
        BinaryPrimitives.WriteUInt64LittleEndian(target[32..], Watermark.Value);
        BinaryPrimitives.WriteInt32LittleEndian(target[40..], ContentBytes);
        BinaryPrimitives.WriteInt32LittleEndian(target[44..], Records);
        BinaryPrimitives.WriteUInt32LittleEndian(target[48..], RecordsChecksum);
        BinaryPrimitives.WriteUInt32LittleEndian(target[52..], PreviousChain);
        BinaryPrimitives.WriteInt32LittleEndian(target[56..], SparseSectors);
        BinaryPrimitives.WriteUInt32LittleEndian(target[60..], Flags);
        uint chain = Crc32C.Append(seed, target[8..Bytes]);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], chain);
        return chain;
    }

    /// <summary>
    /// Whether an <see cref="BatchHeaderCheck.Empty"/> sector can be what is left of this batch after its beginning was wiped. Garbage that happens to begin with
    /// a zero is not.
    /// </summary>
    internal static bool MayBeRemainsOf(ulong number, ReadOnlySpan<byte> sector) =>
        sector.IndexOfAnyExcept((byte)0) is < 1 or > 8 || BinaryPrimitives.ReadUInt64LittleEndian(sector[8..]) == number;

    /// <summary>Total over any bytes.</summary>
    internal static BatchHeaderCheck TryRead(ReadOnlySpan<byte> sector, uint seed, out BatchHeader header, out uint chain)
    {
        (header, chain) = (default, 0);
        if (sector.Length < Bytes + BatchTrailer.Bytes)
            return sector.ContainsAnyExcept((byte)0) ? BatchHeaderCheck.Damaged : BatchHeaderCheck.Empty;
        chain = BinaryPrimitives.ReadUInt32LittleEndian(sector[4..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(sector) != Magic || chain != Crc32C.Append(seed, sector[8..Bytes]))
        {
            // A process that is killed while it writes leaves a prefix, with zeros in the rest of the sector; one that is killed while it wipes
            // leaves a suffix. The first byte of a batch has two bits, and the eight after its header are magic numbers and checksums: no
            // single flipped bit turns either into zeros.
            bool incomplete = sector[0] == 0 || !sector[Bytes..].ContainsAnyExcept((byte)0);
            return incomplete ? BatchHeaderCheck.Empty : BatchHeaderCheck.Damaged;
        }
        header = new BatchHeader
        {
            Number = BinaryPrimitives.ReadUInt64LittleEndian(sector[8..]),
            HardState = StateFormat.ReadHardState(sector[16..]),
            Watermark = new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(sector[32..])),
            ContentBytes = BinaryPrimitives.ReadInt32LittleEndian(sector[40..]),
            Records = BinaryPrimitives.ReadInt32LittleEndian(sector[44..]),
            RecordsChecksum = BinaryPrimitives.ReadUInt32LittleEndian(sector[48..]),
            PreviousChain = BinaryPrimitives.ReadUInt32LittleEndian(sector[52..]),
            SparseSectors = BinaryPrimitives.ReadInt32LittleEndian(sector[56..]),
            Flags = BinaryPrimitives.ReadUInt32LittleEndian(sector[60..]),
        };
        return header.ContentBytes >= Bytes + BatchTrailer.Bytes && header.Records >= 0 && header.SparseSectors >= 0
            ? BatchHeaderCheck.Good : BatchHeaderCheck.Damaged;
    }
}

/// <summary>
/// Last 8 bytes of a batch: magic and the chain value again. They add nothing to the checksums; zeros in their place mean that the batch was
/// never written to its end, and anything else keeps the last sector from being mistaken for a lost one.
/// </summary>
internal static class BatchTrailer
{
    internal const int Bytes = 8;
    private const uint Magic = 0x4454_4348; // "HCTD"

    internal static void Write(Span<byte> target, uint chain)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], chain);
    }

    internal static bool IsMissing(ReadOnlySpan<byte> source) => BinaryPrimitives.ReadUInt64LittleEndian(source) == 0;
}
