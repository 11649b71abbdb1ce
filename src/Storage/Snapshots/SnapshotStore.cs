using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>A file that claims to be a snapshot.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Last">The entry that its name stands for.</param>
/// <param name="Problem">Why it cannot be used, as far as name, manifest and length tell; null when nothing is wrong with them.</param>
public sealed record SnapshotListing(string Path, EntryId Last, StorageException? Problem);

/// <summary>The snapshots of a node. May share the directory of the log, whose lock then covers both: open the log first.</summary>
/// <remarks>Several threads may use the store at once; a writer, or a receiver, belongs to one thread at a time.</remarks>
public sealed class SnapshotStore
{
    internal const string DamageRemedy = "Do not delete it by hand. The node goes on from an older snapshot if its log reaches back that far; otherwise, while the other members have a majority, replace this one: conclave member replace, with its name, says how. A single member needs a backup.";

    private readonly IFileSystem _files;
    private readonly string _directory;
    private readonly ulong _clusterId;
    private readonly Lock _gate = new(), _pruning = new();
    private SnapshotReceiver? _receiver; // under _gate

    /// <summary>Opens the store and removes what interrupted writers left behind.</summary>
    /// <param name="files">Where the directory is.</param>
    /// <param name="directory">Created if missing.</param>
    /// <param name="clusterId">Written into new snapshots and expected in existing ones; 0 accepts all.</param>
    /// <exception cref="StorageException">The directory cannot be read or written.</exception>
    public SnapshotStore(IFileSystem files, string directory, ulong clusterId = 0)
    {
        (_files, _directory, _clusterId) = (files, directory, clusterId);
        try
        {
            files.CreateDirectory(directory);
            foreach (string name in files.List(directory))
                if (SnapshotName.IsUnfinished(name))
                    files.Delete(Path.Combine(directory, name));
            files.SyncDirectory(directory); // names that a killed process left visible become durable before anybody relies on them
        }
        catch (FileSystemException failure)
        {
            throw StorageException.From(failure);
        }
    }

    /// <summary>Deliberate mistakes, for tests.</summary>
    internal StorageFaults Faults { get; init; }

    /// <summary>Begins a snapshot of the local state.</summary>
    /// <exception cref="StorageException">The disk is full or failed.</exception>
    public SnapshotWriter Create(SnapshotId id)
    {
        try
        {
            return new SnapshotWriter(new SnapshotDraft(_files, _directory, id.Last, SnapshotName.WriteSuffix) { Faults = Faults }, id, _clusterId, OpenWritten);
        }
        catch (FileSystemException failure)
        {
            throw StorageException.From(failure);
        }
    }

    /// <summary>
    /// Begins, or goes on with, the reception of a snapshot. The receiver of the last call is returned again if the manifest is the same, so
    /// a transfer that broke off resumes at <see cref="SnapshotReceiver.ReceivedBytes"/>, also from another sender; otherwise it is thrown away.
    /// One that threw is never returned again.
    /// </summary>
    /// <exception cref="StorageException">It belongs to another cluster, or the disk is full or failed.</exception>
    public SnapshotReceiver BeginReceive(SnapshotManifest manifest)
    {
        if (_clusterId != 0 && manifest.ClusterId != _clusterId)
            throw WrongCluster(SnapshotName.Of(manifest.Id.Last), manifest);
        lock (_gate)
        {
            if (_receiver is { IsDisposed: false } running && running.Manifest == manifest)
                return running;
            _receiver?.Dispose();
            try
            {
                return _receiver = new SnapshotReceiver(new SnapshotDraft(_files, _directory, manifest.Id.Last, SnapshotName.ReceiveSuffix) { Faults = Faults }, manifest, OpenWritten);
            }
            catch (FileSystemException failure)
            {
                throw StorageException.From(failure);
            }
        }
    }

    /// <summary>All files with the name of a snapshot, the newest first, also those that cannot be used.</summary>
    /// <exception cref="StorageException">The directory cannot be read.</exception>
    public IReadOnlyList<SnapshotListing> List()
    {
        var found = new List<SnapshotListing>();
        foreach (EntryId last in Names())
        {
            StorageException? problem = null;
            try
            {
                OpenListed(last).Dispose();
            }
            catch (StorageException failure)
            {
                problem = failure;
            }
            found.Add(new SnapshotListing(PathOf(last), last, problem));
        }
        return found;
    }

    /// <summary>
    /// The newest snapshot with a good manifest and length, for sending it to a peer; null if there is none. Damaged ones are passed
    /// over: for starting a node use <see cref="LoadNewest{T}(DurableLog, Func{SnapshotFile, T}, ICollection{string})"/>, which knows when that would lose data.
    /// </summary>
    /// <exception cref="StorageException">The directory cannot be read.</exception>
    public SnapshotFile? Latest()
    {
        foreach (EntryId last in Names())
        {
            try
            {
                return OpenListed(last);
            }
            catch (StorageException failure) when (failure.Kind == StorageErrorKind.Corrupt)
            {
                // List() shows it, and LoadNewest reports it at the next start.
            }
        }
        return null;
    }

    /// <summary>The snapshot up to that entry, whatever else there is; null if there is none.</summary>
    /// <exception cref="StorageException">Its manifest or length is damaged, or the device failed.</exception>
    public SnapshotFile? Open(EntryId last)
    {
        try
        {
            return OpenListed(last);
        }
        catch (StorageException failure) when (failure.InnerException is FileSystemException { Error: FileError.NotFound })
        {
            return null;
        }
    }

    /// <summary>
    /// Loads the newest snapshot at the start of a node. A damaged one may be passed over only if the log still holds everything after an older
    /// one, or everything at all: the node then rebuilds the same state, and says so in the notes. Otherwise, if the log was opened with
    /// <see cref="DurableLogOptions.AllowRepair"/>, the log is emptied and remembers how far it reached (<see cref="DurableLog.LostEnd"/>), and the
    /// state starts from an older snapshot, or from nothing: the other members have the rest.
    /// </summary>
    /// <param name="log">Just opened; nothing was written since.</param>
    /// <param name="load">Builds the state; lets the <see cref="StorageException"/> of <see cref="SnapshotFile.OpenContent"/> through. May be called again with an older file.</param>
    /// <param name="notes">Gets a sentence for every file that was passed over, and for a repair.</param>
    /// <returns>What was loaded, or null when there is no snapshot and none is needed any more. Goes into <see cref="DurableLog.StartFrom"/>.</returns>
    /// <remarks>
    /// Order of a repair, with a restart after any step going on where it was: the damaged files are copied to <c>quarantine/</c>; the log is reset, which is one
    /// update of the superblock; the damaged files are deleted.
    /// </remarks>
    /// <exception cref="StorageException">No usable snapshot reaches the beginning of the log and repair is not allowed; or one belongs to another cluster or version; or the disk failed.</exception>
    public T? LoadNewest<T>(DurableLog log, Func<SnapshotFile, T> load, ICollection<string> notes) where T : class =>
        new SnapshotRecovery<T>(this, _files, _directory, load, notes).Run(log);

    /// <summary>The same for a log that is not at hand; never repairs.</summary>
    /// <param name="logBase">The entry before the first of the log, <see cref="RecoveredLog.Base"/>.</param>
    /// <param name="load">As above.</param>
    /// <param name="notes">As above.</param>
    /// <exception cref="StorageException">No usable snapshot reaches the beginning of the log.</exception>
    public T? LoadNewest<T>(EntryId logBase, Func<SnapshotFile, T> load, ICollection<string> notes) where T : class =>
        new SnapshotRecovery<T>(this, _files, _directory, load, notes).Run(logBase);

    /// <summary>
    /// Takes a snapshot out of use that was found damaged while the node runs (see <see cref="Scrubber"/>): a copy goes to <c>quarantine/</c>, the file is deleted.
    /// Only when a newer one, or an older one that reaches the beginning of the log, is good: take a new snapshot first.
    /// </summary>
    /// <param name="last">Which.</param>
    /// <param name="boot">Of the log, <see cref="DurableLog.Boot"/>.</param>
    /// <returns>A note when no copy could be kept; null otherwise.</returns>
    /// <exception cref="StorageException">The disk failed.</exception>
    public string? Quarantine(EntryId last, ulong boot)
    {
        try
        {
            lock (_pruning)
            {
                string? note = Storage.Quarantine.Keep(_files, _directory, PathOf(last), boot);
                if (_files.List(_directory).Contains(SnapshotName.Of(last)))
                    _files.Delete(PathOf(last));
                _files.SyncDirectory(_directory);
                return note;
            }
        }
        catch (FileSystemException failure)
        {
            throw StorageException.From(failure);
        }
    }

    /// <summary>Deletes all but the newest snapshots. Files that are open stay readable.</summary>
    /// <param name="keep">How many usable ones to keep, at least 1. Older ones than these go, usable or not.</param>
    /// <param name="upTo">Newer ones than this are neither counted nor deleted: they were received, and may not be loaded yet.</param>
    /// <exception cref="StorageException">The disk failed.</exception>
    public void Prune(int keep, LogIndex? upTo = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        if ((Faults & StorageFaults.KeepSnapshots) != 0)
            return;
        try
        {
            lock (_pruning) // of two at once, one would find its files deleted
                foreach (SnapshotListing listing in List())
                    if (listing.Last.Index > upTo)
                        continue;
                    else if (keep <= 0)
                        _files.Delete(listing.Path);
                    else if (listing.Problem is null)
                        keep--;
        }
        catch (FileSystemException failure)
        {
            throw StorageException.From(failure);
        }
    }

    /// <summary>What the files' names stand for, the newest first.</summary>
    internal List<EntryId> Names()
    {
        try
        {
            var found = new List<EntryId>();
            foreach (string name in _files.List(_directory))
                if (SnapshotName.TryParse(name, out EntryId last))
                    found.Add(last);
            found.Sort(static (a, b) => a.Index == b.Index ? b.Term.CompareTo(a.Term) : b.Index.CompareTo(a.Index));
            return found;
        }
        catch (FileSystemException failure)
        {
            throw StorageException.From(failure);
        }
    }

    private string PathOf(EntryId last) => Path.Combine(_directory, SnapshotName.Of(last));

    private SnapshotFile OpenWritten(SnapshotManifest manifest) => OpenListed(manifest.Id.Last);

    internal SnapshotFile OpenListed(EntryId last)
    {
        string path = PathOf(last);
        IStorageFile? file = null;
        try
        {
            file = _files.Open(path);
            byte[] page = new byte[SnapshotManifest.Bytes];
            int read = file.Read(0, page);
            SnapshotManifest manifest = Check(path, page.AsSpan(0, read), last, file.Length);
            SnapshotFile opened = new(path, file, manifest);
            file = null;
            return opened;
        }
        catch (FileSystemException failure)
        {
            throw StorageException.From(failure);
        }
        finally
        {
            file?.Dispose();
        }
    }

    private SnapshotManifest Check(string path, ReadOnlySpan<byte> page, EntryId last, long length)
    {
        HeaderCheck check = SnapshotManifest.TryDecode(page, out SnapshotManifest? manifest, out string problem);
        if (check == HeaderCheck.OtherFormat)
            throw new StorageException(StorageErrorKind.WrongFormat, path, 12, problem, "Start the version that wrote it.");
        if (manifest is null)
            throw new StorageException(StorageErrorKind.Corrupt, path, 0, problem, DamageRemedy);
        if (manifest.Id.Last != last)
            throw new StorageException(StorageErrorKind.Corrupt, path, 24, $"It holds the snapshot at {manifest.Id.Last}. Was it renamed?", DamageRemedy);
        if (_clusterId != 0 && manifest.ClusterId != _clusterId)
            throw WrongCluster(path, manifest);
        if (length != SnapshotManifest.Bytes + manifest.BodyBytes)
            throw new StorageException(StorageErrorKind.Corrupt, path, Math.Min(length, SnapshotManifest.Bytes + manifest.BodyBytes),
                $"The file has {length} bytes instead of {SnapshotManifest.Bytes + manifest.BodyBytes}.", DamageRemedy);
        return manifest;
    }

    private StorageException WrongCluster(string path, SnapshotManifest manifest) => new(StorageErrorKind.WrongCluster, path, 16,
        $"The snapshot belongs to cluster {manifest.ClusterId:x}, not to {_clusterId:x}.", "Check where it came from; a node never takes the state of another cluster.");
}
