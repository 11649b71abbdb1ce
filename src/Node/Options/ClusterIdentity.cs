using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Conclave.Raft;

namespace Conclave.Node.Options;

/// <summary>The ids that follow from the flags. Every member computes the same ones, so a cluster needs no one to hand them out.</summary>
/// <param name="ClusterId">Never 0.</param>
/// <param name="Self">This member.</param>
/// <param name="Members">All members in id order.</param>
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

    private static NodeId MemberId(IReadOnlyList<Uri> peerUrls, string token) =>
        new(FirstEightBytes(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(',', peerUrls.Select(NodeOptions.Plain).Order(StringComparer.Ordinal)) + "\n" + token))));

    private static ulong FirstEightBytes(byte[] hash) => Math.Max(1, BinaryPrimitives.ReadUInt64BigEndian(hash));
}

/// <summary>One member as the flags describe it.</summary>
public sealed record ClusterMember(NodeId Id, string Name, ImmutableArray<Uri> PeerUrls);
