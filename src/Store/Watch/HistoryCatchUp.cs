using Conclave.Store.History;
using Conclave.Store.Requests;
using Conclave.Store.Tree;

namespace Conclave.Store.Watching;

/// <summary>Fills a batch from the history, for a watcher that is behind its feed.</summary>
internal static class HistoryCatchUp
{
    /// <summary>Collects from the watcher's next revision on.</summary>
    /// <param name="watcher">Its next revision is not below the compacted one.</param>
    /// <param name="view">What to read.</param>
    /// <param name="batch">Begun for the watcher.</param>
    /// <param name="scanBudget">Changes to look at, at most; what was used is taken off.</param>
    /// <param name="reached">Everything below this revision is in the batch or unwanted.</param>
    /// <returns>True when the view's end was reached.</returns>
    public static bool Collect(Watcher watcher, StoreView view, WatchBatch batch, ref int scanBudget, out long reached)
    {
        reached = view.Revision + 1;
        return watcher.Feed.RangeEnd.Length == 0
            ? CollectKey(watcher, view, batch, ref reached)
            : CollectRange(watcher, view, batch, ref scanBudget, ref reached);
    }

    /// <summary>A single key knows its own versions; many thousands of such watchers come back at once after a restart.</summary>
    private static bool CollectKey(Watcher watcher, StoreView view, WatchBatch batch, ref long reached)
    {
        long from = watcher.NextRevision;
        if (from == view.CompactRevision && !CollectCompacted(watcher, view, batch))
            return Full(batch, ref reached);
        object? item = TreeReader<KeySlot>.Find(view.State.Root, watcher.Feed.Key);
        if (item is null)
            return true;
        ReadOnlySpan<KeyVersion> versions = item is KeyHistory history ? history.Versions : [new KeyVersion((byte[])item)];
        int first = KeyHistory.IndexAt(versions, Math.Max(from - 1, view.CompactRevision)) + 1;
        for (int i = first; i < versions.Length && versions[i].Revision <= view.Revision; i++)
        {
            byte[]? before = i == 0 || KeyValueWire.IsTombstone(versions[i - 1].Wire) ? null : versions[i - 1].Wire;
            if (!TryAdd(watcher, new Change(versions[i].Wire, before), versions[i].Revision, batch))
                return Full(batch, ref reached);
        }

        return true;
    }

    /// <summary>The compacted revision itself may have deleted the key, which only the log remembers.</summary>
    private static bool CollectCompacted(Watcher watcher, StoreView view, WatchBatch batch)
    {
        ChangeLogView log = view.Log;
        if (view.Faults.HasFlag(StoreFaults.MissCompactedRevision))
            return true;
        for (long sequence = log.FirstAt(view.CompactRevision); sequence < log.End; sequence++)
        {
            ref readonly Change change = ref log[sequence];
            if (change.Revision != view.CompactRevision)
                break;
            if (watcher.Feed.Range.Contains(KeyValueWire.Key(change.Wire)) && !TryAdd(watcher, change, change.Revision, batch))
                return false;
        }

        return true;
    }

    private static bool CollectRange(Watcher watcher, StoreView view, WatchBatch batch, ref int scanBudget, ref long reached)
    {
        ChangeLogView log = view.Log;
        KeyRange range = watcher.Feed.Range;
        for (long sequence = log.FirstAt(watcher.NextRevision); sequence < log.End; sequence++)
        {
            ref readonly Change change = ref log[sequence];
            if (range.Contains(KeyValueWire.Key(change.Wire)) && !TryAdd(watcher, change, change.Revision, batch))
                return Full(batch, ref reached);
            if (--scanBudget > 0)
                continue;

            // Out of budget: stop at the next revision, never inside one.
            long revision = change.Revision;
            if (sequence + 1 == log.End || log[sequence + 1].Revision == revision)
                continue;
            reached = revision + 1;
            return false;
        }

        return true;
    }

    private static bool TryAdd(Watcher watcher, in Change change, long revision, WatchBatch batch) =>
        !watcher.Wants(change) || batch.TryAdd(change, revision);

    private static bool Full(WatchBatch batch, ref long reached)
    {
        reached = batch.LastRevision + 1;
        return false;
    }
}
