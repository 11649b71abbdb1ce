using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>Somebody who adds, promotes and removes members and moves leadership, at any moment and without looking.</summary>
internal sealed class ClusterOperator(SimWorld world)
{
    private ulong _lastId;

    public void Carry(Strike strike)
    {
        SimNode? asked = strike.Amount == 0 ? world.Leader : world.Find(strike.Amount);
        if (strike.Kind == StrikeKind.Transfer)
        {
            NodeId target = strike.Nodes.IsEmpty || world.Find(strike.Nodes[0]) is not { } node ? NodeId.None : node.Id;
            world.Statistics.TransfersAsked++;
            asked?.Take(RaftInput.Transfer(target));
            return;
        }
        if (strike.Nodes is not [> 0 and var member, ..]) return;
        MembershipChangeKind kind = strike.Kind switch
        {
            StrikeKind.AddLearner => MembershipChangeKind.AddLearner,
            StrikeKind.AddVoter => MembershipChangeKind.AddVoter,
            StrikeKind.Promote => MembershipChangeKind.Promote,
            _ => MembershipChangeKind.Remove,
        };
        var id = new NodeId((ulong)member);
        if (kind is MembershipChangeKind.AddLearner or MembershipChangeKind.AddVoter)
        {
            if (world.Checker.Members.WasMember(id)) return; // ids are not used again
            world.AddNodes(member).StartLater(strike.ForUs);
        }
        asked?.Take(RaftInput.ChangeMembership(++_lastId, new MembershipChange(kind, id, [])));
    }

    public void OnVerdict(SimNode node, MembershipVerdict verdict)
    {
        if (world.Log is not null) world.Note($"{node.Id} answers to change {verdict.Id}: {verdict.Outcome}");
        if (verdict.Outcome == MembershipOutcome.Appended) world.Statistics.MembershipChanges++;
        else world.Statistics.MembershipRefusals++;
    }
}
