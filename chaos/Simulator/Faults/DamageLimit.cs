using System.Collections.Immutable;
using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>
/// The assumption under which damage is survived: of each configuration, a majority holds everything that it acknowledged. So a disk is damaged only while, with it, fewer
/// than half of the voters have lost something, and the next one only when an earlier one has been repaired by the others. Past that, data is gone, and no protocol brings it back.
/// </summary>
internal sealed class DamageLimit(SimWorld world)
{
    public bool MayDamage(SimNode node)
    {
        // What somebody counts by, committed or not; a node that is down may come back with what it counted by then.
        foreach (SimNode each in world.Nodes)
            if (!Leaves(each.Counted.Voters, node) || !Leaves(each.Counted.VotersOutgoing, node)) return false;
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

    private bool Leaves(ImmutableArray<NodeId> voters, SimNode next)
    {
        int impaired = 0;
        foreach (NodeId voter in voters)
            if (world[voter] == next || world[voter].IsImpaired) impaired++;
        return voters.IsEmpty || 2 * impaired < voters.Length;
    }
}
