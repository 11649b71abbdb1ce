using Conclave.Store.History;
using Conclave.Store.Requests;
using Conclave.Store.Watching;

namespace Conclave.Store;

/// <summary>Where published changes meet the watchers of all sessions.</summary>
/// <remarks>
/// A publish, on the writer's thread: each new change is appended to the feeds that contain its key, the watchers of
/// those feeds are marked in their sessions, and each such session is signalled once. Nothing is copied per watcher,
/// nothing waits for one. The numbers in the order in which a session relies on them:
/// 1. the view is published, 2. the feeds get its changes, 3. the watchers are marked, 4. <see cref="FedRevision"/>
/// says so, 5. the sessions are signalled.
/// </remarks>
public sealed class WatchHub
{
    private readonly KeyValueStore _store;
    private readonly Lock _lock = new();
    private readonly FeedIndex _feeds = new();

    // Only the writer, inside a publish.
    private readonly List<WatchFeed> _found = [], _touched = [];
    private readonly List<WatchSession> _toSignal = [];
    private long _publishes, _fedSequence;
    private long _fedRevision;
    private int _watchers;

    internal WatchHub(KeyValueStore store, long progressMilliseconds)
    {
        _store = store;
        ProgressMilliseconds = progressMilliseconds;
        _fedRevision = store.View.Revision;
        _fedSequence = store.View.Log.End;
    }

    /// <summary>Watchers of all sessions.</summary>
    public int WatcherCount => Volatile.Read(ref _watchers);

    internal long ProgressMilliseconds { get; }

    internal StoreView View => _store.View;

    internal StoreFaults Faults => _store.Faults;

    /// <summary>Everything up to this revision is in the feeds, and its watchers are marked.</summary>
    internal long FedRevision => Volatile.Read(ref _fedRevision);

    /// <param name="view">What readers see from now on.</param>
    /// <param name="log">Ends where the view's log ends, and still holds all changes since the last call.</param>
    internal void OnPublished(StoreView view, ChangeLogView log)
    {
        lock (_lock)
        {
            if (!_feeds.IsEmpty)
                Feed(log);
            _fedSequence = log.End;
            Volatile.Write(ref _fedRevision, view.Revision);
        }

        Signal();
    }

    /// <summary>The state was replaced by a later one: all watchers go on from the history of that one.</summary>
    internal void OnReplaced(StoreView view)
    {
        lock (_lock)
        {
            _feeds.CopyAll(_touched);
            foreach (WatchFeed feed in _touched)
                feed.Break();
            Mark();
            _fedSequence = view.Log.End;
            Volatile.Write(ref _fedRevision, view.Revision);
        }

        Signal();
    }

    /// <summary>Registers a watcher from now on: what is published later is in its feed from the cursor on.</summary>
    /// <param name="session">Whose watcher.</param>
    /// <param name="id">Free in the session.</param>
    /// <param name="create">Checked.</param>
    /// <param name="view">The state that the watcher starts behind.</param>
    internal Watcher Add(WatchSession session, long id, in WatchCreateRequest create, out StoreView view)
    {
        lock (_lock)
        {
            WatchFeed feed = _feeds.GetOrAdd(create.Key, create.RangeEnd);
            var watcher = new Watcher(session, id, feed)
            {
                KeyBytes = create.Key.Length + create.RangeEnd.Length,
                WantsPrevious = create.PreviousWanted,
                SkipsPuts = create.SkipsPuts,
                SkipsDeletes = create.SkipsDeletes,
                TakesFragments = create.Fragment,
                WantsProgress = create.Progress,
                FeedIndex = feed.Watchers.Count,
                Cursor = feed.End,
            };
            feed.Watchers.Add(watcher);
            _watchers++;
            view = _store.View;
            return watcher;
        }
    }

    internal void Remove(Watcher watcher)
    {
        lock (_lock)
        {
            List<Watcher> watchers = watcher.Feed.Watchers;
            Watcher last = watchers[^1];
            watchers[watcher.FeedIndex] = last;
            last.FeedIndex = watcher.FeedIndex;
            watchers.RemoveAt(watchers.Count - 1);
            if (watchers.Count == 0)
                _feeds.Remove(watcher.Feed);
            _watchers--;
        }
    }

    private void Feed(ChangeLogView log)
    {
        for (long sequence = _fedSequence; sequence < log.End; sequence++)
        {
            ref readonly Change change = ref log[sequence];
            _feeds.Find(KeyValueWire.Key(change.Wire), _found);
            foreach (WatchFeed feed in _found)
            {
                feed.Append(change);
                if (feed.IsTouched)
                    continue;
                feed.IsTouched = true;
                _touched.Add(feed);
            }

            _found.Clear();
        }

        Mark();
    }

    private void Mark()
    {
        // A session clears the mark and then looks at the feed; the feed was changed above and then the mark is looked
        // at. With a full fence on both sides one of the two sees the other.
        Interlocked.MemoryBarrier();
        _publishes++;
        foreach (WatchFeed feed in _touched)
        {
            feed.IsTouched = false;
            foreach (Watcher watcher in feed.Watchers)
            {
                WatchSession session = watcher.Session;
                session.Mark(watcher, _fedRevision + 1);
                if (session.SignalledBy == _publishes)
                    continue;
                session.SignalledBy = _publishes;
                _toSignal.Add(session);
            }
        }

        _touched.Clear();
    }

    private void Signal()
    {
        foreach (WatchSession session in _toSignal)
            session.Signal();
        _toSignal.Clear();
    }
}
