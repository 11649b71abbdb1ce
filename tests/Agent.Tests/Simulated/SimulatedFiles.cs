namespace Conclave.Agent.Tests.Simulated;

/// <summary>Thrown where the process ends.</summary>
internal sealed class CrashException : Exception;

/// <summary>A disk that can lose its power before each call, and then loses any of the names that were not synced.</summary>
internal sealed class SimulatedFiles(Action step) : IFiles
{
    private readonly Dictionary<string, (byte[] Bytes, UnixFileMode Mode)> _now = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (byte[] Bytes, UnixFileMode Mode)> _durable = new(StringComparer.Ordinal);
    private readonly List<(string Directory, Action<Dictionary<string, (byte[], UnixFileMode)>> Change)> _unsynced = [];

    /// <summary>Fails the next writes, as a full disk does.</summary>
    public int WritesToFail { get; set; }

    /// <summary>Whether it is there also after a loss of power now.</summary>
    public bool IsDurable(string path) => _durable.ContainsKey(path);

    public byte[]? Read(string path) => _now.TryGetValue(path, out var file) ? file.Bytes : null;

    public FileStat? Look(string path) => _now.TryGetValue(path, out var file) ? new FileStat(FileKind.File, file.Mode, 0, 0) : null;

    public void Write(string path, ReadOnlySpan<byte> bytes, UnixFileMode mode, FileOwner owner)
    {
        byte[] all = bytes.ToArray(), half = all[..(all.Length / 2)];
        Do(Path.GetDirectoryName(path)!, names => names[path] = (half, mode));
        if (WritesToFail > 0)
        {
            WritesToFail--;
            Do(Path.GetDirectoryName(path)!, names => names.Remove(path));
            throw new FileFailure($"Cannot write {path}: there is no space left.");
        }

        step();
        Do(Path.GetDirectoryName(path)!, names => names[path] = (all, mode));
    }

    public void Rename(string path, string target)
    {
        step();
        (byte[], UnixFileMode) file = _now.TryGetValue(path, out var known) ? known : throw new FileFailure($"{path} is not there.");
        Do(Path.GetDirectoryName(path)!, names =>
        {
            names.Remove(path);
            names[target] = file;
        });
    }

    public void SyncDirectory(string directory)
    {
        step();
        foreach ((string at, var change) in _unsynced.ToArray())
        {
            if (at == directory) change(_durable);
        }

        _unsynced.RemoveAll(u => u.Directory == directory);
    }

    public void Delete(string path)
    {
        step();
        Do(Path.GetDirectoryName(path)!, names => names.Remove(path));
    }

    public void CreateDirectory(string directory)
    {
    }

    public IReadOnlyList<string> List(string directory) => [.. _now.Keys.Where(k => Path.GetDirectoryName(k) == directory).Select(k => Path.GetFileName(k))];

    /// <summary>What another program writes.</summary>
    public void Put(string path, byte[] bytes, UnixFileMode mode) => _now[path] = _durable[path] = (bytes, mode);

    /// <param name="survives">Whether a change that was not synced is there after it.</param>
    public void LosePower(Func<bool> survives)
    {
        foreach ((_, var change) in _unsynced)
        {
            if (survives()) change(_durable);
        }

        _unsynced.Clear();
        _now.Clear();
        foreach ((string path, var file) in _durable) _now[path] = file;
    }

    private void Do(string directory, Action<Dictionary<string, (byte[], UnixFileMode)>> change)
    {
        change(_now);
        _unsynced.Add((directory, change));
    }
}
