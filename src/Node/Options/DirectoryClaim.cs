using System.Collections.Immutable;
using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Node.Options;

/// <summary>Decides whether a data directory is the one that the flags mean, when their ids do not say so. Pure.</summary>
/// <remarks>
/// The ids that follow from the flags are those of the cluster's birth. A member that was added later, or moved to another address, has others: then the
/// membership on its disk must know this member under the addresses that it advertises now.
/// </remarks>
internal static class DirectoryClaim
{
    /// <summary>Who this node is, when the directory decides; null when it does not fit the flags.</summary>
    /// <param name="options">The flags.</param>
    /// <param name="found">Whose data the directory holds.</param>
    /// <param name="bootstrap">From when the directory was formatted; empty if the member joined a running cluster.</param>
    /// <param name="newest">The newest membership on the disk, committed or not.</param>
    public static ClusterIdentity? Resolve(NodeOptions options, StorageIdentity found, Membership bootstrap, Membership newest)
    {
        var self = new NodeId(found.NodeId);
        ClusterIdentity flags = ClusterIdentity.From(options);
        if (flags.ClusterId == found.ClusterId && flags.Self == self) return flags;

        ImmutableArray<Uri> urls = MemberUrls.Decode(newest.InfoOf(self).Span);
        bool fits = !urls.IsEmpty && ClusterIdentity.SameUrls(urls, options.InitialAdvertisePeerUrls);
        if (options.InitialClusterState == ClusterState.New)
        {
            // Another token, and none of the ids would be known here.
            fits &= flags.Members.Any(m => bootstrap.Includes(m.Id) || newest.Includes(m.Id));
        }
        else if (urls.IsEmpty && bootstrap.Voters.IsEmpty)
        {
            fits = true;   // it joined and has not heard much yet, so there is nothing to compare with; the others know its incarnation
        }

        return fits ? new ClusterIdentity(found.ClusterId, self, Described(options, newest)) : null;
    }

    /// <summary>The members that the flags name, under the ids that the membership has for their addresses.</summary>
    private static ImmutableArray<ClusterMember> Described(NodeOptions options, Membership newest)
    {
        var members = ImmutableArray.CreateBuilder<ClusterMember>();
        foreach (MemberInfo info in newest.Infos)
        {
            ImmutableArray<Uri> urls = MemberUrls.Decode(info.Bytes.Span);
            if (options.InitialCluster.FirstOrDefault(m => ClusterIdentity.SameUrls(m.PeerUrls, urls)) is { } named) members.Add(new ClusterMember(info.Node, named.Name, urls));
        }

        return members.ToImmutable();
    }
}
