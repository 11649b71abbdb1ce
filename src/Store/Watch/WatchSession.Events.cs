using System.Buffers;
using Conclave.Store.History;
using Conclave.Store.Watching;

namespace Conclave.Store;

/// <summary>What a session sends by itself: events, cancellations, progress.</summary>
public sealed partial class WatchSession
{
    private bool TryTakeEvents(IBufferWriter<byte> response)
    {
        int scanBudget = ScanBudget;
        for (int left = _ready.Count; left > 0; left--)
        {
            Watcher watcher = _ready.Dequeue();
            watcher.IsQueued = false;
            if (watcher.IsRemoved)
                continue;
            if (TryServe(watcher, ref scanBudget, response))
                return true;
            if (scanBudget > 0)
                continue;
            // Enough for one call; the stream's thread may have others to serve.
            _host.Signal();
            return false;
        }

        return false;
    }

    /// <summary>Sends a watcher what it has not seen. It is queued again when that is not all.</summary>
    private bool TryServe(Watcher watcher, ref int scanBudget, IBufferWriter<byte> response)
    {
        if (!watcher.IsBehind && !TryCollectFromFeed(watcher))
        {
            watcher.IsBehind = true;
            if (_hub.Faults.HasFlag(StoreFaults.ResendAfterInstall))
                watcher.NextRevision--;
        }

        if (watcher.IsBehind && !TryCollectFromHistory(watcher, ref scanBudget))
        {
            CancelCompacted(watcher, response);
            return true;
        }

        if (_batch.Count == 0)
            return false;
        watcher.WasActive = true;
        _batch.WriteNext(_host, response);
        return true;
    }

    /// <returns>False when the feed has moved on too far; the batch is empty then.</returns>
    private bool TryCollectFromFeed(Watcher watcher)
    {
        // Up to here the feed is complete. What lies above waits for its publish to end, which signals.
        long fedRevision = _hub.FedRevision;
        WatchFeed feed = watcher.Feed;
        _batch.Begin(watcher, _hub.View.CompactRevision);
        long cursor = watcher.Cursor, end = feed.End;
        bool isFull = false;
        for (; cursor < end; cursor++)
        {
            if (!feed.TryRead(cursor, out Change change))
            {
                _batch.Clear();
                return false;
            }

            long revision = change.Revision;
            if (revision > fedRevision)
                break;
            if (revision < watcher.NextRevision || !watcher.Wants(change))
                continue;
            if (_batch.TryAdd(change, revision))
                continue;
            isFull = true;
            break;
        }

        watcher.Cursor = cursor;
        long reached = isFull ? _batch.LastRevision + 1 : fedRevision + 1;
        watcher.NextRevision = Math.Max(watcher.NextRevision, reached);
        if (cursor < end)
            Enqueue(watcher);
        _batch.Close(reached - 1);
        return true;
    }

    /// <returns>False when the history does not reach back far enough.</returns>
    private bool TryCollectFromHistory(Watcher watcher, ref int scanBudget)
    {
        // The position first: what is appended behind it may also be in the view, and is passed over by its revision.
        long position = watcher.Feed.End;
        StoreView view = _hub.View;
        if (watcher.NextRevision < view.CompactRevision)
            return false;
        if (_hub.Faults.HasFlag(StoreFaults.SkipInCatchUp))
            watcher.NextRevision++;
        _batch.Begin(watcher, view.CompactRevision);
        bool atEnd = HistoryCatchUp.Collect(watcher, view, _batch, ref scanBudget, out long reached);
        watcher.NextRevision = Math.Max(watcher.NextRevision, reached);
        _batch.Close(reached - 1);
        if (!atEnd)
        {
            Enqueue(watcher);
            return true;
        }

        // From here on by the feed. News that were taken before this view was read are in it; later ones mark the watcher again.
        watcher.IsBehind = false;
        watcher.Cursor = position;
        return true;
    }

    private void CancelCompacted(Watcher watcher, IBufferWriter<byte> response)
    {
        Remove(watcher);
        var answer = new WatchAnswer(watcher.Id, Revision: 0, Created: false, Canceled: true, _hub.View.CompactRevision, "");
        WatchMessage.Write(answer, _host, response);
    }

    /// <param name="fedRevision">All news up to it have been served.</param>
    /// <param name="response">Gets the message.</param>
    private bool TryTakeProgress(long fedRevision, IBufferWriter<byte> response)
    {
        while (_progressDue.TryDequeue(out Watcher? watcher))
        {
            watcher.IsProgressDue = false;
            if (watcher.IsRemoved || watcher.WasActive || !IsSynced(watcher, fedRevision))
                continue;
            WriteProgress(watcher.Id, fedRevision, response);
            return true;
        }

        if (!_progressRequested || !AreAllSynced(fedRevision))
            return false;
        _progressRequested = false;
        WriteProgress(WatchAnswer.NoWatch, fedRevision, response);
        return true;
    }

    private void WriteProgress(long watchId, long revision, IBufferWriter<byte> response) =>
        WatchMessage.Write(new WatchAnswer(watchId, revision, Created: false, Canceled: false, CompactRevision: 0, ""), _host, response);

    // A watcher that starts in the future must not be told of a revision before its start.
    private bool IsSynced(Watcher watcher, long revision) =>
        (!watcher.IsBehind && watcher.NextRevision <= revision + 1) || _hub.Faults.HasFlag(StoreFaults.ProgressOvertakesEvents);

    private bool AreAllSynced(long revision)
    {
        foreach (Watcher watcher in _watchers.Values)
        {
            if (!IsSynced(watcher, revision))
                return false;
        }

        return _watchers.Count > 0;
    }
}
