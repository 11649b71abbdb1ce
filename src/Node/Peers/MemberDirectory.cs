using System.Collections.Immutable;
using Conclave.Node.Options;
using Conclave.Raft;

namespace Conclave.Node.Peers;

/// <summary>Who is who right now: the membership in force, the committed one, and what the flags said of members that neither describes.</summary>
/// <remarks>Written by the consensus and the apply worker, read by everybody: each field is one reference to something immutable.</remarks>
internal sealed class MemberDirectory(ClusterIdentity cluster, Membership start)
{
    private volatile Membership _inForce = start, _committed = start;

    public NodeId Self => cluster.Self;

    public ulong ClusterId => cluster.ClusterId;

    /// <summary>Newest in the log, committed or not.</summary>
    public Membership InForce { get => _inForce; set => _inForce = value; }

    /// <summary>As of the last applied entry; what clients are shown.</summary>
    public Membership Committed { get => _committed; set => _committed = value; }

    /// <summary>The name that a member published through the log, or null. Set once, before anything runs.</summary>
    public Func<NodeId, string?> PublishedName { get; set; } = _ => null;

    /// <summary>This node has joined and has not received any membership yet: all it knows are the members that it was introduced to.</summary>
    public bool IsJoining => _inForce.Voters.IsEmpty;

    public bool Includes(NodeId node) => _inForce.Includes(node) || _committed.Includes(node) || IsJoining && Find(node) is not null;

    /// <summary>Everybody else who may have to be talked to: members before and after the change that is under way.</summary>
    public ImmutableArray<NodeId> Others()
    {
        var all = new SortedSet<NodeId>([.. _inForce.Members(), .. _committed.Members()]);
        if (IsJoining) all.UnionWith(cluster.Members.Select(m => m.Id));
        all.Remove(cluster.Self);
        return [.. all];
    }

    /// <summary>Where a member listens; empty when nobody has said it yet.</summary>
    public ImmutableArray<Uri> UrlsOf(NodeId node)
    {
        ImmutableArray<Uri> urls = MemberUrls.Decode(_inForce.InfoOf(node).Span);
        if (urls.IsEmpty) urls = MemberUrls.Decode(_committed.InfoOf(node).Span);
        return urls.IsEmpty ? Find(node)?.PeerUrls ?? [] : urls;
    }

    public string NameOf(NodeId node) => PublishedName(node) ?? Find(node)?.Name ?? node.ToString();

    /// <summary>Ids of members by what people call them: name or id.</summary>
    public IEnumerable<NodeId> Named(string name) =>
        Others().Concat(cluster.Members.Select(m => m.Id)).Distinct().Where(id => NameOf(id) == name || Find(id)?.Name == name || id.ToString() == name);

    /// <summary>Descriptions of members that the membership does not describe and the flags do.</summary>
    public ImmutableArray<MemberInfo> MissingInfos() =>
        [.. _committed.Members().Where(id => _committed.InfoOf(id).IsEmpty).Select(id => MemberUrls.InfoOf(id, UrlsOf(id))).Where(info => !info.Bytes.IsEmpty)];

    private ClusterMember? Find(NodeId node)
    {
        foreach (ClusterMember member in cluster.Members)
        {
            if (member.Id == node) return member;
        }

        return null;
    }
}
