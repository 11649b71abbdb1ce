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
}
