using System.Diagnostics;
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
internal sealed class SnapshotKeeper(SnapshotStore snapshots, SnapshotId? last, int entriesBetween, Membership membership, Action<RaftInput> toCore, ILogger logger)
{
    /// <summary>Log bytes that always may gather before a snapshot: with less, large values cause one every second or two.</summary>
    private const long BytesBetweenMin = 128L << 20;

    /// <summary>Log bytes that never gather, however large the state is: they are in memory too.</summary>
    private const long BytesBetweenMax = 256L << 20;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    // Of the apply thread.
    private ulong _lastIndex = last?.Last.Index.Value ?? 0;
    private long _bytesSince;
    private long _notBefore;

    private Task _writing = Task.CompletedTask;

    /// <summary>A batch was applied and published as <paramref name="view"/>.</summary>
    public void OnApplied(StoreView view, EntryId applied, long payloadBytes)
    {
        _bytesSince += payloadBytes;
        long bytesBetween = Math.Clamp(view.SizeInUseBytes / 2, BytesBetweenMin, BytesBetweenMax);
        if (applied.Index.Value - _lastIndex < (ulong)entriesBetween && _bytesSince < bytesBetween) return;
        if (!_writing.IsCompleted || Stopwatch.GetTimestamp() < _notBefore) return;
        _lastIndex = applied.Index.Value;
        _bytesSince = 0;
        var id = new SnapshotId(applied, membership);
        _writing = Task.Run(() => Write(view, id));
    }

    /// <summary>A snapshot from the leader took the place of everything before.</summary>
    public void OnInstalled(SnapshotId snapshot)
    {
        _lastIndex = snapshot.Last.Index.Value;
        _bytesSince = 0;
    }

    /// <summary>Reads the state of a snapshot on disk.</summary>
    /// <exception cref="StorageException">The file is damaged.</exception>
    public KeyValueStore Load(SnapshotId snapshot, StoreOptions options)
    {
        using SnapshotFile file = snapshots.Latest() is { } latest && latest.Id.Last == snapshot.Last ? latest
            : throw Invariant.Unreachable($"Snapshot {snapshot.Last} was received and verified, and is not there.");
        using Stream content = file.OpenContent();
        return KeyValueStore.Load(content, options);
    }

    public Task StopAsync() => _writing;

    private void Write(StoreView view, SnapshotId id)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            using SnapshotWriter writer = snapshots.Create(id);
            KeyValueStore.Save(view, writer);
            using SnapshotFile file = writer.Commit();
            snapshots.Prune(keep: 2);
            toCore(RaftInput.SnapshotTaken(id));
            Log.SnapshotWritten(logger, id.Last.Index.Value, file.LengthBytes, (long)Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        catch (StorageException problem)
        {
            // The log still holds everything, so nothing is lost by trying later. A disk that is broken for good fails the log writer soon.
            Log.SnapshotFailed(logger, problem.Message);
            Volatile.Write(ref _notBefore, Stopwatch.GetTimestamp() + (long)(RetryDelay.TotalSeconds * Stopwatch.Frequency));
        }
    }
}
