using System.Buffers.Binary;
using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>Which segments make up the log, and from where on it counts. One sector.</summary>
//    0 magic u64        8 crc u32 (bytes 12..511)   12 format u16   14 zero
//   16 cluster u64     24 node u64                  32 incarnation, 16 bytes
//   48 sequence u64    56 crc of the previous content u32           60 membership bytes u32
//   64 oldest segment u64   72 newest segment u64   80 base: index u64, term u64   96 hard state: term u64, vote u64
//  112 lost end: index u64, term u64   128 boot u64   136 bootstrap membership   up to 511 zero   little-endian
// Format 1 had no lost end and no boot: its membership begins at 112. It is read as boot 0 and nothing lost, and the first update writes format 2.
internal sealed record SuperblockContent
{
    internal const int Bytes = 512, MembershipBytesMax = 376;
    private const int ChecksumOffset = 8, MembershipOffset = 136, MembershipOffsetOfFormat1 = 112;
    private const ulong Magic = 0x3130_4253_5743_4E43; // "CNCWSB01"
    private const ushort OldestFormat = 1, NewestFormat = 2;

    internal required StorageIdentity Identity { get; init; }

    /// <summary>Rises by one with every update.</summary>
    internal required ulong Sequence { get; init; }

    /// <summary>Checksum of the content before this one, 0 for the first.</summary>
    internal required uint ParentChecksum { get; init; }

    /// <summary>First segment that counts.</summary>
    internal required ulong OldestSegment { get; init; }

    /// <summary>Last segment known when this was written; 0 while the directory is being formatted. At most one newer may exist.</summary>
    internal required ulong NewestSegment { get; init; }

    /// <summary>The last entry that is covered by a snapshot and no longer part of the log.</summary>
    internal required EntryId Base { get; init; }

    /// <summary>
    /// The newest acknowledged term and vote: written after the batch that brought them and before anything that depends on them leaves. It is
    /// their second home, so that damage to the end of the log does not make a member forget its vote. In format 1 it may be older.
    /// </summary>
    internal required HardState HardState { get; init; }

    /// <summary>What this log had acknowledged before it was damaged and cut; zero once the log has reached it again.</summary>
    internal EntryId LostEnd { get; init; }

    /// <summary>How often the directory was opened.</summary>
    internal ulong Boot { get; init; }

    /// <summary>Format as read; what is written has the newest.</summary>
    internal bool IsOldFormat { get; private init; }

    internal required Membership Bootstrap { get; init; }

    /// <summary>Checksum as stored, once written or read.</summary>
    internal uint Checksum { get; private init; }

    internal SuperblockContent Write(Span<byte> sector)
    {
        sector[..Bytes].Clear();
        byte[] membership = Bootstrap.Encode();
        Invariant.Holds(membership.Length <= MembershipBytesMax, "The options were checked when the directory was formatted.");
        BinaryPrimitives.WriteUInt64LittleEndian(sector, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(sector[12..], NewestFormat);
        IdentityFormat.Write(sector[16..], Identity);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[48..], Sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[56..], ParentChecksum);
        BinaryPrimitives.WriteInt32LittleEndian(sector[60..], membership.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[64..], OldestSegment);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[72..], NewestSegment);
        StateFormat.Write(sector[80..], Base);
        StateFormat.Write(sector[96..], HardState);
        StateFormat.Write(sector[112..], LostEnd);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[128..], Boot);
        membership.CopyTo(sector[MembershipOffset..]);
        uint checksum = Crc32C.Of(sector[12..Bytes]);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[ChecksumOffset..], checksum);
        return this with { Checksum = checksum, IsOldFormat = false };
    }

    /// <summary>Total over any bytes.</summary>
    internal static HeaderCheck TryRead(ReadOnlySpan<byte> sector, out SuperblockContent? content, out string problem)
    {
        content = null;
        if (HeaderFormat.Check(sector[..Bytes], Magic, OldestFormat, NewestFormat, "superblock", out ushort format, out problem) is not HeaderCheck.Good and var check)
            return check;
        bool old = format == OldestFormat;
        int membershipOffset = old ? MembershipOffsetOfFormat1 : MembershipOffset;
        int membershipBytes = BinaryPrimitives.ReadInt32LittleEndian(sector[60..]);
        if (membershipBytes is < 0 or > MembershipBytesMax || !Membership.TryDecode(sector.Slice(membershipOffset, membershipBytes), out Membership? bootstrap))
        {
            problem = "The membership in the superblock cannot be read.";
            return HeaderCheck.Damaged;
        }
        content = new SuperblockContent
        {
            Identity = IdentityFormat.Read(sector[16..]),
            Sequence = BinaryPrimitives.ReadUInt64LittleEndian(sector[48..]),
            ParentChecksum = BinaryPrimitives.ReadUInt32LittleEndian(sector[56..]),
            OldestSegment = BinaryPrimitives.ReadUInt64LittleEndian(sector[64..]),
            NewestSegment = BinaryPrimitives.ReadUInt64LittleEndian(sector[72..]),
            Base = StateFormat.ReadEntryId(sector[80..]),
            HardState = StateFormat.ReadHardState(sector[96..]),
            LostEnd = old ? EntryId.Zero : StateFormat.ReadEntryId(sector[112..]),
            Boot = old ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(sector[128..]),
            IsOldFormat = old,
            Bootstrap = bootstrap,
            Checksum = BinaryPrimitives.ReadUInt32LittleEndian(sector[ChecksumOffset..]),
        };
        return HeaderCheck.Good;
    }
}
