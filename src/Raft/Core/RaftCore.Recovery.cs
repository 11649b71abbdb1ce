namespace Conclave.Raft;

public sealed partial class RaftCore
{
    private EntryId _lostEnd; // RecoveredState.LostEnd until the log has reached it

    /// <summary>
    /// The disk lost entries that this node may have acknowledged. Until it has them back it does not campaign, and votes only for
    /// candidates that are at least as new as what was lost: an acknowledgement is a promise that no leader without the entry is elected, and
    /// the promise holds although the entry is gone.
    /// </summary>
    public bool IsRecovering => _lostEnd != EntryId.Zero;

    /// <summary>Compared by term first: where a later leader's entry is in place, the lost end was either restored by that leader or never committed.</summary>
    private void EndRecoveryIfReached()
    {
        if (IsRecovering && _log.IdAt(LogIndex.Max(_durable, _log.Base.Index)) >= _lostEnd) _lostEnd = EntryId.Zero;
    }

    /// <summary>
    /// Leader: a peer has everything back and still does not know it, since of what it lost it knows no more than the term, and this leader leads that very
    /// term. Its vote would be missing when this leader dies. An entry of another term ends that, so somebody else is to lead once. Only if those who can
    /// vote without restriction are enough to elect, or it would be this leader's end for nothing.
    /// </summary>
    private void RenewTermFor(Progress peer)
    {
        if (!peer.Recovering || peer.TermRenewed || IsTransferring || IsChangePending || !HasCommittedOwnTerm || !IsCaughtUp(peer.Node)) return;
        if (BestSuccessor() is not { } successor || !CanElectWithoutRecovering()) return;
        peer.TermRenewed = true;
        StartTransfer(successor.Node);
    }

    private bool CanElectWithoutRecovering()
    {
        ulong able = 0;
        for (int slot = 0; slot < _roster.Slots; slot++)
            if (_roster.Find(_roster.At(slot)) is not { } peer || (IsHeard(peer) && !peer.Recovering)) able |= 1UL << slot;
        return _roster.HasMajority(able);
    }
}
