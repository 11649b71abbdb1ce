namespace Conclave.Raft;

public sealed partial class RaftCore
{
    /// <summary>Brings the own term and the message's together. False when the message needs no more attention.</summary>
    private bool SettleTerm(Message message)
    {
        if (message.Term > Term)
        {
            switch (message)
            {
                // A question about an election changes nothing, whatever the term of who asks.
                case VoteRequest { PreVote: true }:
                    return true;
                // Loyalty: while a leader is heard, nobody's election is taken notice of, not even its term. Otherwise a node that
                // cannot hear the leader would depose it again and again.
                case VoteRequest { Transfer: false } when HearsLeader:
                    return false;
                case VoteReply when HasFault(CoreFaults.IgnoreHigherTermRefusal):
                    return false;
            }
            bool campaignRefused = message is VoteReply && Role is RaftRole.PreCandidate or RaftRole.Candidate;
            // Only the term is taken over, never somebody else's vote in it.
            BecomeFollower(message.Term, SpeaksAsLeader(message) ? message.From : NodeId.None);
            // The refusal was about the term alone, perhaps: in the new one the same campaign may be won.
            if (campaignRefused) CampaignAgainSoon();
            return true;
        }

        if (message.Term < Term)
        {
            switch (message)
            {
                case VoteRequest when HasFault(CoreFaults.SilentToLateCandidate):
                case AppendRequest or HeartbeatRequest when HasFault(CoreFaults.SilentToDeposedLeader):
                    return false;
                case VoteRequest: // refused, with the term that the candidate missed
                case VoteReply: // a pre-vote may come from a node that has not reached our term; the round tells
                    return true;
                // A deposed leader learns from the term of the answer that it is one. That is all the answer says: its sender may have restarted, lead
                // this very term by now and count from one again. The numbers of its former life would then confirm a read round that began later,
                // or make this log look as if it had gone back.
                case AppendRequest:
                    Reply(new AppendReply { From = Self, To = message.From, Term = Term, Sequence = 0, Success = false, Match = LogIndex.Zero });
                    return false;
                case HeartbeatRequest:
                    Reply(new HeartbeatReply { From = Self, To = message.From, Term = Term, ReadEpoch = 0 });
                    return false;
                default:
                    return false;
            }
        }

        if (SpeaksAsLeader(message))
        {
            Invariant.Holds(Role != RaftRole.Leader, "A term has one leader.");
            if (Role != RaftRole.Follower || Leader != message.From) BecomeFollower(Term, message.From);
        }
        return true;
    }

    private static bool SpeaksAsLeader(Message message) => message is AppendRequest or HeartbeatRequest or CommitNotice;

    /// <summary>A leader is known and was heard within an election timeout. A leader hears itself, until its quorum check deposes it.</summary>
    private bool HearsLeader => Leader != NodeId.None && (Role == RaftRole.Leader || _electionElapsed < _options.ElectionTimeoutTicks);

    private void BecomeFollower(Term term, NodeId leader)
    {
        Invariant.Holds(term >= Term, "The term never goes back.");
        if (term > Term)
        {
            // The vote belongs to the term: it is cleared here, when the number really rises, and nowhere else. A change
            // of role within a term keeps it, or the node could vote twice in that term.
            Term = term;
            VotedFor = NodeId.None;
            _hardStateChanged = true;
            _verified = LogIndex.Zero;
        }
        else if (HasFault(CoreFaults.VoteClearedOnStepDown) && Role != RaftRole.Follower)
        {
            VotedFor = NodeId.None;
            _hardStateChanged = true;
        }
        if (Role != RaftRole.Follower) ResetElectionTimer();
        SetRole(RaftRole.Follower, leader);
    }

    private void SetRole(RaftRole role, NodeId leader)
    {
        // Reads under way were asked of, or confirmed for, the previous leadership.
        if (role != RaftRole.Leader) EndTransfer();
        if (Leader != leader || (Role == RaftRole.Leader && role != RaftRole.Leader)) _reads.Requeue();
        (Role, Leader) = (role, leader);
        _output.RoleChange = new RoleChange(Role, Term, Leader);
    }

    /// <summary>The leader spoke: no reason to campaign.</summary>
    private void HeardLeader()
    {
        _electionElapsed = 0;
        _fastCampaignIn = 0;
        _campaignAttempts = 0;
    }

    private bool HasFault(CoreFaults fault) => (_faults & fault) != 0;

    private bool Takes(RarePath path) => RarePaths is { } decides && decides(path);
}
