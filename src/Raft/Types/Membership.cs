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

    private const byte Format = 1;

    public ImmutableArray<NodeId> Voters { get; init => field = Normalize(value); } = [];

    /// <summary>The voters of the configuration being left; empty unless a change is under way.</summary>
    public ImmutableArray<NodeId> VotersOutgoing { get; init => field = Normalize(value); } = [];

    /// <summary>Members that receive the log but neither vote nor count.</summary>
    public ImmutableArray<NodeId> Learners { get; init => field = Normalize(value); } = [];

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
        && Learners.AsSpan().SequenceEqual(other.Learners.AsSpan());

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (NodeId node in Voters) hash.Add(node);
        hash.Add(-1);
        foreach (NodeId node in VotersOutgoing) hash.Add(node);
        hash.Add(-1);
        foreach (NodeId node in Learners) hash.Add(node);
        return hash.ToHashCode();
    }

    //  | format u8 = 1 | voters u8 | outgoing u8 | learners u8 | ids u64 each, little-endian, in that order |
    public byte[] Encode()
    {
        byte[] bytes = new byte[4 + 8 * (Voters.Length + VotersOutgoing.Length + Learners.Length)];
        (bytes[0], bytes[1], bytes[2], bytes[3]) = (Format, (byte)Voters.Length, (byte)VotersOutgoing.Length, (byte)Learners.Length);
        int at = 4;
        foreach (NodeId node in Voters) WriteId(node);
        foreach (NodeId node in VotersOutgoing) WriteId(node);
        foreach (NodeId node in Learners) WriteId(node);
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
        if (bytes.Length < 4 || bytes[0] != Format) return false;
        int voters = bytes[1], outgoing = bytes[2], learners = bytes[3];
        if (bytes.Length != 4 + 8 * (voters + outgoing + learners)) return false;
        if (!TryReadList(bytes[4..], voters, out var voterIds)
            || !TryReadList(bytes[(4 + 8 * voters)..], outgoing, out var outgoingIds)
            || !TryReadList(bytes[(4 + 8 * (voters + outgoing))..], learners, out var learnerIds))
            return false;
        membership = new Membership { Voters = voterIds, VotersOutgoing = outgoingIds, Learners = learnerIds };
        return true;
    }

    private static bool TryReadList(ReadOnlySpan<byte> bytes, int count, out ImmutableArray<NodeId> ids)
    {
        ids = [];
        if (count > MembersMax) return false;
        var list = new NodeId[count];
        for (int i = 0; i < count; i++)
        {
            list[i] = new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(bytes[(8 * i)..]));
            if (list[i] == NodeId.None || (i > 0 && list[i - 1].Value >= list[i].Value)) return false;
        }
        ids = ImmutableArray.Create(list);
        return true;
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
