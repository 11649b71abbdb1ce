using Conclave.Raft;
using Conclave.Storage;
using Conclave.Store;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Consensus;

/// <summary>Decides when this node's state goes to a snapshot file, and writes it in the background.</summary>
/// <remarks>
/// The log in memory and on disk holds what the last snapshot does not, so snapshots are what bounds both. One follows when enough entries, or
/// enough bytes in relation to the state, were applied since the last: writing a large state for every small stretch of log would cost more than
/// the log does. A view is immutable, so the apply thread goes on while it is written.
/// One that cannot be written costs nothing but time, so it is tried again; but not for ever, because the log grows meanwhile. A disk that fails ends the node after a
/// few tries, a full one, or one that allows no file of this size, makes it ask for room (<see cref="IsOutOfRoom"/>), and anything else ends it when the log has become too long.
/// </remarks>
/// <param name="snapshots">Where they are.</param>
/// <param name="last">The newest at the start.</param>
/// <param name="entriesBetween">Entries from one to the next, if they do not become too many bytes before.</param>
/// <param name="membership">As of <paramref name="last"/>.</param>
/// <param name="toCore">Told of each.</param>
/// <param name="onFatal">None can be written, and the log must not grow further.</param>
/// <param name="logger">For one line each.</param>
/// <param name="clock">For the delay between tries.</param>
/// <param name="bytesUnsavedMax">See <see cref="BytesUnsavedMax"/>.</param>
internal sealed partial class SnapshotKeeper(
    SnapshotStore snapshots, SnapshotId? last, int entriesBetween, Membership membership, Action<RaftInput> toCore, Action<Exception> onFatal, ILogger logger, TimeProvider? clock = null,
    long bytesUnsavedMax = SnapshotKeeper.BytesUnsavedMax)
{
    /// <summary>Log bytes that always may gather before a snapshot: with less, large values cause one every second or two.</summary>
    private const long BytesBetweenMin = 128L << 20;

    /// <summary>Log bytes that never gather, however large the state is: they are in memory too.</summary>
    private const long BytesBetweenMax = 256L << 20;

    /// <summary>Log bytes since the last snapshot above which one that finds no room on the disk is a matter of the whole cluster.</summary>
    internal const long BytesUnsavedMax = 2 * BytesBetweenMax;

    /// <summary>Log bytes since the last snapshot above which the next is written as fast as can be.</summary>
    private const long BytesUnsavedHurry = BytesBetweenMax + BytesBetweenMin;

    /// <summary>Log bytes since the last snapshot above which one that fails for no reason known ends the node.</summary>
    internal const long BytesUnsavedEnd = 4 * BytesBetweenMax;

    /// <summary>Failures of the disk in a row that are no passing matter.</summary>
    internal const int DiskFailuresMax = 3;

    /// <summary>One failure is no reason to end, however long the log is: what a start after it finds is the same log.</summary>
    private const int FailuresMin = 2;

    /// <summary>The newest, and one to fall back to when it is damaged.</summary>
    private const int Kept = 2;

    /// <summary>From a failure to the next try.</summary>
    internal static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _clock = clock ?? TimeProvider.System;

    // Of the apply thread.
    private ulong _lastIndex = last?.Last.Index.Value ?? 0;
    private long _bytesSince;
    private Membership _membership = membership;

    // Set by anybody, read by the apply thread.
    private ulong _wantedIndex;

    // Set by the task, read and cleared by the apply thread.
    private volatile bool _failed;
    private volatile bool _isStopping;
    private volatile bool _noRoom;
    private volatile bool _isRoomKnown;   // one was tried since the start
    private long _failedAt;

    // Of the task.
    private int _failures, _diskFailures;   // in a row

    private Task _writing = Task.CompletedTask;
    private readonly Lock _gate = new();

    // Under _gate.
    private (EntryId Last, long Written) _newest = (last?.Last ?? EntryId.Zero, 0);
    private long _bytesUnsaved;   // applied since the start, or since what the newest snapshot holds
    private long _epoch;   // of the state: another one for each that came from elsewhere

    /// <summary>Last entry of the newest snapshot of the state that this member has, written here or received, and how many that were the newest were written here since the start. All are durable.</summary>
    public (EntryId Last, long Written) Newest
    {
        get
        {
            lock (_gate) return _newest;
        }
    }

    /// <summary>The last snapshot found no room on the disk, and the log has become so long that nothing should be added to it until one does.</summary>
    public bool IsOutOfRoom => _noRoom && BytesUnsaved > bytesUnsavedMax;

    /// <summary>The log is that long, and none was tried since the start: it may be because there was no room before it.</summary>
    public bool IsRoomUnknown => !_isRoomKnown && BytesUnsaved > bytesUnsavedMax;

    /// <summary>The last try failed long enough ago for the next, or it is time for the first. Without it a node that applies nothing would never try.</summary>
    public bool IsTryDue => IsRoomUnknown || IsRetryDue;

    private bool IsRetryDue => _failed && _clock.GetElapsedTime(_failedAt) >= RetryDelay;

    private long BytesUnsaved
    {
        get
        {
            lock (_gate) return _bytesUnsaved;
        }
    }

    /// <summary>Asks for a snapshot of a state that has applied this index; it is begun with the next batch that does.</summary>
    public void Want(ulong index) => Volatile.Write(ref _wantedIndex, index);

    /// <summary>Another membership was applied; the batch that it is in follows.</summary>
    public void OnMembership(Membership applied) => _membership = applied;

    /// <summary>A batch was applied and published as <paramref name="view"/>.</summary>
    public void OnApplied(StoreView view, EntryId applied, long payloadBytes)
    {
        _bytesSince += payloadBytes;
        lock (_gate) _bytesUnsaved += payloadBytes;
        long bytesBetween = Math.Clamp(view.SizeInUseBytes / 2, BytesBetweenMin, BytesBetweenMax);
        ulong wanted = Volatile.Read(ref _wantedIndex);
        bool isWanted = _lastIndex < wanted && applied.Index.Value >= wanted;
        if (!isWanted && !_failed && applied.Index.Value - _lastIndex < (ulong)entriesBetween && _bytesSince < bytesBetween) return;
        if (_failed && !IsRetryDue) return;
        TakeNow(view, applied);
    }

    /// <summary>Writes one now, unless one is being written.</summary>
    public void TakeNow(StoreView view, EntryId applied)
    {
        if (!_writing.IsCompleted || applied.Index == LogIndex.Zero) return;
        _failed = false;
        _lastIndex = applied.Index.Value;
        _bytesSince = 0;
        var id = new SnapshotId(applied, _membership);
        (long bytes, long epoch) = (0, 0);
        lock (_gate) (bytes, epoch) = (_bytesUnsaved, _epoch);
        // A thread of its own: it rests between pieces.
        _writing = Task.Factory.StartNew(() => Write(view, id, bytes, epoch), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>A snapshot from the leader took the place of everything before.</summary>
    public void OnInstalled(SnapshotId snapshot)
    {
        _lastIndex = snapshot.Last.Index.Value;
        _bytesSince = 0;
        _membership = snapshot.Membership;
        OnNewer(snapshot.Last);
        _failed = false;   // what could not be written is out of date
        TryPrune(snapshot.Last);
    }

    /// <summary>Another member's state replaced a wrong one: the snapshots of the wrong one go.</summary>
    public void OnReplaced(SnapshotId snapshot)
    {
        _lastIndex = snapshot.Last.Index.Value;
        _bytesSince = 0;
        _membership = snapshot.Membership;
        OnNewer(snapshot.Last);
        TryPrune(snapshot.Last, keep: 1);
    }

    /// <summary>Reads the state of a snapshot on disk.</summary>
    /// <exception cref="StorageException">The file is damaged.</exception>
    public KeyValueStore Load(SnapshotId snapshot, StoreOptions options)
    {
        // Not the newest: another one may have arrived since.
        using SnapshotFile file = snapshots.Open(snapshot.Last)
            ?? throw Invariant.Unreachable($"Snapshot {snapshot.Last} was received and verified, and is not there.");
        using Stream content = file.OpenContent();
        return KeyValueStore.Load(content, options);
    }

    /// <summary>Ends when the one that is being written is done, or has failed. Never throws.</summary>
    internal Task Writing => _writing;

    /// <summary>Gives up the one that is being written: the log holds everything that it would, and the rest of a large one takes longer than a stop may. Waits until that is done. Never throws.</summary>
    public Task StopAsync()
    {
        _isStopping = true;
        return _writing;
    }

    /// <summary>Not while somebody waits for one; and a log that grows faster than the snapshot does is worse than slow writes.</summary>
    private bool MayRest() => !_isStopping && Volatile.Read(ref _wantedIndex) <= Newest.Last.Index.Value && BytesUnsaved < BytesUnsavedHurry;

    private void Write(StoreView view, SnapshotId id, long logBytes, long epoch)
    {
        long start = _clock.GetTimestamp();
        try
        {
            using SnapshotWriter writer = snapshots.Create(id);
            using (var paced = new PacedStream(writer, () => _isStopping, MayRest, Thread.Sleep, _clock)) KeyValueStore.Save(view, paced);
            if (!IsCurrent(epoch)) return;   // not kept: the state that it holds may have been a wrong one
            using SnapshotFile file = writer.Commit();
            if (!IsCurrent(epoch))
            {
                TryPrune(Newest.Last, keep: 1);
                return;
            }

            TryPrune(id.Last);
            toCore(RaftInput.SnapshotTaken(id));
            lock (_gate)
            {
                if (_epoch != epoch) return;
                if (id.Last.Index >= _newest.Last.Index) _newest = (id.Last, _newest.Written + 1);
                _bytesUnsaved -= logBytes;
            }

            (_failures, _diskFailures, _noRoom, _isRoomKnown) = (0, 0, false, true);
            Log.SnapshotWritten(logger, id.Last.Index.Value, file.LengthBytes, (long)_clock.GetElapsedTime(start).TotalMilliseconds);
        }
        catch (PacedStream.AbandonedException)
        {
            // The node stops. What is written of it goes with its writer.
        }
        catch (Exception problem)
        {
            if (IsCurrent(epoch)) OnFailed(problem);
        }
    }

    /// <summary>The log still holds everything, so nothing is lost by trying later.</summary>
    private void OnFailed(Exception problem)
    {
        Log.SnapshotFailed(logger, problem is StorageException ? problem.Message : problem.ToString());
        _noRoom = problem is StorageException { Kind: StorageErrorKind.NoSpace };
        _failures++;
        bool isDisk = problem is StorageException && !_noRoom && problem.InnerException is not FileSystemException { Error: FileError.Exhausted };
        _diskFailures = isDisk ? _diskFailures + 1 : 0;
        _isRoomKnown = true;   // after what is known
        // A cluster that has met a bug while it saves its state is better off with a long log than without members, as long as there is memory for it.
        if (_diskFailures >= DiskFailuresMax || (!_noRoom && _failures >= FailuresMin && BytesUnsaved > BytesUnsavedEnd)) onFatal(problem);
        _failedAt = _clock.GetTimestamp();
        _failed = true;   // after the time, which counts from now on
    }

    /// <summary>A write that was begun before another state took the place of the own one, and ends after it, says nothing of that state.</summary>
    private bool IsCurrent(long epoch)
    {
        lock (_gate) return _epoch == epoch;
    }

    private void OnNewer(EntryId snapshot)
    {
        lock (_gate)
        {
            _epoch++;
            if (snapshot.Index >= _newest.Last.Index) _newest = (snapshot, _newest.Written);
            _bytesUnsaved = 0;   // all that is applied here came with it
        }
    }

    private void TryPrune(EntryId newest, int keep = Kept)
    {
        try
        {
            snapshots.Prune(keep, newest.Index);
        }
        catch (StorageException problem)
        {
            // The next snapshot is followed by the next try; until then there is a file too many.
            PruneFailed(logger, problem.Message);
        }
    }

    [LoggerMessage(2110, LogLevel.Warning, "Old snapshots could not be removed: {Problem}.")]
    private static partial void PruneFailed(ILogger logger, string problem);
}
