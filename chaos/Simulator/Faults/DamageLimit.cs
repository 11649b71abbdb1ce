using System.Collections.Immutable;
using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>
/// The assumption under which damage is survived: of each configuration, a majority holds everything that it acknowledged. So a disk is damaged only while, with it, fewer
/// than half of the voters have lost something, and the next one only when an earlier one has been repaired by the others. Past that, data is gone, and no protocol brings it back.
/// For the same reason nobody who is healthy is removed while the rest would be too few: of two voters, one of which has lost its log, none can lead.
/// </summary>
internal sealed class DamageLimit(SimWorld world)
{
    public bool MayDamage(SimNode node)
    {
        // What somebody counts by, committed or not, or will after a change that was asked for; a node that is down may come back with what it counted by then.
        foreach (SimNode each in Counting)
        {
            Membership counted = each.Counted;
            if (!Leaves(counted.Voters, node, counted.Learners) || !Leaves(counted.VotersOutgoing, node, counted.Learners)) return false;
            foreach (MembershipChange change in world.Operator.Unanswered)
                if (!LeavesAfter(change, counted, node)) return false;
        }
        return true;
    }

    /// <summary>
    /// A member with a wrong directory is kept out by those who know its last start, so all have to. One at a time; two that come with copies from the same day could elect
    /// each other.
    /// </summary>
    public bool MayExile(SimNode node)
    {
        if (!node.IsUp || node.IsImpaired || !MayDamage(node)) return false;
        foreach (SimNode other in world.Nodes)
            if (other != node && (other.IsExiled || other.IsWanted && !other.KnowsStartOf(node))) return false;
        return true;
    }

    /// <summary>Whether those who vote after the change are enough, whatever anybody counts by now.</summary>
    public bool MayChange(MembershipChange change)
    {
        foreach (SimNode each in Counting)
            if (!LeavesAfter(change, each.Counted, null)) return false;
        return true;
    }

    /// <summary>All but those whose machine was taken away.</summary>
    private IEnumerable<SimNode> Counting => world.Nodes.Where(node => node.IsWanted);

    private bool LeavesAfter(MembershipChange change, Membership counted, SimNode? next) => change.Kind != MembershipChangeKind.Remove
        || Leaves(counted.Voters.Remove(change.Node), next, counted.Learners.Remove(change.Node));

    /// <summary>Learners may be promoted before anybody finds out what they lost, so each that lost something counts as a voter, and so does the next.</summary>
    private bool Leaves(ImmutableArray<NodeId> voters, SimNode? next, ImmutableArray<NodeId> learners)
    {
        if (voters.IsEmpty) return true;
        (int impaired, int all) = (0, voters.Length);
        bool nextVotes = false;
        foreach (NodeId voter in voters)
        {
            bool isNext = world[voter] == next;
            nextVotes |= isNext;
            if (isNext || world[voter].IsImpaired) impaired++;
        }
        foreach (NodeId learner in learners)
        {
            bool isNext = world[learner] == next;
            nextVotes |= isNext;
            if (isNext || world[learner].IsImpaired) (impaired, all) = (impaired + 1, all + 1);
        }
        if (next is not null && !nextVotes) (impaired, all) = (impaired + 1, all + 1); // to be added, or removed where this is not known yet
        return impaired == 0 || 2 * impaired < all;
    }
}
