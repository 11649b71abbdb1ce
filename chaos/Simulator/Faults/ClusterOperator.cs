using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>
/// Somebody who adds, promotes and removes members and moves leadership, at any moment and nearly without looking: no healthy member goes while those that stay are not enough to
/// make up for what another one lost (<see cref="DamageLimit"/>).
/// </summary>
internal sealed class ClusterOperator(SimWorld world)
{
    private readonly Dictionary<ulong, (SimNode Asked, int Life, MembershipChange Change)> _unanswered = [];
    private readonly HashSet<SimNode> _replaced = [];
    private ulong _lastId;

    /// <summary>Asked for, and perhaps not looked at yet: a stopped process answers late.</summary>
    public IEnumerable<MembershipChange> Unanswered
    {
        get
        {
            foreach ((SimNode asked, int life, MembershipChange change) in _unanswered.Values)
                if (asked.IsUp && asked.Life == life) yield return change;
        }
    }

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
        var change = new MembershipChange(kind, id, []);
        if (asked is { IsUp: true } && world.Damages.MayChange(change)) Ask(asked, change);
    }

    private void Ask(SimNode asked, MembershipChange change)
    {
        _unanswered[++_lastId] = (asked, asked.Life, change);
        asked.Take(RaftInput.ChangeMembership(_lastId, change));
    }

    /// <summary>Members that are to be replaced, and are not yet.</summary>
    public int Replacing { get; private set; }

    /// <summary>A member whose directory is lost is removed, and a new one added in its place, however often that has to be asked.</summary>
    public void Replace(SimNode lost)
    {
        if (!_replaced.Add(lost)) return; // somebody is at it
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
            else if (next is not null && _replaced.Contains(next))
            {
                Replacing--; // its directory is lost as well, and whoever replaces it adds the next one
                return;
            }
            // An addition that was asked for before may still have brought it in.
            MembershipChange change = next is null || !isOut ? new MembershipChange(MembershipChangeKind.Remove, lost.Id, [])
                : new MembershipChange(MembershipChangeKind.AddVoter, next.Id, []);
            Ask(leader, change);
        }
        SimNode? added = next;
        world.Call(EveryUs, () => Continue(lost, added));
    }

    public void OnVerdict(SimNode node, MembershipVerdict verdict)
    {
        _unanswered.Remove(verdict.Id);
        if (world.Log is not null) world.Note($"{node.Id} answers to change {verdict.Id}: {verdict.Outcome}");
        if (verdict.Outcome == MembershipOutcome.Appended) world.Statistics.MembershipChanges++;
        else world.Statistics.MembershipRefusals++;
    }
}
