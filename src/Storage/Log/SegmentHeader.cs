using System.Buffers.Binary;
using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>The first sector of a segment: whose it is, what came before it, and the state it starts from.</summary>
//    0 magic u64        8 crc u32 (bytes 12..511)   12 format u16   14 flags u16
//   16 cluster u64     24 node u64                  32 incarnation, 16 bytes
//   48 sequence u64    56 segment bytes u64         64 alignment u32   68 chain of the previous batch u32
//   72 number of the previous batch u64             80 previous entry: index u64, term u64
//   96 hard state: term u64, vote u64              112..511 zero                                    little-endian
internal readonly record struct SegmentHeader
{
    /// <summary>The header is one sector, which a disk writes whole or not at all; batches begin at the next page.</summary>
    internal const int Bytes = 512, ContentOffset = 4096;

    internal const ulong Magic = 0x3130_4C41_5743_4E43; // "CNCWAL01"
    internal const ushort Format = 1;
    private const ushort ResetFlag = 1;

    internal required StorageIdentity Identity { get; init; }

    /// <summary>Number of the segment in the life of the directory, from 1; never used twice, so a recycled file is never mistaken for its earlier self.</summary>
    internal required ulong Sequence { get; init; }

    internal required long SegmentBytes { get; init; }

    internal required int Alignment { get; init; }

    /// <summary>The last batch before this segment: number and chain value.</summary>
    internal required ulong PreviousBatch { get; init; }

    internal required uint PreviousChain { get; init; }

    /// <summary>The last entry of the log when the segment began.</summary>
    internal required EntryId PreviousEntry { get; init; }

    internal required HardState HardState { get; init; }

    /// <summary>The segment starts a new log on top of an installed snapshot; without a superblock that says so too, it does not count.</summary>
    internal required bool IsReset { get; init; }

    /// <summary>A deliberate mistake: see <see cref="StorageFaults.RecycleUnclean"/>. Never written.</summary>
    internal bool IsUnseeded { get; init; }

    /// <summary>First value of every checksum in the segment: a batch from another segment, another disk or an earlier life never checks out.</summary>
    internal uint Seed => IsUnseeded ? 0 : SeedOf(Identity, Sequence);

    internal static uint SeedOf(StorageIdentity identity, ulong sequence)
    {
        Span<byte> bytes = stackalloc byte[24];
        identity.Incarnation.TryWriteBytes(bytes);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], sequence);
        return Crc32C.Of(bytes);
    }

    internal void Write(Span<byte> sector)
    {
        sector[..Bytes].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(sector, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(sector[12..], Format);
        BinaryPrimitives.WriteUInt16LittleEndian(sector[14..], IsReset ? ResetFlag : (ushort)0);
        IdentityFormat.Write(sector[16..], Identity);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[48..], Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(sector[56..], SegmentBytes);
        BinaryPrimitives.WriteInt32LittleEndian(sector[64..], Alignment);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[68..], PreviousChain);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[72..], PreviousBatch);
        StateFormat.Write(sector[80..], PreviousEntry);
        StateFormat.Write(sector[96..], HardState);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[8..], Crc32C.Of(sector[12..Bytes]));
    }

    /// <summary>Total over any bytes. Says what is wrong when it is not <see cref="HeaderCheck.Good"/>.</summary>
    internal static HeaderCheck TryRead(ReadOnlySpan<byte> sector, out SegmentHeader header, out string problem)
    {
        header = default;
        if (sector.Length < Bytes)
        {
            problem = $"The file ends inside the segment header, after {sector.Length} of {Bytes} bytes.";
            return HeaderCheck.Damaged;
        }
        if (HeaderFormat.Check(sector[..Bytes], Magic, Format, "segment header", out problem) is not HeaderCheck.Good and var check)
            return check;
        header = new SegmentHeader
        {
            Identity = IdentityFormat.Read(sector[16..]),
            Sequence = BinaryPrimitives.ReadUInt64LittleEndian(sector[48..]),
            SegmentBytes = BinaryPrimitives.ReadInt64LittleEndian(sector[56..]),
            Alignment = BinaryPrimitives.ReadInt32LittleEndian(sector[64..]),
            PreviousChain = BinaryPrimitives.ReadUInt32LittleEndian(sector[68..]),
            PreviousBatch = BinaryPrimitives.ReadUInt64LittleEndian(sector[72..]),
            PreviousEntry = StateFormat.ReadEntryId(sector[80..]),
            HardState = StateFormat.ReadHardState(sector[96..]),
            IsReset = (BinaryPrimitives.ReadUInt16LittleEndian(sector[14..]) & ResetFlag) != 0,
        };
        if (header.Alignment is not (512 or 4096) || header.SegmentBytes < ContentOffset)
        {
            problem = $"The segment header has impossible sizes: {header.SegmentBytes} bytes, alignment {header.Alignment}.";
            return HeaderCheck.Damaged;
        }
        return HeaderCheck.Good;
    }
}
