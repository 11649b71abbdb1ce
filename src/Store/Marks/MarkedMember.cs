using System.Buffers.Binary;

namespace Conclave.Store;

/// <summary>What the leader says of a member when it makes a mark.</summary>
/// <param name="Id">Not 0.</param>
/// <param name="IsVoter">Not a learner.</param>
/// <param name="Acknowledged">The highest log index that the leader knows the member to hold durably.</param>
public readonly record struct MarkedMember(ulong Id, bool IsVoter, ulong Acknowledged);

/// <summary>The bodies of marks and reports.</summary>
/// <remarks>
/// <code>
/// mark:    | number u64 | hash scheme u16 | member ( id u64 | is voter u8 | acknowledged u64 )*, by id |     little-endian
/// report:  | index of the mark u64 | member u64 | hash u64 |
/// </code>
/// </remarks>
internal static class MarkBody
{
    public const int MembersMax = 1024, HeadBytes = 10, MemberBytes = 17, ReportBytes = 24;

    public static byte[] Mark(ulong number, ushort scheme, ReadOnlySpan<MarkedMember> members)
    {
        MarkedMember[] sorted = [.. members];
        Array.Sort(sorted, (x, y) => x.Id.CompareTo(y.Id));
        byte[] body = new byte[HeadBytes + MemberBytes * sorted.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(body, number);
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(8), scheme);
        Span<byte> at = body.AsSpan(HeadBytes);
        foreach (MarkedMember member in sorted)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(at, member.Id);
            at[8] = member.IsVoter ? (byte)1 : (byte)0;
            BinaryPrimitives.WriteUInt64LittleEndian(at[9..], member.Acknowledged);
            at = at[MemberBytes..];
        }

        return body;
    }

    /// <returns>False when the bytes are no mark: cut short, out of order, too many members or none that votes.</returns>
    public static bool TryParseMark(ReadOnlySpan<byte> body, out ulong number, out ushort scheme, List<MarkedMember> members)
    {
        (number, scheme) = (0, 0);
        if (body.Length < HeadBytes || (body.Length - HeadBytes) % MemberBytes != 0 || (body.Length - HeadBytes) / MemberBytes > MembersMax)
            return false;
        number = BinaryPrimitives.ReadUInt64LittleEndian(body);
        scheme = BinaryPrimitives.ReadUInt16LittleEndian(body[8..]);
        bool anyVoter = false;
        ulong previous = 0;
        for (ReadOnlySpan<byte> rest = body[HeadBytes..]; !rest.IsEmpty; rest = rest[MemberBytes..])
        {
            var member = new MarkedMember(BinaryPrimitives.ReadUInt64LittleEndian(rest), rest[8] == 1, BinaryPrimitives.ReadUInt64LittleEndian(rest[9..]));
            if (member.Id <= previous || rest[8] > 1)
                return false;
            previous = member.Id;
            anyVoter |= member.IsVoter;
            members.Add(member);
        }

        return anyVoter;
    }

    public static byte[] Report(ulong markIndex, ulong member, ulong hash)
    {
        byte[] body = new byte[ReportBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(body, markIndex);
        BinaryPrimitives.WriteUInt64LittleEndian(body.AsSpan(8), member);
        BinaryPrimitives.WriteUInt64LittleEndian(body.AsSpan(16), hash);
        return body;
    }

    public static bool TryParseReport(ReadOnlySpan<byte> body, out ulong markIndex, out ulong member, out ulong hash)
    {
        (markIndex, member, hash) = (0, 0, 0);
        if (body.Length != ReportBytes)
            return false;
        markIndex = BinaryPrimitives.ReadUInt64LittleEndian(body);
        member = BinaryPrimitives.ReadUInt64LittleEndian(body[8..]);
        hash = BinaryPrimitives.ReadUInt64LittleEndian(body[16..]);
        return true;
    }
}
