using Conclave.Store.History;

namespace Conclave.Store.Watching;

/// <summary>One watch on a stream: what it wants, and how far it has got.</summary>
internal sealed class Watcher(WatchSession session, long id, WatchFeed feed)
{
    public WatchSession Session { get; } = session;
    public long Id { get; } = id;
    public WatchFeed Feed { get; } = feed;
    public int KeyBytes { get; init; }
    public bool WantsPrevious { get; init; }
    public bool SkipsPuts { get; init; }
    public bool SkipsDeletes { get; init; }
    public bool TakesFragments { get; init; }
    public bool WantsProgress { get; init; }

    // Position: the session's, under its lock.

    /// <summary>The first revision of which the watcher may still miss something. Everything below was delivered.</summary>
    public long NextRevision { get; set; }

    /// <summary>Position in the feed; means nothing while <see cref="IsBehind"/>.</summary>
    public long Cursor { get; set; }

    /// <summary>Reads the history, not the feed.</summary>
    public bool IsBehind { get; set; }

    /// <summary>Waits in the session's ready queue.</summary>
    public bool IsQueued { get; set; }

    public bool IsRemoved { get; set; }

    /// <summary>Something was sent since the last look of the timer, and when that look was.</summary>
    public bool WasActive { get; set; }
    public long QuietSince { get; set; }
    public bool IsProgressDue { get; set; }

    // News: the hub's hand-over to the session. The hub sets IsMarked, the session clears it.

    /// <summary>In the session's list of news.</summary>
    public bool IsMarked;

    /// <summary>The first revision of the publish that marked it: nothing was missed below.</summary>
    public long MarkedRevision;

    public Watcher? NextMarked;

    // Registration: the hub's, under its lock.

    /// <summary>Index in the feed's list.</summary>
    public int FeedIndex { get; set; }

    public bool Wants(in Change change) => change.IsDelete ? !SkipsDeletes : !SkipsPuts;
}
