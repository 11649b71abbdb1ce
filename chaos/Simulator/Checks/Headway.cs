using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>
/// Whether a cluster gets on with what lay before it at the beginning: entries that are sent, committed and applied. A leader of slow links and one entry in each message may need a minute for
/// what a burst left behind, and no fixed time tells that from one that hangs. What comes later does not count, so this ends.
/// </summary>
/// <param name="world">As it is now.</param>
/// <param name="termsMax">Each new leader finds out anew what the others hold; more of them than this are an election that is not decided, and get nobody on.</param>
internal sealed class Headway(SimWorld world, int termsMax)
{
    // Clients have stopped; what they sent before may still be on its way.
    private readonly long _newest = (long)Patience.NewestOf(world).Value + world.Plan.Clients * world.Plan.BurstMax;
    private readonly List<PeerStatus> _peers = [];
    private Term _term;
    private int _terms;
    private long _held, _settled;

    /// <summary>Since the beginning, or the last time that this was asked and true.</summary>
    public bool Grew()
    {
        long settled = world.Nodes.Where(node => node.IsUp).Sum(node => Count(node.Core.Commit) + Count(node.Machine.Applied.Index));
        bool grew = settled > _settled;
        _settled = Math.Max(_settled, settled);
        return GrewHeld() || grew;
    }

    /// <summary>What is not committed yet: a new leader commits nothing before all of it is with a majority.</summary>
    private bool GrewHeld()
    {
        if (world.Leader is not { } leader) return false;
        if (leader.Core.Term > _term) (_term, _terms, _held) = (leader.Core.Term, _terms + 1, 0);
        if (_terms > termsMax || leader.Core.Term < _term) return false;
        _peers.Clear();
        leader.Core.CopyPeers(_peers);
        long held = Count(leader.Core.Durable) + _peers.Sum(peer => Count(peer.Match));
        bool grew = held > _held;
        _held = Math.Max(_held, held);
        return grew;
    }

    private long Count(LogIndex index) => Math.Min((long)index.Value, _newest);
}
