namespace Conclave.Storage;

/// <summary>The directories of the simulated disk: names that programs see, names that are durable, and the changes between.</summary>
internal sealed class SimulatedNames
{
    private readonly Dictionary<string, SimulatedInode> _visible = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SimulatedInode> _durable = new(StringComparer.Ordinal);
    private readonly List<NameChange> _unsynced = [];

    internal long UsedBytes
    {
        get
        {
            long bytes = 0;
            foreach (SimulatedInode file in _visible.Values)
                bytes += file.AllocatedBytes;
            return bytes;
        }
    }

    internal SimulatedInode Find(string path) =>
        _visible.TryGetValue(path, out SimulatedInode? file) ? file : throw new FileSystemException(FileError.NotFound, path, "does not exist");

    internal IReadOnlyList<string> List(string directory)
    {
        var names = new List<string>();
        foreach (string path in _visible.Keys)
            if (Path.GetDirectoryName(path) == directory)
                names.Add(Path.GetFileName(path));
        names.Sort(StringComparer.Ordinal);
        return names;
    }

    internal SimulatedInode Create(string path)
    {
        var file = new SimulatedInode();
        if (!_visible.TryAdd(path, file))
            throw new FileSystemException(FileError.Exists, path, "exists");
        _unsynced.Add(new NameChange(null, path, file));
        return file;
    }

    internal void Rename(string source, string target, bool lose)
    {
        SimulatedInode file = Find(source);
        _visible.Remove(source);
        _visible[target] = file;
        if (!lose)
            _unsynced.Add(new NameChange(source, target, file));
    }

    internal void Delete(string path)
    {
        SimulatedInode file = Find(path);
        _visible.Remove(path);
        _unsynced.Add(new NameChange(path, null, file));
    }

    internal void Sync(string directory)
    {
        int kept = 0;
        for (int i = 0; i < _unsynced.Count; i++)
        {
            NameChange change = _unsynced[i];
            if (Path.GetDirectoryName(change.Target ?? change.Source) == directory)
                Keep(change);
            else
                _unsynced[kept++] = change;
        }
        _unsynced.RemoveRange(kept, _unsynced.Count - kept);
    }

    internal void PowerCut(ref SimulatedRandom random, bool filesInOrder)
    {
        // A journal keeps a prefix of the changes. A file system without one may keep any of them, so half of the cuts do that.
        bool inOrder = random.Coin();
        int prefix = random.Below(_unsynced.Count + 1);
        for (int i = 0; i < _unsynced.Count; i++)
            if (inOrder ? i < prefix : random.Coin())
                Keep(_unsynced[i]);
        _unsynced.Clear();
        _visible.Clear();

        // In the order of the names: the order of a hash table must not decide which random numbers a file gets.
        var paths = new List<string>(_durable.Keys);
        paths.Sort(StringComparer.Ordinal);
        var seen = new HashSet<SimulatedInode>(ReferenceEqualityComparer.Instance);
        foreach (string path in paths)
        {
            SimulatedInode file = _durable[path];
            if (seen.Add(file))
                file.PowerCut(ref random, filesInOrder);
            _visible.Add(path, file);
        }
    }

    internal void CopyTo(SimulatedNames other)
    {
        foreach ((string path, SimulatedInode file) in _visible)
            other._visible[path] = other._durable[path] = file.Copy();
    }

    internal IEnumerable<string> Paths => _visible.Keys.Order(StringComparer.Ordinal);

    /// <summary>Forgets everything, durably.</summary>
    internal void Clear()
    {
        _visible.Clear();
        _durable.Clear();
        _unsynced.Clear();
    }

    private void Keep(NameChange change)
    {
        if (change.Source is null)
        {
            // Out of order, a creation may meet a name whose rename away was lost: then the creation is lost as well.
            _durable.TryAdd(change.Target!, change.File); // a change has a source or a target
            return;
        }
        // Also when an earlier rename of the file was lost: no file system leaves a file under two names.
        foreach ((string path, SimulatedInode file) in _durable)
            if (file == change.File)
                _durable.Remove(path);
        if (change.Target is not null)
            _durable[change.Target] = change.File;
    }

    /// <summary>No source: created. No target: deleted. Both: renamed.</summary>
    private readonly record struct NameChange(string? Source, string? Target, SimulatedInode File);
}
