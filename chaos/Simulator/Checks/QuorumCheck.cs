using System.Collections.Immutable;
using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>What a majority must have said or done, counted once more and from outside: votes (I1), copies on disks (I6), and who may be chosen to lead (I5).</summary>
internal sealed class QuorumCheck(SimWorld world)
{
    private readonly Dictionary<(NodeId Candidate, Term Term), HashSet<NodeId>> _votes = [];
    private readonly Dictionary<(NodeId Candidate, Term Term), EntryId> _campaigns = [];
    private readonly Dictionary<(NodeId Target, Term Term), EntryId> _invitations = [];

    public void OnSend(SimNode node, Message message)
    {
        switch (message)
        {
            case TimeoutNow invitation:
                SimNode target = world[invitation.To];
                bool knowsLess = !target.IsImpaired && target.Shadow.HardState.Term <= invitation.Term && target.Shadow.Last < invitation.Last;
                Require(!knowsLess, "I5", node, $"asks {target.Id} to lead, which must hold {invitation.Last} and whose disk ends at {target.Shadow.Last}");
                _invitations[(invitation.To, invitation.Term)] = invitation.Last;
                break;
            case VoteRequest { PreVote: false } request:
                _campaigns[(node.Id, request.Term)] = request.Last;
                if (!request.Transfer) break;
                bool invited = _invitations.TryGetValue((node.Id, new Term(request.Term.Value - 1)), out EntryId needed);
                Require(invited && request.Last >= needed, "I5", node, $"campaigns in term {request.Term} as if a leader had asked it to, with a log that ends at {request.Last}; {(invited ? $"asked was one with {needed}" : "nobody asked")}");
                break;
            case VoteReply { Granted: true, PreVote: false } reply:
                VotesOf(reply.To, reply.Term).Add(node.Id);
                // A vote that waited for a slow write may leave when the disk is terms further; what it held when it was given is gone from here.
                if (node.Shadow.HardState.Term != reply.Term) break;
                EntryId own = node.Shadow.LastBefore(reply.Term);
                if (_campaigns.TryGetValue((reply.To, reply.Term), out EntryId theirs)) Require(theirs >= own, "I5", node, $"votes for {reply.To}, whose log ends at {theirs}, and its own at {own}");
                break;
        }
    }

    /// <param name="node">Leads from now on.</param>
    /// <param name="before">The membership in force before this batch.</param>
    public void OnLeader(SimNode node, Membership before)
    {
        HashSet<NodeId> votes = VotesOf(node.Id, node.Core.Term);
        votes.Add(node.Id); // written down before the others are asked
        Require(Decides(votes.Contains, before) || Decides(votes.Contains, node.Core.Membership), "I1", node,
            $"leads term {node.Core.Term} with the votes of {string.Join(' ', votes.Order())}; it counts by {MembershipCheck.Describe(before)}");
    }

    /// <param name="node">A leader that has just committed by counting.</param>
    /// <param name="before">The membership in force before this batch.</param>
    public void OnCommitted(SimNode node, Membership before)
    {
        EntryId last = node.Core.Log.IdAt(node.Core.Commit);
        bool Holds(NodeId id) => world[id] is var member && (member.IsImpaired || member.Shadow.Contains(last) || member.Shadow.Base.Index >= last.Index);
        Require(Decides(Holds, before) || Decides(Holds, node.Core.Membership), "I6", node,
            $"commits {last}, which is on the disks of {string.Join(' ', node.Core.Membership.Members().Where(Holds))}; it counts by {MembershipCheck.Describe(node.Core.Membership)}");
    }

    /// <summary>I12: voters change by way of a joint membership, which is left when it is committed.</summary>
    public void OnChanged(SimNode leader, Membership before)
    {
        Membership after = leader.Core.Membership;
        if (after.IsJoint || (!before.IsJoint && before.Voters.SequenceEqual(after.Voters))) return;
        Require(before.IsJoint, "I12", leader, $"changes the voters from {MembershipCheck.Describe(before)} to {MembershipCheck.Describe(after)} in one step");
        int memberships = 0;
        for (LogIndex at = leader.Core.LastEntry.Index; at > leader.Core.LogBase.Index; at = at.Previous)
        {
            // The newest is the one that leaves, the one before it the one that is left.
            if (leader.Core.Log[at].Kind != EntryKind.Membership || ++memberships < 2) continue;
            Require(at <= leader.Core.Commit, "I12", leader, $"leaves the joint membership of {at}, and only {leader.Core.Commit} is committed");
            return;
        }
    }

    private static bool Decides(Func<NodeId, bool> holds, Membership membership) => IsMajority(holds, membership.Voters) && (!membership.IsJoint || IsMajority(holds, membership.VotersOutgoing));

    private static bool IsMajority(Func<NodeId, bool> holds, ImmutableArray<NodeId> voters) => 2 * voters.Count(holds) > voters.Length;

    private HashSet<NodeId> VotesOf(NodeId candidate, Term term)
    {
        if (!_votes.TryGetValue((candidate, term), out HashSet<NodeId>? votes)) _votes[(candidate, term)] = votes = [];
        return votes;
    }

    private static void Require(bool holds, string invariant, SimNode node, FormattableString what)
    {
        if (!holds) throw new SimulationFailure($"{invariant}: {node.Id} {what}.");
    }
}
