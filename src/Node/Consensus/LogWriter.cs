using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Node.Consensus;

/// <summary>Writes the log, one thread at a time: everything that is queued goes into one write and one sync.</summary>
/// <remarks>
/// There is no timer and no size to wait for; batches form by themselves while the disk is busy. Messages that depend on a write leave from here,
/// straight after the sync, without another thread in between.
/// </remarks>
internal sealed class LogWriter : SerialWorker
{
    private readonly DurableLog _log;
    private readonly PeerTransport _peers;
    private readonly Action<RaftInput> _toCore;
    private readonly IDriver _driver;
    private readonly Action<SnapshotId> _onReset;
    private readonly Action<Exception> _onFatal;

    // Under the worker's lock.
    private List<Work> _queue = [];

    // Of whoever runs the worker.
    private List<Work> _taken = [];
    private readonly List<PersistOp> _operations = [];
    private readonly List<OutboundMessage> _released = [];
    private HardState _hardState;

    /// <summary>A sync above this is a slow one.</summary>
    private static readonly TimeSpan FastSyncMax = TimeSpan.FromMilliseconds(20);

    /// <summary>From finding the disk full to looking again, when nothing is written meanwhile.</summary>
    private static readonly TimeSpan SpaceCheckInterval = TimeSpan.FromSeconds(1);

    private long _syncs, _spaceChecked;
    private ulong _durable;
    private volatile bool _isFast = true, _isSpaceLow, _isHeld;

    private readonly record struct Work(PersistOp? Operation, SnapshotId? Install, EntryId? CompactTo);

    /// <param name="log">Open and owned by this worker from now on.</param>
    /// <param name="hardState">As recovered.</param>
    /// <param name="peers">Where dependent messages go.</param>
    /// <param name="toCore">Reports tickets.</param>
    /// <param name="driver">Gives the other workers their turn.</param>
    /// <param name="onReset">The log now begins after this snapshot: the state machine may follow.</param>
    /// <param name="onFatal">A write or a sync failed. Nothing more will be written.</param>
    public LogWriter(DurableLog log, HardState hardState, PeerTransport peers, Action<RaftInput> toCore, IDriver driver, Action<SnapshotId> onReset, Action<Exception> onFatal)
        : base("log writer")
    {
        (_log, _hardState, _peers, _toCore, _driver, _onReset, _onFatal) = (log, hardState, peers, toCore, driver, onReset, onFatal);
        (_durable, _isSpaceLow) = (log.Last.Index.Value, log.IsSpaceLow);
    }

    /// <summary>Called after each sync with its duration.</summary>
    public Action<TimeSpan>? OnSync { get; set; }

    /// <summary>Last entry that is durable here. Never behind what any message has said.</summary>
    public LogIndex Durable => new(Volatile.Read(ref _durable));

    public long Syncs => Interlocked.Read(ref _syncs);

    /// <summary>The last sync was no slower than 20 ms.</summary>
    public bool IsFast => _isFast;

    /// <summary>The disk has no room for the log to grow beyond the segment that it has in hand.</summary>
    /// <remarks>When that one is used up too, what was queued waits here until there is room. To the core this is a disk that has stalled.</remarks>
    public bool IsSpaceLow => _isSpaceLow;

    /// <summary>Called when <see cref="IsSpaceLow"/> has changed, on a thread that must not be held up.</summary>
    public Action? OnSpaceChanged { get; set; }

    /// <param name="operations">In ticket order.</param>
    /// <param name="install">Reset the log to it, after the operations.</param>
    /// <param name="compactTo">Forget up to here, after the operations.</param>
    public void Enqueue(List<PersistOp> operations, SnapshotId? install, EntryId? compactTo) =>
        Add((this, operations, install, compactTo), static s =>
        {
            List<Work> queue = s.Item1._queue;
            foreach (PersistOp operation in s.operations) queue.Add(new Work(operation, null, null));
            if (s.install is not null) queue.Add(new Work(null, s.install, null));
            if (s.compactTo is not null) queue.Add(new Work(null, null, s.compactTo));
        }, wake: false);

    /// <summary>The log may forget up to here, because a snapshot of the own state that reaches this far is durable; as far as the log holds it already.</summary>
    public void EnqueueCompact(EntryId upTo) => Add((this, upTo), static s => s.Item1._queue.Add(new Work(null, null, s.upTo)), wake: true);

    protected override bool HasWorkUnderLock => _queue.Count > 0 && !_isHeld;

    /// <summary>Nobody tells when room was made on a full disk.</summary>
    protected override TimeSpan? Alarm =>
        _isSpaceLow || _isHeld ? SpaceCheckInterval - System.Diagnostics.Stopwatch.GetElapsedTime(Volatile.Read(ref _spaceChecked)) : null;

    protected override bool FinishesBeforeStop => true;

    protected override void TakeUnderLock()
    {
        if (_taken.Count == 0)
        {
            (_queue, _taken) = (_taken, _queue);
            return;
        }

        _taken.AddRange(_queue);   // behind what waits for space
        _queue.Clear();
    }

    protected override void Run(bool borrowed)
    {
        int done = 0;
        while (done < _taken.Count && TryDo(_taken[done])) done++;
        bool all = done == _taken.Count && TryWrite();
        _taken.RemoveRange(0, done);
        NoteSpace();
        if (!all) Volatile.Write(ref _spaceChecked, System.Diagnostics.Stopwatch.GetTimestamp());
        _isHeld = !all;
    }

    /// <returns>False when there is no room for it, or for what came before it; then it has to be tried again.</returns>
    private bool TryDo(Work work)
    {
        if (work.Operation is { } operation)
        {
            _operations.Add(operation);
            return true;
        }

        if (!TryWrite()) return false;
        if (work.Install is { } snapshot)
        {
            if (!_log.TryReserve()) return false;
            _log.ResetTo(snapshot.Last, _hardState);
            Volatile.Write(ref _durable, snapshot.Last.Index.Value);
            _onReset(snapshot);
        }
        else if (work.CompactTo is { } upTo)
        {
            if (upTo.Index <= _log.Last.Index) _log.CompactTo(upTo);   // else the entries are still on their way to the disk, and the core asks again
        }

        return true;
    }

    protected override void AfterOwnRun()
    {
        _driver.DriveWithoutLog();
        // Fills the log ahead with zeros as long as nothing waits: one bounded step between two looks.
        while (TryPrepare())
        {
        }
    }

    protected override void OnFailure(Exception cause) => _onFatal(cause);

    private bool TryPrepare()
    {
        // On a full disk every look makes a file and removes it again: not after each write.
        if (_isHeld || (_isSpaceLow && System.Diagnostics.Stopwatch.GetElapsedTime(Volatile.Read(ref _spaceChecked)) < SpaceCheckInterval)) return false;
        try
        {
            bool more = IsIdle && _log.Prepare();
            Volatile.Write(ref _spaceChecked, System.Diagnostics.Stopwatch.GetTimestamp());
            NoteSpace();
            return more;
        }
        catch (Exception cause)
        {
            _onFatal(cause);
            return false;
        }
    }

    private void NoteSpace()
    {
        if (_log.IsSpaceLow == _isSpaceLow) return;
        _isSpaceLow = _log.IsSpaceLow;
        Volatile.Write(ref _spaceChecked, System.Diagnostics.Stopwatch.GetTimestamp());
        OnSpaceChanged?.Invoke();
    }

    /// <returns>False when the disk has no room for all of it; the rest stays.</returns>
    private bool TryWrite()
    {
        if (_operations.Count == 0) return true;
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        int written = _log.PersistWhatFits(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_operations), _released);
        if (written == 0) return false;
        Volatile.Write(ref _durable, _log.Last.Index.Value);
        foreach (OutboundMessage message in _released) _peers.Enqueue(message.To, message.Message);
        if (_released.Count > 0) _peers.Flush();
        _released.Clear();
        for (int i = 0; i < written; i++) _hardState = _operations[i].HardState ?? _hardState;
        _toCore(RaftInput.Persisted(_operations[written - 1].Ticket));
        _operations.RemoveRange(0, written);
        Interlocked.Increment(ref _syncs);
        TimeSpan duration = System.Diagnostics.Stopwatch.GetElapsedTime(start);
        _isFast = duration <= FastSyncMax;
        OnSync?.Invoke(duration);
        return _operations.Count == 0;
    }
}
