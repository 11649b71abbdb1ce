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
            if (world.Nodes.Exists(node => node.IsExiled)) return; // whoever is new does not know whom to keep out
            world.AddNodes(member).StartLater(strike.ForUs);
        }
        asked?.Take(RaftInput.ChangeMembership(++_lastId, new MembershipChange(kind, id, [])));
    }

    /// <summary>Members that are to be replaced, and are not yet.</summary>
    public int Replacing { get; private set; }

    /// <summary>A member whose directory is lost is removed, and a new one added in its place, however often that has to be asked.</summary>
    public void Replace(SimNode lost)
    {
        Replacing++;
        Continue(lost, null);
    }

    private void Continue(SimNode lost, SimNode? next)
    {
        const long EveryUs = 300_000;
        if (world.Leader is { } leader)
        {
            Membership membership = leader.Core.Membership, applied = leader.AppliedMembership;
            bool isOut = !membership.Includes(lost.Id) && !applied.Includes(lost.Id);
            if (next is null && applied.Equals(membership) && !applied.IsJoint && isOut)
            {
                lost.GoForGood();
                next = world.AddNodes(world.Nodes.Count + 1);
                next.StartLater(0);
            }
            else if (next is not null && applied.Includes(next.Id) && isOut)
            {
                Replacing--;
                world.Statistics.MembersReplaced++;
                return;
            }
            // An addition that was asked for before may still have brought it in.
            MembershipChange change = next is null || !isOut ? new MembershipChange(MembershipChangeKind.Remove, lost.Id, [])
                : new MembershipChange(MembershipChangeKind.AddVoter, next.Id, []);
            leader.Take(RaftInput.ChangeMembership(++_lastId, change));
        }
        SimNode? added = next;
        world.Call(EveryUs, () => Continue(lost, added));
    }

    public void OnVerdict(SimNode node, MembershipVerdict verdict)
    {
        if (world.Log is not null) world.Note($"{node.Id} answers to change {verdict.Id}: {verdict.Outcome}");
        if (verdict.Outcome == MembershipOutcome.Appended) world.Statistics.MembershipChanges++;
        else world.Statistics.MembershipRefusals++;
    }
}
