using System.Collections.Immutable;
using Conclave.Raft;

namespace Conclave.Node.Peers;

/// <summary>What one node remembers of others.</summary>
/// <param name="Members">By id; at most <see cref="MembersMax"/>.</param>
/// <param name="Removed">Members that are gone for ever, the latest last; at most <see cref="RemovedMax"/>, so that they can be told why they are refused.</param>
internal sealed record KnownMembers(ImmutableSortedDictionary<NodeId, RememberedMember> Members, ImmutableArray<NodeId> Removed)
{
    /// <summary>All members there can be during a change, and as many that this node has not heard of yet.</summary>
    public const int MembersMax = 3 * Membership.MembersMax;

    public const int RemovedMax = 64;

    public static KnownMembers None { get; } = new(ImmutableSortedDictionary<NodeId, RememberedMember>.Empty, []);

    /// <summary>The next directory that the member comes with is taken as it is.</summary>
    public KnownMembers Forget(NodeId member) => this with { Members = Members.SetItem(member, RememberedMember.Forgotten) };

    /// <summary>With that member among the removed.</summary>
    public KnownMembers Remove(NodeId member)
    {
        ImmutableArray<NodeId> removed = Removed.Remove(member).Add(member);
        return new KnownMembers(Members.Remove(member), removed.Length > RemovedMax ? removed[^RemovedMax..] : removed);
    }
}
