using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>What a snapshot file is: the first page of the file, and what a sender offers to a receiver.</summary>
//    0 magic u64         8 crc u32 (bytes 12..4095)   12 format u16   14 zero
//   16 cluster u64      24 last entry: index u64, term u64
//   40 content bytes u64   48 content hash u64   56 chunk bytes u32   60 membership bytes u32
//   64 membership      up to 4095 zero                                          little-endian
public sealed record SnapshotManifest
{
    /// <summary>Length of the encoded form.</summary>
    public const int Bytes = 4096;

    internal const int DefaultChunkBytes = 64 << 10;
    private const int ChunkBytesMax = 1 << 20, MembershipOffset = 64;
    private const ulong Magic = 0x3130_4E53_5743_4E43; // "CNCWSN01"
    private const ushort Format = 1;

    /// <summary>The cluster whose state it is; 0 when unknown.</summary>
    public required ulong ClusterId { get; init; }

    public required SnapshotId Id { get; init; }

    /// <summary>Length of what was written into the snapshot.</summary>
    public required long ContentBytes { get; init; }

    /// <summary>Equal contents have equal hashes, on every node. Finds accidents; it is not made to withstand an attacker.</summary>
    public required ulong ContentHash { get; init; }

    /// <summary>Content is divided into chunks of this length; only the last is shorter.</summary>
    public required int ChunkBytes { get; init; }

    /// <summary>Length of the file after this page: the chunks with their checksums. Offsets of a transfer count from there.</summary>
    public long BodyBytes => ContentBytes + Chunks * SnapshotChunk.HeaderBytes;

    internal long Chunks => (ContentBytes + ChunkBytes - 1) / ChunkBytes;

    /// <summary>The encoded form, <see cref="Bytes"/> long.</summary>
    public byte[] Encode()
    {
        byte[] page = new byte[Bytes];
        byte[] membership = Id.Membership.Encode();
        BinaryPrimitives.WriteUInt64LittleEndian(page, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(12), Format);
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(16), ClusterId);
        StateFormat.Write(page.AsSpan(24), Id.Last);
        BinaryPrimitives.WriteInt64LittleEndian(page.AsSpan(40), ContentBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(48), ContentHash);
        BinaryPrimitives.WriteInt32LittleEndian(page.AsSpan(56), ChunkBytes);
        BinaryPrimitives.WriteInt32LittleEndian(page.AsSpan(60), membership.Length);
        membership.CopyTo(page, MembershipOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(8), Crc32C.Of(page.AsSpan(12)));
        return page;
    }

    /// <summary>Reads what <see cref="Encode"/> wrote. Total: false for anything else, and never an exception.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> page, [NotNullWhen(true)] out SnapshotManifest? manifest) =>
        TryDecode(page, out manifest, out _) == HeaderCheck.Good;

    internal static HeaderCheck TryDecode(ReadOnlySpan<byte> page, out SnapshotManifest? manifest, out string problem)
    {
        manifest = null;
        if (page.Length != Bytes)
        {
            problem = $"The file ends inside the manifest, after {page.Length} of {Bytes} bytes.";
            return HeaderCheck.Damaged;
        }
        if (HeaderFormat.Check(page, Magic, Format, "manifest", out problem) is not HeaderCheck.Good and var check)
            return check;
        long contentBytes = BinaryPrimitives.ReadInt64LittleEndian(page[40..]);
        int chunkBytes = BinaryPrimitives.ReadInt32LittleEndian(page[56..]), membershipBytes = BinaryPrimitives.ReadInt32LittleEndian(page[60..]);
        // Each byte of content may be a chunk of its own, with a header of eight: room for that keeps the arithmetic on lengths from overflowing.
        if (contentBytes is < 0 or > long.MaxValue / 16 || chunkBytes is < 1 or > ChunkBytesMax || membershipBytes is < 0 or > Bytes - MembershipOffset
            || !Membership.TryDecode(page.Slice(MembershipOffset, membershipBytes), out Membership? membership))
        {
            problem = "The manifest contains impossible values.";
            return HeaderCheck.Damaged;
        }
        manifest = new SnapshotManifest
        {
            ClusterId = BinaryPrimitives.ReadUInt64LittleEndian(page[16..]),
            Id = new SnapshotId(StateFormat.ReadEntryId(page[24..]), membership),
            ContentBytes = contentBytes,
            ContentHash = BinaryPrimitives.ReadUInt64LittleEndian(page[48..]),
            ChunkBytes = chunkBytes,
        };
        return HeaderCheck.Good;
    }
}
