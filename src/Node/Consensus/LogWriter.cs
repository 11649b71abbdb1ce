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
    private volatile bool _isFast = true, _isSpaceLow;

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
        _durable = log.Last.Index.Value;
    }

    /// <summary>Called after each sync with its duration.</summary>
    public Action<TimeSpan>? OnSync { get; set; }

    /// <summary>Last entry that is durable here. Never behind what any message has said.</summary>
    public LogIndex Durable => new(Volatile.Read(ref _durable));

    public long Syncs => Interlocked.Read(ref _syncs);

    /// <summary>The last sync was no slower than 20 ms.</summary>
    public bool IsFast => _isFast;

    /// <summary>The disk has no room for the log to grow.</summary>
    public bool IsSpaceLow => _isSpaceLow;

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

    protected override bool HasWorkUnderLock => _queue.Count > 0;

    /// <summary>Nobody tells when room was made on a full disk.</summary>
    protected override TimeSpan? Alarm =>
        _isSpaceLow ? SpaceCheckInterval - System.Diagnostics.Stopwatch.GetElapsedTime(Volatile.Read(ref _spaceChecked)) : null;

    protected override bool FinishesBeforeStop => true;

    protected override void TakeUnderLock() => (_queue, _taken) = (_taken, _queue);

    protected override void Run(bool borrowed)
    {
        foreach (Work work in _taken)
        {
            if (work.Operation is { } operation)
            {
                _operations.Add(operation);
                continue;
            }

            Write();
            if (work.Install is { } snapshot)
            {
                _log.ResetTo(snapshot.Last, _hardState);
                Volatile.Write(ref _durable, snapshot.Last.Index.Value);
                _onReset(snapshot);
            }
            else if (work.CompactTo is { } upTo)
            {
                if (upTo.Index <= _log.Last.Index) _log.CompactTo(upTo);   // else the entries are still on their way to the disk, and the core asks again
            }
        }

        Write();
        _taken.Clear();
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
        try
        {
            bool more = IsIdle && _log.Prepare();
            Volatile.Write(ref _spaceChecked, System.Diagnostics.Stopwatch.GetTimestamp());
            _isSpaceLow = _log.IsSpaceLow;
            return more;
        }
        catch (Exception cause)
        {
            _onFatal(cause);
            return false;
        }
    }

    private void Write()
    {
        if (_operations.Count == 0) return;
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        _log.Persist(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_operations), _released);
        Volatile.Write(ref _durable, _log.Last.Index.Value);
        foreach (OutboundMessage message in _released) _peers.Enqueue(message.To, message.Message);
        if (_released.Count > 0) _peers.Flush();
        _released.Clear();
        foreach (PersistOp operation in _operations) _hardState = operation.HardState ?? _hardState;
        _toCore(RaftInput.Persisted(_operations[^1].Ticket));
        _operations.Clear();
        Interlocked.Increment(ref _syncs);
        TimeSpan duration = System.Diagnostics.Stopwatch.GetElapsedTime(start);
        (_isFast, _isSpaceLow) = (duration <= FastSyncMax, _log.IsSpaceLow);
        OnSync?.Invoke(duration);
    }
}
