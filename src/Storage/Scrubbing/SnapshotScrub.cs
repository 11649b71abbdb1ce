using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>Checks a snapshot: manifest, every chunk, and the whole.</summary>
internal sealed class SnapshotScrub : IScrub
{
    private readonly string _path;
    private readonly EntryId _last;
    private readonly SnapshotFile? _file;
    private readonly Stream? _content;
    private readonly StorageException? _problem;
    private readonly byte[] _buffer = new byte[SnapshotManifest.DefaultChunkBytes];

    private SnapshotScrub(string path, EntryId last, SnapshotFile? file, StorageException? problem)
    {
        (_path, _last, _file, _problem) = (path, last, file, problem);
        file?.DropCache(); // the disk is what is checked, not the memory
        _content = file?.OpenContent();
    }

    /// <summary>Null when it was pruned meanwhile.</summary>
    internal static SnapshotScrub? TryBegin(SnapshotStore store, string path, EntryId last)
    {
        try
        {
            return store.Open(last) is { } file ? new SnapshotScrub(path, last, file, null) : null;
        }
        catch (StorageException problem)
        {
            return new SnapshotScrub(path, last, null, problem);
        }
    }

    public (long Read, bool More, ScrubFinding? Finding) Step(long bytes)
    {
        if (_problem is not null)
            return (SnapshotManifest.Bytes, false, Finding(_problem));
        long read = 0;
        try
        {
            while (read < bytes)
            {
                int count = _content!.Read(_buffer); // there is one when there is no problem
                if (count == 0)
                    return (read + SnapshotManifest.Bytes, false, null);
                read += count;
            }
            return (read, true, null);
        }
        catch (StorageException problem)
        {
            return (read + 1, false, Finding(problem));
        }
    }

    public void Dispose()
    {
        _content?.Dispose();
        _file?.Dispose();
    }

    private ScrubFinding Finding(StorageException problem) => new(_path, problem.Offset, new LogIndex(1), _last, problem.Problem, ScrubRemedy.ReplaceSnapshot);
}
