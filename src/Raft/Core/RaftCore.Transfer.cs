namespace Conclave.Raft;

public sealed partial class RaftCore
{
    private NodeId _transferTarget; // leader: to whom leadership is being handed over; None when it is not
    private int _transferElapsed; // ticks since that began
    private bool _timeoutNowDue; // not said since the last heartbeat
    private bool _campaignIsTransfer; // the present campaign was asked for by the leader

    private bool IsTransferring => _transferTarget != NodeId.None;

    /// <summary>
    /// From here on this leader takes no proposals and confirms no new reads: the target needs a last entry that stays the last,
    /// and will lead as soon as it has it.
    /// </summary>
    private void OnTransfer(NodeId target)
    {
        if (Role != RaftRole.Leader) return;
        if (target == NodeId.None) target = BestSuccessor()?.Node ?? NodeId.None;
        if (target == Self || target == _transferTarget || !_roster.IsVoter(target)) return;
        StartTransfer(target);
    }

    private void StartTransfer(NodeId target) => (_transferTarget, _transferElapsed, _timeoutNowDue) = (target, 0, true);

    private void EndTransfer() => _transferTarget = NodeId.None;

    /// <summary>In every flush of a leader: tells the target as soon as it holds everything, and again with each heartbeat, in case that got lost.</summary>
    private void DriveTransfer()
    {
        if (!IsTransferring || !_timeoutNowDue || _roster.Find(_transferTarget) is not { } target) return;
        if (target.Counted != _log.Last.Index && !HasFault(CoreFaults.TransferWithoutCatchUp)) return;
        _timeoutNowDue = false;
        Send(new TimeoutNow { From = Self, To = target.Node, Term = Term, Last = _log.Last });
        // A member hears of the new term from the election. One that is gone already is asked by nobody.
        if (!_roster.SelfVotes) BecomeFollower(Term, NodeId.None);
    }

    private void TickTransfer(bool interval)
    {
        if (!IsTransferring) return;
        if (interval) _timeoutNowDue = true;
        if (++_transferElapsed < _options.ElectionTimeoutTicks || HasFault(CoreFaults.NoTransferTimeout)) return;
        // The target is dead, slow, or unable to lead. Going on is better than no leader at all. The next choice is another one.
        if (_roster.Find(_transferTarget) is { } target) target.TransfersFailed++;
        EndTransfer();
        if (!_roster.SelfVotes) BecomeFollower(Term, NodeId.None);
    }

    /// <summary>This leader is no member any more, and everything that made it so is committed.</summary>
    private void HandOverRemoved()
    {
        if (BestSuccessor() is { } best) StartTransfer(best.Node);
        else BecomeFollower(Term, NodeId.None);
    }

    /// <summary>For a leader that cannot wait until somebody has its last entry: whoever has most may ask for votes at once.</summary>
    private void HandOverAtOnce()
    {
        if (BestSuccessor() is { } best && _log.TryTermAt(best.Match, out Term term))
            Send(new TimeoutNow { From = Self, To = best.Node, Term = Term, Last = new EntryId(best.Match, term) });
        BecomeFollower(Term, NodeId.None);
    }

    /// <summary>
    /// The voter that was heard lately, can lead as far as is known, and holds most of the log; null when there is none. Whoever did not take over when it
    /// was asked to comes last, or the same unfit one would be asked again and again.
    /// </summary>
    private Progress? BestSuccessor()
    {
        Progress? best = null;
        foreach (Progress peer in _roster.Peers)
            if (_roster.IsVoter(peer.Node) && IsHeard(peer) && !peer.Recovering && (best is null || IsBetter(peer, best))) best = peer;
        return best;
    }

    private static bool IsBetter(Progress peer, Progress than) =>
        peer.TransfersFailed != than.TransfersFailed ? peer.TransfersFailed < than.TransfersFailed : peer.Counted > than.Counted;

    private void OnTimeoutNow(TimeoutNow message)
    {
        // Only the leader of this very term may skip the pre-vote and everybody's loyalty, and only to a node that can win and lead.
        bool mayLead = message.From == Leader && Role == RaftRole.Follower && _roster.SelfVotes && _installing is null && !IsDiskStalled && !IsRecovering
            && (_log.Last >= message.Last || HasFault(CoreFaults.TransferWithoutCatchUp));
        if (HasFault(CoreFaults.AcceptAnyTimeoutNow)) mayLead = Role != RaftRole.Leader && _installing is null && _roster.SlotOf(Self) >= 0;
        if (!mayLead) return;
        ResetElectionTimer();
        _fastCampaignIn = 0;
        StartElection(transfer: true);
    }
}
