using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>
/// Reads cold files again, a little at a time, and checks every checksum: damage is found while the other members, and this node's own memory, still have
/// what it hit.
/// </summary>
/// <remarks>
/// <para>No thread, no timer, no pace: whoever calls <see cref="Step"/> decides when and how much. The segment that is written to is left out, and so are files that
/// appear during a round. Runs beside the <see cref="DurableLog"/> of the directory, also in another thread, because it only reads files that
/// are never written again, and believes no damage in a file that was recycled meanwhile.</para>
/// <para>One thread at a time.</para>
/// </remarks>
public sealed class Scrubber(IFileSystem files, string directory, SnapshotStore snapshots) : IDisposable
{
    private readonly LogFiles _names = new(files, directory);
    private readonly Queue<ulong> _segments = [];
    private readonly Queue<EntryId> _snapshots = [];
    private IScrub? _running;
    private bool _isRoundOpen;

    /// <summary>Reads on for about that many bytes.</summary>
    /// <param name="bytes">At least 1. Less than a batch, at most a few MiB usually, is rounded up to one.</param>
    /// <exception cref="StorageException">The directory cannot be listed. Files that cannot be read are findings.</exception>
    public ScrubStep Step(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        try
        {
            if (!_isRoundOpen)
                BeginRound();
            long read = 0;
            while (read < bytes)
            {
                _running ??= Next();
                if (_running is null)
                {
                    _isRoundOpen = false;
                    return new ScrubStep(read, true, null);
                }
                (long done, bool more, ScrubFinding? finding) = _running.Step(bytes - read);
                read += done;
                if (more)
                    continue;
                _running.Dispose();
                _running = null;
                if (finding is not null && IsStillThere(finding.File))
                    return new ScrubStep(read, false, finding);
            }
            return new ScrubStep(read, false, null);
        }
        catch (FileSystemException failure)
        {
            throw StorageException.From(failure);
        }
    }

    public void Dispose()
    {
        _running?.Dispose();
        _running = null;
    }

    private void BeginRound()
    {
        _segments.Clear();
        _snapshots.Clear();
        foreach (string name in files.List(directory)) // in the order of the numbers
            if (LogFiles.TryParseSegment(name, out ulong sequence))
                _segments.Enqueue(sequence);
        foreach (EntryId last in snapshots.Names())
            _snapshots.Enqueue(last);
        _isRoundOpen = true;
    }

    private IScrub? Next()
    {
        while (_segments.Count > 1) // the last one is written to
            if (Begin(_names.SegmentPath(_segments.Dequeue())) is { } segment)
                return segment;
        _segments.Clear();
        while (_snapshots.TryDequeue(out EntryId last))
            if (SnapshotScrub.TryBegin(snapshots, Path.Combine(directory, SnapshotName.Of(last)), last) is { } snapshot)
                return snapshot;
        return null;
    }

    private SegmentScrub? Begin(string path)
    {
        try
        {
            return new SegmentScrub(files, path, _names.SegmentPath(_segments.Peek()));
        }
        catch (FileSystemException failure) when (failure.Error == FileError.NotFound)
        {
            return null; // recycled since the round began
        }
    }

    /// <summary>A segment that was recycled while it was read shows zeros or newer batches, and is gone under its old name before the first of them is written.</summary>
    private bool IsStillThere(string path) => files.List(directory).Contains(Path.GetFileName(path));
}

/// <summary>One file on its way through the scrubber.</summary>
internal interface IScrub : IDisposable
{
    /// <summary>Reads about that many bytes. Without more, the file is done or damaged.</summary>
    (long Read, bool More, ScrubFinding? Finding) Step(long bytes);
}
