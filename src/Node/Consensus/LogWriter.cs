using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Node.Consensus;

/// <summary>The one thread that writes the log: everything that is queued goes into one write and one sync.</summary>
/// <remarks>
/// There is no timer and no size to wait for; batches form by themselves while the disk is busy. Messages that depend on a write leave from here,
/// straight after the sync, without another thread in between.
/// </remarks>
internal sealed class LogWriter
{
    private readonly DurableLog _log;
    private readonly PeerTransport _peers;
    private readonly Action<RaftInput> _toCore;
    private readonly Action<SnapshotId> _onReset;
    private readonly Action<Exception> _onFatal;
    private readonly Thread _thread;
    private readonly object _gate = new();

    // Under _gate.
    private List<Work> _queue = [];
    private bool _asleep;
    private bool _stopping;

    // Of the writer thread.
    private List<Work> _taken = [];
    private readonly List<PersistOp> _operations = [];
    private readonly List<OutboundMessage> _released = [];
    private HardState _hardState;

    private long _syncs;

    private readonly record struct Work(PersistOp? Operation, SnapshotId? Install, EntryId? CompactTo);

    /// <param name="log">Open and owned by this thread from now on.</param>
    /// <param name="hardState">As recovered.</param>
    /// <param name="peers">Where dependent messages go.</param>
    /// <param name="toCore">Reports tickets.</param>
    /// <param name="onReset">The log now begins after this snapshot: the state machine may follow.</param>
    /// <param name="onFatal">A write or a sync failed. Nothing more will be written.</param>
    public LogWriter(DurableLog log, HardState hardState, PeerTransport peers, Action<RaftInput> toCore, Action<SnapshotId> onReset, Action<Exception> onFatal)
    {
        (_log, _hardState, _peers, _toCore, _onReset, _onFatal) = (log, hardState, peers, toCore, onReset, onFatal);
        _thread = new Thread(Run) { Name = "log writer", IsBackground = true };
    }

    /// <summary>Called after each sync with its duration.</summary>
    public Action<TimeSpan>? OnSync { get; set; }

    public long Syncs => Interlocked.Read(ref _syncs);

    public void Start() => _thread.Start();

    /// <summary>Ends after what is queued has been written.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.Pulse(_gate);
        }

        if (Thread.CurrentThread != _thread && _thread.IsAlive) _thread.Join();
    }

    public void Enqueue(List<PersistOp> operations, SnapshotId? install, EntryId? compactTo)
    {
        lock (_gate)
        {
            foreach (PersistOp operation in operations) _queue.Add(new Work(operation, null, null));
            if (install is not null) _queue.Add(new Work(null, install, null));
            if (compactTo is not null) _queue.Add(new Work(null, null, compactTo));
            if (!_asleep) return;
            _asleep = false;
            Monitor.Pulse(_gate);
        }
    }

    private void Run()
    {
        try
        {
            while (Take())
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
                        _onReset(snapshot);
                    }
                    else if (work.CompactTo is { } upTo)
                    {
                        _log.CompactTo(upTo);
                    }
                }

                Write();
                _taken.Clear();
                PrepareWhileIdle();
            }
        }
        catch (Exception cause)
        {
            _onFatal(cause);
        }
    }

    /// <summary>Fills the log ahead with zeros as long as nothing waits: one bounded step between two looks.</summary>
    private void PrepareWhileIdle()
    {
        while (IsIdle() && _log.Prepare())
        {
        }
    }

    private bool IsIdle()
    {
        lock (_gate) return _queue.Count == 0 && !_stopping;
    }

    private bool Take()
    {
        lock (_gate)
        {
            while (_queue.Count == 0)
            {
                if (_stopping) return false;
                _asleep = true;
                Monitor.Wait(_gate);
                _asleep = false;
            }

            (_queue, _taken) = (_taken, _queue);
            return true;
        }
    }

    private void Write()
    {
        if (_operations.Count == 0) return;
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        _log.Persist(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_operations), _released);
        foreach (OutboundMessage message in _released) _peers.Enqueue(message.To, message.Message);
        if (_released.Count > 0) _peers.Flush();
        _released.Clear();
        foreach (PersistOp operation in _operations) _hardState = operation.HardState ?? _hardState;
        _toCore(RaftInput.Persisted(_operations[^1].Ticket));
        _operations.Clear();
        Interlocked.Increment(ref _syncs);
        OnSync?.Invoke(System.Diagnostics.Stopwatch.GetElapsedTime(start));
    }
}
