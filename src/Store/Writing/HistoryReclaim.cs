using Conclave.Store.History;

namespace Conclave.Store.Writing;

/// <summary>Gives back what a compaction made unreadable, a bounded piece at a time.</summary>
/// <remarks>
/// Whether a read or watch is refused depends on the compacted revision alone, which changes at once and alike on all
/// members; when the memory goes is this member's own affair. Only keys that changed since the last compaction have
/// anything to give, and the log names them.
/// </remarks>
internal sealed class HistoryReclaim(StoreState state)
{
    private long _next, _end;

    /// <summary>The compacted revision below which nothing is held any more.</summary>
    public long ReclaimedRevision { get; private set; } = state.CompactRevision;

    public bool IsPending => ReclaimedRevision < state.CompactRevision;

    /// <summary>The compacted revision has changed.</summary>
    public void Begin()
    {
        _next = Math.Max(_next, state.Log.Start);
        _end = state.Log.View.FirstAt(state.CompactRevision + 1);
    }

    /// <summary>Looks at no more than this many changes.</summary>
    public void Step(int changes)
    {
        if (!IsPending)
            return;
        ChangeLogView log = state.Log.View;
        for (; _next < _end && changes > 0; _next++, changes--)
            Reclaim(KeyValueWire.Key(log[_next].Wire));
        if (_next < _end)
            return;

        // The changes of the compacted revision itself stay: a watch may start there.
        state.Log.DropBefore(log.FirstAt(state.CompactRevision));
        ReclaimedRevision = state.CompactRevision;
    }

    private void Reclaim(ReadOnlySpan<byte> key)
    {
        if (state.Keys.Seek(key) is not KeyHistory history)
            return;
        ReadOnlySpan<KeyVersion> versions = history.Versions;
        int readable = KeyHistory.IndexAt(versions, state.CompactRevision);
        if (readable < 0)
            return;
        bool isReadableNeeded = !KeyValueWire.IsTombstone(versions[readable].Wire) && !state.Faults.HasFlag(StoreFaults.CompactLiveVersion);
        int drop = !isReadableNeeded ? readable + 1 : readable;
        int keep = versions.Length - drop;
        // A key that changes all the time keeps a long history; copying it for a few versions would cost more than they.
        // They go with a later compaction, which meets the kept ones in the log.
        if (drop == 0 || drop < keep / 4)
            return;
        for (int i = 0; i < drop; i++)
            state.Reclaimed(versions[i].Wire);
        if (keep == 0)
            state.Keys.Remove(weight: 0);
        else
            state.Keys.Replace(keep == 1 ? versions[drop].Wire : new KeyHistory(versions[drop..]), weightChange: 0);
    }
}
