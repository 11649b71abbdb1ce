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
/// </remarks>
internal sealed partial class SnapshotKeeper(SnapshotStore snapshots, SnapshotId? last, int entriesBetween, Membership membership, Action<RaftInput> toCore, ILogger logger, TimeProvider? clock = null)
{
    /// <summary>Log bytes that always may gather before a snapshot: with less, large values cause one every second or two.</summary>
    private const long BytesBetweenMin = 128L << 20;

    /// <summary>Log bytes that never gather, however large the state is: they are in memory too.</summary>
    private const long BytesBetweenMax = 256L << 20;

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
    private long _failedAt;

    private Task _writing = Task.CompletedTask;
    private (EntryId Last, long Written) _newest = (last?.Last ?? EntryId.Zero, 0);   // under _gate
    private readonly Lock _gate = new();

    /// <summary>Last entry of the newest snapshot of the state that this member has, written here or received, and how many that were the newest were written here since the start. All are durable.</summary>
    public (EntryId Last, long Written) Newest
    {
        get
        {
            lock (_gate) return _newest;
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
        long bytesBetween = Math.Clamp(view.SizeInUseBytes / 2, BytesBetweenMin, BytesBetweenMax);
        ulong wanted = Volatile.Read(ref _wantedIndex);
        bool isWanted = _lastIndex < wanted && applied.Index.Value >= wanted;
        if (!isWanted && !_failed && applied.Index.Value - _lastIndex < (ulong)entriesBetween && _bytesSince < bytesBetween) return;
        if (_failed && _clock.GetElapsedTime(_failedAt) < RetryDelay) return;
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
        _writing = Task.Run(() => Write(view, id));
    }

    /// <summary>A snapshot from the leader took the place of everything before.</summary>
    public void OnInstalled(SnapshotId snapshot)
    {
        _lastIndex = snapshot.Last.Index.Value;
        _bytesSince = 0;
        _membership = snapshot.Membership;
        OnNewer(snapshot.Last, written: 0);
        _failed = false;   // what could not be written is out of date
        TryPrune(snapshot.Last);
    }

    /// <summary>Another member's state replaced a wrong one: the snapshots of the wrong one go.</summary>
    public void OnReplaced(SnapshotId snapshot)
    {
        _lastIndex = snapshot.Last.Index.Value;
        _bytesSince = 0;
        _membership = snapshot.Membership;
        OnNewer(snapshot.Last, written: 0);
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

    /// <summary>Waits for the one that is being written. Never throws.</summary>
    public Task StopAsync() => _writing;

    private void Write(StoreView view, SnapshotId id)
    {
        long start = _clock.GetTimestamp();
        try
        {
            using SnapshotWriter writer = snapshots.Create(id);
            KeyValueStore.Save(view, writer);
            using SnapshotFile file = writer.Commit();
            TryPrune(id.Last);
            toCore(RaftInput.SnapshotTaken(id));
            OnNewer(id.Last, written: 1);
            Log.SnapshotWritten(logger, id.Last.Index.Value, file.LengthBytes, (long)_clock.GetElapsedTime(start).TotalMilliseconds);
        }
        catch (Exception problem)
        {
            // The log still holds everything, so nothing is lost by trying later. A disk that is broken for good fails the log writer soon.
            Log.SnapshotFailed(logger, problem is StorageException ? problem.Message : problem.ToString());
            _failedAt = _clock.GetTimestamp();
            _failed = true;   // after the time, which counts from now on
        }
    }

    /// <summary>One that was begun before another state took the place of the own one, and ends after it, is of no account.</summary>
    private void OnNewer(EntryId snapshot, int written)
    {
        lock (_gate)
        {
            if (snapshot.Index >= _newest.Last.Index) _newest = (snapshot, _newest.Written + written);
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
