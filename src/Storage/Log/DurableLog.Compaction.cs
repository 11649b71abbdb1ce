using Conclave.Raft;

namespace Conclave.Storage;

public sealed partial class DurableLog
{
    /// <summary>Forgets the entries up to and including this one, and frees the segments that hold nothing else.</summary>
    /// <param name="upTo">An entry of the log that a durable snapshot covers. At or before <see cref="Base"/>: nothing happens.</param>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Poisoned"/>.</exception>
    public void CompactTo(EntryId upTo)
    {
        RequireUsable();
        if (upTo.Index <= Base.Index)
            return;
        Invariant.Holds(upTo.Index <= Last.Index, "Only what is in the log can be compacted; a log that ends earlier is reset.");
        _runs.CompactTo(upTo);

        int freed = 0;
        while (!Has(StorageFaults.KeepSegments) && freed < _older.Count && _older[freed].Highest <= upTo.Index)
            freed++;
        ulong oldest = freed < _older.Count ? _older[freed].Sequence : _active.Header.Sequence;
        Replace(oldest, _active.Header.Sequence, upTo, freed, LostEnd);
    }

    /// <summary>Replaces the whole log by a snapshot: it is empty afterwards, and the next entry follows the snapshot's last.</summary>
    /// <param name="snapshotLast">Last entry of a snapshot that is durable.</param>
    /// <param name="hardState">Term and vote from now on; the term is not lower than before.</param>
    /// <remarks>A crash leaves either the old log, whole, or the new one.</remarks>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Poisoned"/>.</exception>
    public void ResetTo(EntryId snapshotLast, HardState hardState) => Reset(snapshotLast, hardState, LostEnd);

    /// <summary>
    /// Empties the log because the snapshot that it builds on is lost: it begins with the first entry again, or after an older snapshot. What it held, and
    /// what it had lost before, is the new <see cref="LostEnd"/>; term and vote stay.
    /// </summary>
    /// <param name="olderSnapshotLast">Last entry of an older snapshot that is durable and was loaded; zero when the state is empty.</param>
    /// <remarks>A crash leaves either the old log, whole, or the empty one that knows what it lost. See <see cref="SnapshotStore.LoadNewest{T}(DurableLog, Func{SnapshotFile, T}, ICollection{string})"/>.</remarks>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Poisoned"/>.</exception>
    internal void ResetToNothing(EntryId olderSnapshotLast)
    {
        Reset(olderSnapshotLast, _hardState, Last > LostEnd ? Last : LostEnd);
        _wasEmptied = true;
    }

    private void Reset(EntryId snapshotLast, HardState hardState, EntryId lostEnd)
    {
        RequireUsable();
        RequireProgress(_hardState, hardState);
        try
        {
            ActiveSegment old = _active;
            ActiveSegment next = BeginSegment(0, snapshotLast, hardState, isReset: true);
            _older.Add(new Segment(old.Header.Sequence, old.Header.SegmentBytes, _highestInActive));
            (_active, _highestInActive, _hardState) = (next, LogIndex.Zero, hardState);
            _runs.Reset(snapshotLast);
            old.Dispose();
        }
        catch (FileSystemException failure)
        {
            throw Poison(failure);
        }
        Replace(_active.Header.Sequence, _active.Header.Sequence, snapshotLast, _older.Count, snapshotLast >= lostEnd ? EntryId.Zero : lostEnd);
    }

    /// <summary>The superblock's sync is the moment at which a compaction or a reset happens; only then are files reused.</summary>
    private void Replace(ulong oldest, ulong newest, EntryId baseEntry, int freed, EntryId lostEnd)
    {
        try
        {
            bool early = Has(StorageFaults.RecycleBeforeSuperblock);
            for (int i = 0; early && i < freed; i++)
                Recycle(_older[i].Sequence);
            _superblock.Update(_superblock.Current with { OldestSegment = oldest, NewestSegment = newest, Base = baseEntry, HardState = _hardState, LostEnd = lostEnd });
            _isIncomplete = lostEnd != EntryId.Zero;
            for (int i = 0; !early && i < freed; i++)
                Recycle(_older[i].Sequence);
            _older.RemoveRange(0, freed);
            ReserveAhead();
        }
        catch (FileSystemException failure)
        {
            throw Poison(failure);
        }
    }
}
