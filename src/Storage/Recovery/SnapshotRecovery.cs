using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>Finds the snapshot that a state can start from, and carries out what <see cref="RecoveryDecision"/> makes of it.</summary>
internal sealed class SnapshotRecovery<T>(SnapshotStore store, IFileSystem files, string directory, Func<SnapshotFile, T> load, ICollection<string> notes) where T : class
{
    private readonly List<EntryId> _damaged = [];
    private StorageException? _problem;
    private EntryId _loadedLast;
    private bool _mayRepair;

    /// <summary>For a log that is sound and must not be repaired.</summary>
    internal T? Run(EntryId logBase)
    {
        T? loaded = Find(logBase, out SnapshotFinding finding);
        var sound = new RecoveryFindings { Segments = SegmentsFinding.Whole, LogEnd = LogEndFinding.Clean, HardStateKnown = true };
        return RecoveryDecision.Of(sound with { Snapshot = finding }).Snapshot == SnapshotOutcome.Refuse ? throw Refusal(logBase) : loaded;
    }

    internal T? Run(DurableLog log)
    {
        _mayRepair = log.Findings.AllowRepair;
        T? loaded = Find(log.Base, out SnapshotFinding finding);
        RecoveryDecision decision = RecoveryDecision.Of(log.Findings with { Snapshot = finding });
        if (decision.Snapshot == SnapshotOutcome.Refuse)
            throw Refusal(log.Base);
        bool empty = decision.Snapshot == SnapshotOutcome.ResetLog;
        if (empty)
            loaded = FindOlder(log.Base);
        if (!_mayRepair)
            return loaded;
        try
        {
            foreach (EntryId damaged in _damaged)
                if (Quarantine.Keep(files, directory, Path.Combine(directory, SnapshotName.Of(damaged)), log.Boot) is { } note)
                    notes.Add(note);
            if (empty)
            {
                EntryId last = log.Last;
                log.ResetToNothing(_loadedLast);
                notes.Add($"{decision.Reason} The log, which reached entry {last}, was emptied; the state starts {(loaded is null ? "from nothing" : $"from the snapshot at {_loadedLast}")}.");
            }
            // A damaged file must not be counted among those that are kept, nor be offered to others.
            foreach (EntryId damaged in _damaged)
                files.Delete(Path.Combine(directory, SnapshotName.Of(damaged)));
            files.SyncDirectory(directory);
        }
        catch (FileSystemException failure)
        {
            throw StorageException.From(failure);
        }
        return loaded;
    }

    private T? Find(EntryId logBase, out SnapshotFinding finding)
    {
        foreach (EntryId last in store.Names())
        {
            if (last.Index < logBase.Index)
                break;
            if (TryLoad(last) is { } loaded)
            {
                finding = _damaged.Count == 0 ? SnapshotFinding.Newest : SnapshotFinding.Older;
                return loaded;
            }
            if (_problem is { Kind: StorageErrorKind.WrongCluster or StorageErrorKind.WrongFormat })
            {
                finding = _problem.Kind == StorageErrorKind.WrongCluster ? SnapshotFinding.OtherCluster : SnapshotFinding.OtherFormat;
                return null;
            }
        }
        bool isLogWhole = logBase.Index == LogIndex.Zero; // it holds everything from the first entry on
        finding = !isLogWhole ? SnapshotFinding.Unusable : _damaged.Count == 0 ? SnapshotFinding.NotNeeded : SnapshotFinding.Older;
        return null;
    }

    private T? FindOlder(EntryId logBase)
    {
        foreach (EntryId last in store.Names())
            if (last.Index < logBase.Index && TryLoad(last) is { } loaded)
                return loaded;
        return null;
    }

    /// <summary>Null when it is damaged, or belongs to somebody else; then <see cref="_problem"/> says so.</summary>
    private T? TryLoad(EntryId last)
    {
        try
        {
            using SnapshotFile file = store.OpenListed(last);
            T loaded = load(file);
            _loadedLast = last;
            return loaded;
        }
        catch (StorageException failure) when (failure.Kind is StorageErrorKind.WrongCluster or StorageErrorKind.WrongFormat)
        {
            _problem = failure;
            return null;
        }
        catch (StorageException failure) when (failure.Kind == StorageErrorKind.Corrupt || (_mayRepair && failure.Kind == StorageErrorKind.Io))
        {
            _problem ??= failure;
            _damaged.Add(last);
            notes.Add($"{failure.Message} It was passed over.");
            return null;
        }
    }

    private StorageException Refusal(EntryId logBase) =>
        _problem ?? StorageException.Corrupt(directory, null, $"The log begins after entry {logBase}, and no snapshot covers what came before.");
}
