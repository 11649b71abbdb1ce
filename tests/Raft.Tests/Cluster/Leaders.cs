using static Conclave.Raft.Tests.Messages;

namespace Conclave.Raft.Tests;

/// <summary>Clusters and nodes that lead already.</summary>
internal static class Leaders
{
    /// <summary>A cluster whose node 1 leads, after one heartbeat.</summary>
    public static TestCluster Led(int size, CoreFaults faults = CoreFaults.None)
    {
        var cluster = new TestCluster(size, faults: faults);
        if (size == 1) cluster.RunTicks(2);
        else cluster.Elect(1);
        cluster.RunTicks(12);
        return cluster;
    }

    /// <summary>Node 1 leads and has committed its no-op; every other voter answered, and nothing is on its way.</summary>
    public static TestNode SettledLeader(Membership membership, CoreFaults faults = CoreFaults.None)
    {
        var node = new TestNode(TestNode.OptionsFor(1), membership, faults);
        while (node.Core.Role == RaftRole.Follower) node.Tick();
        foreach (VoteRequest request in node.TakeSent<VoteRequest>()) node.Receive(Ballot(request, granted: true));
        node.SyncAll();
        foreach (VoteRequest request in node.TakeSent<VoteRequest>()) node.Receive(Ballot(request, granted: true));
        node.SyncAll();
        foreach (NodeId voter in membership.Voters)
            if (voter != node.Id) Answer(node, voter.Value);
        Assert.Equal((RaftRole.Leader, node.Core.LastEntry.Index), (node.Core.Role, node.Core.Commit));
        node.Sent.Clear();
        return node;
    }

    /// <summary>The peer has everything that was sent to it.</summary>
    public static void Answer(TestNode leader, ulong peer)
    {
        foreach (AppendRequest request in leader.Sent.OfType<AppendRequest>().Where(m => m.To.Value == peer).ToArray())
        {
            leader.Sent.Remove(request);
            leader.Receive(Accepted(peer, leader.Core.Term.Value, request.Sequence, request.LastIndex.Value));
        }
        leader.Receive(Alive(peer, leader.Core.Term.Value, 0));
    }

    public static PeerStatus Peer(TestNode leader, ulong id)
    {
        var peers = new List<PeerStatus>();
        leader.Core.CopyPeers(peers);
        return peers.Single(p => p.Node.Value == id);
    }

    /// <summary>An entry that holds a membership.</summary>
    public static Entry Config(ulong index, ulong term, Membership membership) =>
        new(new(index), new(term), EntryKind.Membership, membership.Encode());

    /// <summary>The two halves of a joint configuration.</summary>
    public static Membership Joint(NodeId[] incoming, NodeId[] outgoing) => new() { Voters = [.. incoming], VotersOutgoing = [.. outgoing] };

    public static NodeId[] Ids(params ReadOnlySpan<ulong> ids)
    {
        var nodes = new NodeId[ids.Length];
        for (int i = 0; i < ids.Length; i++) nodes[i] = new NodeId(ids[i]);
        return nodes;
    }
}
