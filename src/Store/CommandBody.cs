using System.Buffers.Binary;
using Conclave.Store.Protobuf;
using Conclave.Store.Requests;

namespace Conclave.Store;

/// <summary>Bodies of the commands that the server itself proposes.</summary>
public static class CommandBody
{
    /// <summary>A field that etcd's lease messages do not have. Versions that do not know it pass over it.</summary>
    internal const int IncarnationTag = 15 << 3;

    /// <param name="id">The final id, not 0.</param>
    /// <param name="ttlSeconds">The TTL that is really granted.</param>
    /// <param name="incarnation">A random number, see <see cref="LeaseState"/>; 0 for none.</param>
    public static byte[] LeaseGrant(long id, long ttlSeconds, ulong incarnation = 0)
    {
        Span<byte> bytes = stackalloc byte[3 * (1 + Varint.LongBytesMax)];
        int at = Varint.WriteLong(bytes, 0, 1 << 3, ttlSeconds);
        at = Varint.WriteLong(bytes, at, 2 << 3, id);
        if (incarnation != 0) at = Varint.WriteLong(bytes, at, IncarnationTag, (long)incarnation);
        return bytes[..at].ToArray();
    }

    /// <summary>Ends a lease. With an incarnation only that one: what was granted anew under its id since stays.</summary>
    /// <param name="id">The lease.</param>
    /// <param name="incarnation">See <see cref="LeaseState"/>; 0 means whichever lease there is.</param>
    public static byte[] LeaseRevoke(long id, ulong incarnation = 0)
    {
        Span<byte> bytes = stackalloc byte[2 * (1 + Varint.LongBytesMax)];
        int at = Varint.WriteLong(bytes, 0, 1 << 3, id);
        if (incarnation != 0) at = Varint.WriteLong(bytes, at, IncarnationTag, (long)incarnation);
        return bytes[..at].ToArray();
    }

    public static byte[] Compact(long revision) => OneNumber(revision);

    public static byte[] Alarm(bool activate, ulong memberId, AlarmKind alarm)
    {
        Span<byte> bytes = stackalloc byte[3 * (1 + Varint.LongBytesMax)];
        int at = Varint.WriteLong(bytes, 0, 1 << 3, (long)(activate ? AlarmAction.Activate : AlarmAction.Deactivate));
        at = Varint.WriteLong(bytes, at, 2 << 3, (long)memberId);
        at = Varint.WriteLong(bytes, at, 3 << 3, (long)alarm);
        return bytes[..at].ToArray();
    }

    /// <param name="memberId">Whose attributes.</param>
    /// <param name="attributes">Opaque here; replaces what was kept for the member. Empty forgets the member.</param>
    public static byte[] MemberAttributes(ulong memberId, ReadOnlySpan<byte> attributes)
    {
        byte[] body = new byte[sizeof(ulong) + attributes.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(body, memberId);
        attributes.CopyTo(body.AsSpan(sizeof(ulong)));
        return body;
    }

    /// <summary>Fixes the point at which all members hash their state: just behind the entry with this body.</summary>
    /// <param name="number">For people; the log index tells marks apart.</param>
    /// <param name="members">All members of the cluster, learners too, in any order; at least one votes. Not while a change of members is under way.</param>
    public static byte[] StateMark(ulong number, ReadOnlySpan<MarkedMember> members) => MarkBody.Mark(number, StoreView.StateHashScheme, members);

    /// <param name="markIndex">Log index of the mark, see <see cref="ClusterMarks.Index"/>.</param>
    /// <param name="memberId">Who reports.</param>
    /// <param name="hash">Its <see cref="StoreView.StateHash"/> just behind the mark.</param>
    public static byte[] StateReport(ulong markIndex, ulong memberId, ulong hash) => MarkBody.Report(markIndex, memberId, hash);

    /// <param name="tokenKey">Random bytes, at least <see cref="AuthState.TokenKeyBytesMin"/>.</param>
    public static byte[] AuthEnable(ReadOnlySpan<byte> tokenKey)
    {
        byte[] body = new byte[1 + Varint.IntBytesMax + tokenKey.Length];
        return body[..Varint.WriteBytes(body, 0, 1 << 3 | 2, tokenKey)];
    }

    private static byte[] OneNumber(long value)
    {
        Span<byte> bytes = stackalloc byte[1 + Varint.LongBytesMax];
        return bytes[..Varint.WriteLong(bytes, 0, 1 << 3, value)].ToArray();
    }
}
