using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Conclave.Raft;

/// <summary>Who takes part. Each list is sorted and free of duplicates.</summary>
/// <remarks>
/// With <see cref="VotersOutgoing"/> not empty the configuration is joint: elections and commits need a majority of both lists.
/// </remarks>
public sealed record Membership
{
    /// <summary>Upper bound for each list; votes are counted in 64-bit sets.</summary>
    public const int MembersMax = 64;

    /// <summary>Upper bound for <see cref="Encode"/>: a snapshot's manifest has that much room.</summary>
    public const int EncodedBytesMax = 3_900;

    private const byte FormatPlain = 1, FormatFull = 2;

    public ImmutableArray<NodeId> Voters { get; init => field = Normalize(value); } = [];

    /// <summary>The voters of the configuration being left; empty unless a change is under way.</summary>
    public ImmutableArray<NodeId> VotersOutgoing { get; init => field = Normalize(value); } = [];

    /// <summary>Members that receive the log but neither vote nor count.</summary>
    public ImmutableArray<NodeId> Learners { get; init => field = Normalize(value); } = [];

    /// <summary>Learners that become voters by themselves once they have caught up.</summary>
    public ImmutableArray<NodeId> Joining { get; init => field = Normalize(value); } = [];

    /// <summary>What is known of members; at most one each, in ascending order. A member without one is known by other means.</summary>
    public ImmutableArray<MemberInfo> Infos { get; init => field = NormalizeInfos(value); } = [];

    public bool IsJoint => VotersOutgoing.Length > 0;

    /// <exception cref="ArgumentException">A list is longer than <see cref="MembersMax"/>, or an id is None or appears twice.</exception>
    public static Membership Of(params ReadOnlySpan<NodeId> voters) => new() { Voters = [.. voters] };

    public bool IsVoter(NodeId node) => Contains(Voters, node) || Contains(VotersOutgoing, node);

    public bool Includes(NodeId node) => IsVoter(node) || Contains(Learners, node);

    /// <summary>Everybody, each once, in ascending order.</summary>
    public ImmutableArray<NodeId> Members()
    {
        var all = new SortedSet<NodeId>();
        foreach (NodeId node in Voters) all.Add(node);
        foreach (NodeId node in VotersOutgoing) all.Add(node);
        foreach (NodeId node in Learners) all.Add(node);
        return [.. all];
    }

    public bool Equals(Membership? other) => other is not null
        && Voters.AsSpan().SequenceEqual(other.Voters.AsSpan())
        && VotersOutgoing.AsSpan().SequenceEqual(other.VotersOutgoing.AsSpan())
        && Learners.AsSpan().SequenceEqual(other.Learners.AsSpan())
        && Joining.AsSpan().SequenceEqual(other.Joining.AsSpan())
        && Infos.AsSpan().SequenceEqual(other.Infos.AsSpan());

    /// <summary>Description of a member; empty when there is none.</summary>
    public ReadOnlyMemory<byte> InfoOf(NodeId node)
    {
        foreach (MemberInfo info in Infos)
            if (info.Node == node) return info.Bytes;
        return default;
    }

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (NodeId node in Voters) hash.Add(node);
        hash.Add(-1);
        foreach (NodeId node in VotersOutgoing) hash.Add(node);
        hash.Add(-1);
        foreach (NodeId node in Learners) hash.Add(node);
        hash.Add(-1);
        foreach (NodeId node in Joining) hash.Add(node);
        foreach (MemberInfo info in Infos) hash.Add(info);
        return hash.ToHashCode();
    }

    //  | format u8 = 1 | voters u8 | outgoing u8 | learners u8 | ids u64 each, in that order |    little-endian
    //  format 2 goes on: | joining u8 | infos u8 | ids of joining u64 each | per info: id u64, length u16, bytes |
    public byte[] Encode()
    {
        bool full = Joining.Length > 0 || Infos.Length > 0;
        int length = 4 + 8 * (Voters.Length + VotersOutgoing.Length + Learners.Length);
        if (full)
        {
            length += 2 + 8 * Joining.Length;
            foreach (MemberInfo info in Infos) length += 10 + info.Bytes.Length;
        }
        byte[] bytes = new byte[length];
        (bytes[0], bytes[1], bytes[2], bytes[3]) = (full ? FormatFull : FormatPlain, (byte)Voters.Length, (byte)VotersOutgoing.Length, (byte)Learners.Length);
        int at = 4;
        foreach (NodeId node in Voters) WriteId(node);
        foreach (NodeId node in VotersOutgoing) WriteId(node);
        foreach (NodeId node in Learners) WriteId(node);
        if (!full) return bytes;

        (bytes[at], bytes[at + 1]) = ((byte)Joining.Length, (byte)Infos.Length);
        at += 2;
        foreach (NodeId node in Joining) WriteId(node);
        foreach (MemberInfo info in Infos)
        {
            WriteId(info.Node);
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(at), (ushort)info.Bytes.Length);
            info.Bytes.Span.CopyTo(bytes.AsSpan(at + 2));
            at += 2 + info.Bytes.Length;
        }
        return bytes;

        void WriteId(NodeId node)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), node.Value);
            at += 8;
        }
    }

    /// <summary>Reads what <see cref="Encode"/> wrote. Total: false for anything else, and never an exception.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Membership? membership)
    {
        membership = null;
        if (bytes.Length < 4 || bytes[0] is not (FormatPlain or FormatFull)) return false;
        bool full = bytes[0] == FormatFull;
        int voters = bytes[1], outgoing = bytes[2], learners = bytes[3];
        ReadOnlySpan<byte> rest = bytes[4..];
        if (!TryReadList(ref rest, voters, out var voterIds)
            || !TryReadList(ref rest, outgoing, out var outgoingIds)
            || !TryReadList(ref rest, learners, out var learnerIds))
            return false;
        ImmutableArray<NodeId> joiningIds = [];
        ImmutableArray<MemberInfo> infos = [];
        if (full)
        {
            if (rest.Length < 2) return false;
            int joining = rest[0], described = rest[1];
            rest = rest[2..];
            if (!TryReadList(ref rest, joining, out joiningIds) || !TryReadInfos(ref rest, described, out infos)) return false;
            if (joining == 0 && described == 0) return false; // has one form only
        }
        if (!rest.IsEmpty) return false;
        membership = new Membership { Voters = voterIds, VotersOutgoing = outgoingIds, Learners = learnerIds, Joining = joiningIds, Infos = infos };
        return true;
    }

    private static bool TryReadList(ref ReadOnlySpan<byte> bytes, int count, out ImmutableArray<NodeId> ids)
    {
        ids = [];
        if (count > MembersMax || bytes.Length < 8 * count) return false;
        var list = new NodeId[count];
        for (int i = 0; i < count; i++)
        {
            list[i] = new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(bytes[(8 * i)..]));
            if (list[i] == NodeId.None || (i > 0 && list[i - 1].Value >= list[i].Value)) return false;
        }
        bytes = bytes[(8 * count)..];
        ids = ImmutableArray.Create(list);
        return true;
    }

    private static bool TryReadInfos(ref ReadOnlySpan<byte> bytes, int count, out ImmutableArray<MemberInfo> infos)
    {
        infos = [];
        if (count > MembersMax) return false;
        var list = new MemberInfo[count];
        for (int i = 0; i < count; i++)
        {
            if (bytes.Length < 10) return false;
            var node = new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            int length = BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]);
            if (bytes.Length < 10 + length || node == NodeId.None || (i > 0 && list[i - 1].Node.Value >= node.Value)) return false;
            list[i] = new MemberInfo(node, bytes.Slice(10, length).ToArray());
            bytes = bytes[(10 + length)..];
        }
        infos = ImmutableArray.Create(list);
        return true;
    }

    private static ImmutableArray<MemberInfo> NormalizeInfos(ImmutableArray<MemberInfo> infos)
    {
        if (infos.IsDefaultOrEmpty) return [];
        if (infos.Length > MembersMax) throw new ArgumentException($"{infos.Length} descriptions; the limit is {MembersMax}.");
        ImmutableArray<MemberInfo> sorted = infos.Sort(static (a, b) => a.Node.CompareTo(b.Node));
        for (int i = 0; i < sorted.Length; i++)
        {
            if (sorted[i].Node == NodeId.None) throw new ArgumentException("Id 0 stands for nobody and cannot be described.");
            if (sorted[i].Bytes.Length > ushort.MaxValue) throw new ArgumentException($"The description of {sorted[i].Node} has {sorted[i].Bytes.Length} bytes; the limit is {ushort.MaxValue}.");
            if (i > 0 && sorted[i].Node == sorted[i - 1].Node) throw new ArgumentException($"Member {sorted[i].Node} is described twice.");
        }
        return sorted;
    }

    private static ImmutableArray<NodeId> Normalize(ImmutableArray<NodeId> ids)
    {
        if (ids.IsDefaultOrEmpty) return [];
        if (ids.Length > MembersMax) throw new ArgumentException($"{ids.Length} members in one list; the limit is {MembersMax}.");
        ImmutableArray<NodeId> sorted = ids.Sort();
        for (int i = 0; i < sorted.Length; i++)
        {
            if (sorted[i] == NodeId.None) throw new ArgumentException("Id 0 stands for nobody and cannot be a member.");
            if (i > 0 && sorted[i] == sorted[i - 1]) throw new ArgumentException($"Member {sorted[i]} is listed twice.");
        }
        return sorted;
    }

    private static bool Contains(ImmutableArray<NodeId> sorted, NodeId node)
    {
        foreach (NodeId member in sorted)
            if (member == node) return true;
        return false;
    }
}
