using System.Buffers;
using Conclave.Store.Watching;

namespace Conclave.Store;

/// <summary>The whole logic of one gRPC Watch stream, without thread or socket.</summary>
/// <remarks>
/// Thread-safe: requests may be submitted while messages are taken. A stream that does not take its messages costs its
/// watchers' positions and nothing else; what it missed is read from the history later, or, when that was compacted
/// meanwhile, its watchers are cancelled with the compacted revision.
/// </remarks>
public sealed partial class WatchSession : IDisposable
{
    /// <summary>Changes that one call looks at while it catches up; then it signals itself and comes back.</summary>
    private const int ScanBudget = 64 << 10;

    private readonly WatchHub _hub;
    private readonly IWatchSessionHost _host;
    private readonly Lock _lock = new();

    // Under the lock.
    private readonly Dictionary<long, Watcher> _watchers = [];
    private readonly Queue<WatchAnswer> _answers = new();
    private readonly Queue<Watcher> _ready = new();
    private readonly Queue<Watcher> _progressDue = new();
    private readonly WatchBatch _batch;
    private bool _progressRequested, _disposed;
    private long _nextId, _keyBytes;

    // The list of news: pushed by the hub, taken as a whole by the session.
    private Watcher? _marked;

    /// <param name="hub">The store's hub.</param>
    /// <param name="host">The stream.</param>
    public WatchSession(WatchHub hub, IWatchSessionHost host)
    {
        _hub = hub;
        _host = host;
        _batch = new WatchBatch(hub.Faults);
    }

    /// <summary>Watches of the stream, and the bytes of their keys and ends of ranges: what it costs while nothing happens.</summary>
    public (int Watches, long KeyBytes) Size
    {
        get
        {
            lock (_lock)
                return (_watchers.Count, _keyBytes);
        }
    }

    /// <summary>The number of the publish that last signalled this session; the hub's.</summary>
    internal long SignalledBy { get; set; }

    /// <summary>Writes at most one whole WatchResponse message.</summary>
    /// <returns>False when there is nothing now; <see cref="IWatchSessionHost.Signal"/> says when to ask again.</returns>
    public bool TryTake(IBufferWriter<byte> response)
    {
        lock (_lock)
        {
            if (_disposed)
                return false;
            if (_batch.IsPending)
            {
                _batch.WriteNext(_host, response);
                return true;
            }

            if (_answers.TryDequeue(out WatchAnswer answer))
            {
                WatchMessage.Write(answer, _host, response);
                return true;
            }

            // Read before the news are taken: all news up to this revision are among them.
            long fedRevision = _hub.FedRevision;
            TakeNews();
            return TryTakeEvents(response) || (_ready.Count == 0 && TryTakeProgress(fedRevision, response));
        }
    }

    /// <summary>Ends all watches of the stream. Nothing can be taken afterwards.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            foreach (Watcher watcher in _watchers.Values)
            {
                watcher.IsRemoved = true;
                _hub.Remove(watcher);
            }

            _watchers.Clear();
            _ready.Clear();
            _answers.Clear();
            _batch.Clear();
        }
    }

    internal void Signal() => _host.Signal();

    /// <summary>Notes that a watcher's feed has news. The hub's, under its lock.</summary>
    internal void Mark(Watcher watcher, long revision)
    {
        if (Volatile.Read(ref watcher.IsMarked))
            return;
        watcher.MarkedRevision = revision;
        Volatile.Write(ref watcher.IsMarked, true);
        Watcher? head = Volatile.Read(ref _marked);
        while (true)
        {
            watcher.NextMarked = head;
            Watcher? seen = Interlocked.CompareExchange(ref _marked, watcher, head);
            if (seen == head)
                return;
            head = seen;
        }
    }

    private void TakeNews()
    {
        if (Volatile.Read(ref _marked) is null)
            return;
        Watcher? watcher = Reversed(Interlocked.Exchange(ref _marked, null));
        while (watcher is not null)
        {
            Watcher? next = watcher.NextMarked;
            watcher.NextMarked = null;
            // A queued watcher has not finished what came before; another one has, up to this mark.
            if (!watcher.IsQueued)
            {
                watcher.NextRevision = Math.Max(watcher.NextRevision, watcher.MarkedRevision);
                Enqueue(watcher);
            }

            Volatile.Write(ref watcher.IsMarked, false);
            watcher = next;
        }

        // See WatchHub.Mark: the marks are cleared before any feed is looked at.
        Interlocked.MemoryBarrier();
    }

    // The list is last in, first out; whoever was marked first is served first.
    private static Watcher? Reversed(Watcher? head)
    {
        Watcher? reversed = null;
        while (head is not null)
            (head.NextMarked, reversed, head) = (reversed, head, head.NextMarked);
        return reversed;
    }

    private void Enqueue(Watcher watcher)
    {
        if (watcher.IsQueued || watcher.IsRemoved)
            return;
        watcher.IsQueued = true;
        _ready.Enqueue(watcher);
    }

    private void Remove(Watcher watcher)
    {
        watcher.IsRemoved = true;
        _watchers.Remove(watcher.Id);
        _keyBytes -= watcher.KeyBytes;
        _hub.Remove(watcher);
    }
}
