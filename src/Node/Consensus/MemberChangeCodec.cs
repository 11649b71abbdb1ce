using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Conclave.Raft;

namespace Conclave.Node.Consensus;

/// <summary>How a change of the membership travels from the member that was asked to the leader. All numbers are little-endian.</summary>
/// <remarks>
/// <code>
///  | kind u8, plus 128 when it may have been tried before | node u64 | infos u8 | per info: id u64, length u16, bytes |
/// </code>
/// </remarks>
internal static class MemberChangeCodec
{
    private const byte AgainFlag = 128;

    public static (byte Tag, byte[] Body) Encode(MembershipChange change, bool again)
    {
        int length = 9;
        foreach (MemberInfo info in change.Infos) length += 10 + info.Bytes.Length;
        byte[] rest = new byte[length];
        BinaryPrimitives.WriteUInt64LittleEndian(rest, change.Node.Value);
        rest[8] = checked((byte)change.Infos.Length);
        int at = 9;
        foreach (MemberInfo info in change.Infos)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(rest.AsSpan(at), info.Node.Value);
            BinaryPrimitives.WriteUInt16LittleEndian(rest.AsSpan(at + 8), checked((ushort)info.Bytes.Length));
            info.Bytes.Span.CopyTo(rest.AsSpan(at + 10));
            at += 10 + info.Bytes.Length;
        }

        return ((byte)((byte)change.Kind | (again ? AgainFlag : 0)), rest);
    }

    /// <summary>Total: false for anything else than what <see cref="Encode"/> wrote.</summary>
    public static bool TryDecode(byte tag, ReadOnlySpan<byte> rest, [NotNullWhen(true)] out MembershipChange? change, out bool again)
    {
        (change, again) = (null, (tag & AgainFlag) != 0);
        var kind = (MembershipChangeKind)(tag & ~AgainFlag);
        if (kind > MembershipChangeKind.Describe || rest.Length < 9) return false;
        var node = new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(rest));
        int count = rest[8];
        rest = rest[9..];
        var infos = ImmutableArray.CreateBuilder<MemberInfo>();
        for (; count > 0; count--)
        {
            if (rest.Length < 10) return false;
            int length = BinaryPrimitives.ReadUInt16LittleEndian(rest[8..]);
            if (rest.Length < 10 + length) return false;
            infos.Add(new MemberInfo(new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(rest)), rest.Slice(10, length).ToArray()));
            rest = rest[(10 + length)..];
        }

        if (!rest.IsEmpty) return false;
        change = new MembershipChange(kind, node, infos.ToImmutable());
        return true;
    }
}
