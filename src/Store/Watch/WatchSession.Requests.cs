using Conclave.Store.Requests;
using Conclave.Store.Watching;

namespace Conclave.Store;

/// <summary>What a session is asked.</summary>
public sealed partial class WatchSession
{
    private const int AnswersMax = 1024;

    /// <summary>False while so many answers wait to be taken that the stream should not read more requests.</summary>
    public bool WantsRequests
    {
        get
        {
            lock (_lock)
                return _answers.Count < AnswersMax;
        }
    }

    /// <summary>Create, cancel or progress. An empty request is ignored.</summary>
    /// <returns><see cref="StoreError.Malformed"/> when the bytes are no WatchRequest: end the stream.</returns>
    public StoreError Submit(ReadOnlySpan<byte> watchRequest)
    {
        if (!WatchRequest.TryParse(watchRequest, out WatchRequest request))
            return StoreError.Malformed;
        lock (_lock)
        {
            if (_disposed)
                return StoreError.None;
            switch (request.Kind)
            {
                case WatchRequestKind.Create:
                    if (!WatchCreateRequest.TryParse(request.Body, out WatchCreateRequest create))
                        return StoreError.Malformed;
                    Create(create);
                    break;
                case WatchRequestKind.Cancel:
                    if (!WatchRequest.TryParseCancel(request.Body, out long watchId))
                        return StoreError.Malformed;
                    Cancel(watchId);
                    break;
                case WatchRequestKind.Progress:
                    // Whoever is behind or starts later makes the request go without an answer; the client asks again.
                    _progressRequested |= AreAllSynced(_hub.View.Revision);
                    break;
            }
        }

        _host.Signal();
        return StoreError.None;
    }

    /// <summary>Answers a create request that the caller refuses, for example for want of permission.</summary>
    /// <param name="cancelReason">The text for the client.</param>
    public void Refuse(string cancelReason)
    {
        lock (_lock)
            RefuseUnderLock(cancelReason);
        _host.Signal();
    }

    /// <summary>Drives progress_notify: a watcher that asked for it and was sent nothing for the hub's interval is told the revision.</summary>
    /// <param name="nowMilliseconds">A monotonic clock. Silence is measured between calls, so call several times per interval.</param>
    public void OnTimer(long nowMilliseconds)
    {
        bool any = false;
        lock (_lock)
        {
            foreach (Watcher watcher in _watchers.Values)
            {
                if (!watcher.WantsProgress)
                    continue;
                if (watcher.WasActive)
                {
                    watcher.WasActive = false;
                    watcher.QuietSince = nowMilliseconds;
                }
                else if (nowMilliseconds - watcher.QuietSince >= _hub.ProgressMilliseconds && !watcher.IsProgressDue)
                {
                    watcher.QuietSince = nowMilliseconds;
                    watcher.IsProgressDue = true;
                    _progressDue.Enqueue(watcher);
                    any = true;
                }
            }
        }

        if (any)
            _host.Signal();
    }

    private void Create(in WatchCreateRequest create)
    {
        if (new KeyRange(create.Key, create.RangeEnd).IsEmpty)
        {
            RefuseUnderLock("mvcc: watcher range is empty");
            return;
        }

        if (create.WatchId != 0 && _watchers.ContainsKey(create.WatchId))
        {
            RefuseUnderLock("mvcc: duplicate watch ID provided on the WatchStream");
            return;
        }

        if (create.StartRevision < 0)
        {
            RefuseUnderLock("etcdserver: mvcc: required revision has been compacted");
            return;
        }

        long id = create.WatchId != 0 ? create.WatchId : NextFreeId();
        Watcher watcher = _hub.Add(this, id, create, out StoreView view);
        _answers.Enqueue(new WatchAnswer(id, view.Revision, Created: true, Canceled: false, CompactRevision: 0, ""));
        if (create.StartRevision > 0 && create.StartRevision < view.CompactRevision)
        {
            _hub.Remove(watcher);
            _answers.Enqueue(new WatchAnswer(id, Revision: 0, Created: false, Canceled: true, view.CompactRevision, ""));
            return;
        }

        _watchers.Add(id, watcher);
        _keyBytes += watcher.KeyBytes;
        watcher.NextRevision = create.StartRevision == 0 ? view.Revision + 1 : create.StartRevision;
        watcher.WasActive = true;   // its silence begins now
        if (watcher.NextRevision > view.Revision)
            return;
        watcher.IsBehind = true;
        Enqueue(watcher);
    }

    private void Cancel(long watchId)
    {
        if (!_watchers.TryGetValue(watchId, out Watcher? watcher))
            return;
        Remove(watcher);
        _answers.Enqueue(new WatchAnswer(watchId, _hub.View.Revision, Created: false, Canceled: true, CompactRevision: 0, ""));
    }

    private void RefuseUnderLock(string reason) =>
        _answers.Enqueue(new WatchAnswer(WatchAnswer.NoWatch, _hub.View.Revision, Created: true, Canceled: true, CompactRevision: 0, reason));

    private long NextFreeId()
    {
        while (_watchers.ContainsKey(_nextId))
            _nextId++;
        return _nextId++;
    }
}
