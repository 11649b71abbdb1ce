using Conclave.Raft;

namespace Conclave.Storage;

public sealed partial class DurableLog
{
    /// <summary>Joins what the log held with the snapshot that was loaded, into the state that a core starts from.</summary>
    /// <param name="recovered">As <see cref="Open"/> gave it; nothing was written since.</param>
    /// <param name="snapshot">What <see cref="SnapshotStore.LoadNewest{T}(DurableLog, Func{SnapshotFile, T}, ICollection{string})"/> loaded; null if nothing.</param>
    /// <remarks>
    /// A log that does not contain the snapshot's last entry is reset to it: the snapshot came from a leader, and the process stopped before the log
    /// followed. What such a log holds is covered by the snapshot or contradicts it.
    /// </remarks>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Poisoned"/>.</exception>
    public RecoveredState StartFrom(RecoveredLog recovered, SnapshotId? snapshot)
    {
        RequireUsable();
        Invariant.Holds(_wasEmptied || (recovered.Last == Last && recovered.Base == Base), "The log is joined with its snapshot before anything is written.");
        Invariant.Holds(snapshot is not null || Base.Index == LogIndex.Zero, "A compacted log starts from a snapshot: LoadNewest refuses otherwise.");
        IReadOnlyList<Entry> entries = _wasEmptied ? [] : recovered.Entries;
        if (snapshot is not null && !RecoveredState.LogContainsSnapshot(snapshot.Last, Base, entries))
        {
            ResetTo(snapshot.Last, HardState);
            entries = [];
        }
        return new RecoveredState { HardState = HardState, Snapshot = snapshot, Bootstrap = recovered.Bootstrap, Base = Base, Entries = entries, LostEnd = LostEnd };
    }
}
