using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>A snapshot file that is being written under a temporary name, by a writer or a receiver.</summary>
internal sealed class SnapshotDraft : IDisposable
{
    /// <summary>Synced this often, so that one huge sync at the end does not hold up the log on the same disk.</summary>
    private const int SyncEveryBytes = 4 << 20;

    private readonly IFileSystem _files;
    private readonly string _directory, _temporary;
    private readonly IStorageFile _file;
    private long _position = SnapshotManifest.Bytes, _unsynced;
    private bool _committed;

    internal SnapshotDraft(IFileSystem files, string directory, EntryId last, string suffix)
    {
        (_files, _directory, Last) = (files, directory, last);
        _temporary = Path.Combine(directory, SnapshotName.Of(last) + suffix);
        if (files.List(directory).Contains(Path.GetFileName(_temporary)))
            files.Delete(_temporary); // an earlier attempt that could not be removed
        _file = files.Create(_temporary);
    }

    internal EntryId Last { get; }

    /// <summary>Deliberate mistakes, for tests.</summary>
    internal StorageFaults Faults { get; init; }

    internal long Chunks { get; private set; }

    internal long ContentBytes { get; private set; }

    internal ulong ContentHash { get; private set; }

    /// <summary>Appends a chunk that is sealed or was checked.</summary>
    internal void Append(ReadOnlySpan<byte> chunk)
    {
        _file.Write(_position, chunk);
        ReadOnlySpan<byte> content = chunk[SnapshotChunk.HeaderBytes..];
        ContentHash = SnapshotChunk.Hash(ContentHash, content);
        (Chunks, ContentBytes) = (Chunks + 1, ContentBytes + content.Length);
        (_position, _unsynced) = (_position + chunk.Length, _unsynced + chunk.Length);
        if (_unsynced >= SyncEveryBytes)
        {
            _file.Sync();
            _unsynced = 0;
        }
    }

    /// <summary>
    /// Chunks are durable before the manifest is written, the manifest before the file has its name, and the name before anybody
    /// hears of it. A file with a snapshot's name is therefore whole, or was damaged later.
    /// </summary>
    internal void Commit(SnapshotManifest manifest)
    {
        bool sync = (Faults & StorageFaults.SnapshotNamedBeforeSync) == 0;
        if (sync)
            _file.Sync();
        _file.Write(0, manifest.Encode());
        if (sync)
            _file.Sync();
        _file.Dispose();
        _files.Rename(_temporary, Path.Combine(_directory, SnapshotName.Of(Last)));
        _files.SyncDirectory(_directory);
        _committed = true;
    }

    public void Dispose()
    {
        _file.Dispose();
        if (_committed)
            return;
        _committed = true;
        try
        {
            _files.Delete(_temporary);
        }
        catch (FileSystemException)
        {
            // The next start, or the next attempt at the same snapshot, removes it.
        }
    }
}
