using System.Collections.Concurrent;

namespace Conclave.Agent;

/// <summary>Hears of changes to the files from the file system. What it misses, the regular look finds.</summary>
internal sealed class FileWatch : IDisposable
{
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentDictionary<string, bool> _pending = new(StringComparer.Ordinal);
    private readonly List<FileSystemWatcher> _watchers = [];
    private readonly Action<string> _touched;

    public FileWatch(AgentOptions options, Action<string> touched, Action<string> warn)
    {
        _touched = touched;
        foreach (FileOptions file in options.Files.Where(f => f.Drift != DriftMode.Off))
        {
            string directory = Path.GetDirectoryName(file.Path)!;   // an absolute name of a file
            try
            {
                var watcher = new FileSystemWatcher(directory, Path.GetFileName(file.Path))
                {
                    NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite | NotifyFilters.Size | NotifyFilters.Attributes | NotifyFilters.Security | NotifyFilters.CreationTime,
                };
                watcher.Changed += (_, _) => Hear(file.Name);
                watcher.Created += (_, _) => Hear(file.Name);
                watcher.Deleted += (_, _) => Hear(file.Name);
                watcher.Renamed += (_, _) => Hear(file.Name);
                watcher.EnableRaisingEvents = true;
                _watchers.Add(watcher);
            }
            catch (Exception unwatched) when (unwatched is ArgumentException or IOException or UnauthorizedAccessException)
            {
                warn($"{file.Path} cannot be watched, so changes to it are found every {options.DriftInterval.TotalMinutes:0.##} minutes only: {unwatched.Message}");
            }
        }
    }

    public void Dispose() => _watchers.ForEach(w => w.Dispose());

    /// <summary>One editor's save is many events.</summary>
    private void Hear(string file)
    {
        if (!_pending.TryAdd(file, true)) return;
        _ = Task.Delay(Gather).ContinueWith(_ =>
        {
            _pending.TryRemove(file, out bool _);
            _touched(file);
        }, TaskScheduler.Default);
    }
}
