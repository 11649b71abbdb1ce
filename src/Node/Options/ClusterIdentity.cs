using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Conclave.Raft;

namespace Conclave.Node.Options;

/// <summary>Which cluster this is, and who in it. At the birth of a cluster the ids follow from the flags: every member computes the same ones.</summary>
/// <param name="ClusterId">Never 0.</param>
/// <param name="Self">This member.</param>
/// <param name="Members">Members in id order, as the flags or the cluster named them at the start. The membership in force decides who they are; this fills in what it does not say.</param>
public sealed record ClusterIdentity(ulong ClusterId, NodeId Self, ImmutableArray<ClusterMember> Members)
{
    public static ClusterIdentity From(NodeOptions options)
    {
        ImmutableArray<ClusterMember> members =
        [
            .. options.InitialCluster
                .Select(m => new ClusterMember(MemberId(m.PeerUrls, options.InitialClusterToken), m.Name, [.. m.PeerUrls]))
                .OrderBy(m => m.Id.Value),
        ];
        byte[] ids = new byte[members.Length * 8];
        for (int i = 0; i < members.Length; i++) BinaryPrimitives.WriteUInt64BigEndian(ids.AsSpan(i * 8), members[i].Id.Value);
        return new ClusterIdentity(FirstEightBytes(SHA256.HashData(ids)), members.Single(m => m.Name == options.Name).Id, members);
    }

    /// <summary>A member is known by its addresses when it has no id yet. Their order does not matter.</summary>
    internal static bool SameUrls(IEnumerable<Uri> a, IEnumerable<Uri> b) =>
        a.Select(NodeOptions.Plain).Order(StringComparer.Ordinal).SequenceEqual(b.Select(NodeOptions.Plain).Order(StringComparer.Ordinal));

    /// <summary>An id for a member that is added to a running cluster; the salt makes it one that was never used before, whatever its addresses.</summary>
    internal static NodeId NewMemberId(IEnumerable<Uri> peerUrls, ReadOnlySpan<byte> salt) =>
        new(FirstEightBytes(SHA256.HashData([.. Encoding.UTF8.GetBytes(string.Join(',', peerUrls.Select(NodeOptions.Plain).Order(StringComparer.Ordinal)) + "\n"), .. salt])));

    private static NodeId MemberId(IReadOnlyList<Uri> peerUrls, string token) =>
        new(FirstEightBytes(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(',', peerUrls.Select(NodeOptions.Plain).Order(StringComparer.Ordinal)) + "\n" + token))));

    private static ulong FirstEightBytes(byte[] hash) => Math.Max(1, BinaryPrimitives.ReadUInt64BigEndian(hash));
}

/// <summary>One member as the flags describe it.</summary>
public sealed record ClusterMember(NodeId Id, string Name, ImmutableArray<Uri> PeerUrls);
