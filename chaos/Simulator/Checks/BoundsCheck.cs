using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>What must not grow without end: what the core holds (I20), and terms (I22). The bound of the disk (I23) is looked at by <see cref="DiskBudget"/>.</summary>
internal sealed class BoundsCheck(SimWorld world)
{
    private readonly Inherited[] _inherited = new Inherited[SimWorld.SlotsMax];
    private readonly (EntryId Base, EntryId? Snapshot)[] _compacted = new (EntryId, EntryId?)[SimWorld.SlotsMax];
    private readonly List<PeerStatus> _peers = [];
    private long _invitations;

    /// <summary>What a new leader found in its log, not committed as far as it knows: it did not take that in, and cannot refuse it.</summary>
    private readonly record struct Inherited(Term Term, int Life, long Bytes);

    /// <summary>Somebody is asked to lead, and need not wait.</summary>
    public void OnInvited() => _invitations++;

    public void AfterBatch(SimNode node)
    {
        CheckLog(node);
        // Without tight limits nothing comes near them, and counting is not cheap.
        if (!world.Plan.TightMemory) return;
        int reads = node.Core.CountPendingReads();
        Require(reads <= node.Options.ReadsPendingMax, "I20", node, $"holds {reads} reads; at most {node.Options.ReadsPendingMax} are to wait");
        if (node.Core.Role == RaftRole.Leader) CheckLeader(node);
    }

    /// <summary>
    /// A term needs a campaign. A node campaigns at most once in an election timeout by its own clock, and once more in each of its lives (a sole voter does not wait), or
    /// when it is asked to.
    /// </summary>
    public void CheckTerms()
    {
        long campaigns = _invitations;
        Term reached = Term.Zero;
        foreach (SimNode node in world.Nodes)
        {
            campaigns += node.Ticks / world.Plan.ElectionTimeoutTicks + node.Life;
            if (node.IsUp && node.Core.Term > reached) reached = node.Core.Term;
        }
        if ((long)reached.Value > campaigns) throw new SimulationFailure($"I22: term {reached} was reached, and there was time for {campaigns} campaigns.");
    }

    private void CheckLeader(SimNode node)
    {
        long bytes = 0;
        for (LogIndex i = node.Core.Commit.Next; i <= node.Core.LastEntry.Index; i = i.Next) bytes += node.Core.Log[i].Payload.Length;
        ref Inherited inherited = ref _inherited[node.Slot];
        if (inherited.Term != node.Core.Term || inherited.Life != node.Life) inherited = new Inherited(node.Core.Term, node.Life, bytes);
        // Changes of the membership are never refused for their size: there is one at a time, and the end of its joint state.
        long most = Math.Max(node.Options.UncommittedBytesMax, inherited.Bytes) + 2 * Membership.EncodedBytesMax;
        Require(bytes <= most, "I20", node, $"leads with {bytes} B that are not committed; at most {most} are to be");

        _peers.Clear();
        node.Core.CopyPeers(_peers);
        foreach (PeerStatus peer in _peers)
        {
            Require(peer.InflightCount <= node.Options.InflightCountMax, "I20", node, $"has {peer.InflightCount} messages on their way to {peer.Node}; at most {node.Options.InflightCountMax} are to be");
            // The last one may go beyond the limit: an entry that is larger than it still has to travel.
            long limit = node.Options.InflightBytesMax + Math.Max(node.Options.AppendBytesMax, Math.Max(node.Options.ProposalBytesMax, Membership.EncodedBytesMax));
            Require(peer.InflightBytes <= limit, "I20", node, $"has {peer.InflightBytes} B on their way to {peer.Node}; at most {limit} are to be");
        }
    }

    /// <summary>What a snapshot covers is forgotten, but for the tail that is kept for slow followers.</summary>
    private void CheckLog(SimNode node)
    {
        RaftCore core = node.Core;
        // What is not durable is not forgotten, nor anything while a snapshot of somebody else takes its place.
        if (core.Snapshot is not { Last: var covered } || core.IsInstalling || core.Durable < covered.Index || covered.Index <= core.LogBase.Index) return;
        ref (EntryId Base, EntryId? Snapshot) seen = ref _compacted[node.Slot];
        if (seen == (core.LogBase, covered)) return;
        seen = (core.LogBase, covered);
        long kept = (long)(covered.Index.Value - core.LogBase.Index.Value), bytes = 0;
        for (LogIndex i = core.LogBase.Index.Next; i <= covered.Index; i = i.Next) bytes += core.Log[i].Payload.Length;
        Require(kept <= node.Options.SnapshotTrailingEntries && bytes <= node.Options.SnapshotTrailingBytesMax, "I20", node,
            $"keeps {kept} entries of {bytes} B that its snapshot {covered} covers; {node.Options.SnapshotTrailingEntries} of {node.Options.SnapshotTrailingBytesMax} B are enough");
    }

    private static void Require(bool holds, string invariant, SimNode node, FormattableString what)
    {
        if (!holds) throw new SimulationFailure($"{invariant}: {node.Id} {what}.");
    }
}
