namespace Conclave.FleetDemo;

/// <summary>Hears of it when a file that was there goes away, be it for a moment: a program that starts just then would find none.</summary>
internal sealed class FileGuard : IDisposable
{
    private static readonly TimeSpan Late = TimeSpan.FromMilliseconds(500);

    private readonly FileSystemWatcher _watcher;
    private volatile string? _problem;

    /// <param name="directory">It and all below it, as they are now.</param>
    /// <param name="name">Of the files.</param>
    public FileGuard(string directory, string name)
    {
        _watcher = new FileSystemWatcher(directory, name) { IncludeSubdirectories = true, NotifyFilter = NotifyFilters.FileName };
        _watcher.Deleted += (_, gone) => _problem ??= $"{gone.FullPath} was there and was deleted.";
        _watcher.Renamed += (_, moved) =>
        {
            if (Path.GetFileName(moved.OldFullPath) == name) _problem ??= $"{moved.OldFullPath} was there and was moved away.";
        };
        _watcher.Error += (_, lost) => _problem ??= $"It is not known whether a file was missing: {lost.GetException().Message}";
        _watcher.EnableRaisingEvents = true;
    }

    /// <exception cref="DemoFailedException">A file was missing.</exception>
    public void Check()
    {
        if (_problem is { } problem) throw new DemoFailedException(problem);
    }

    /// <summary>Also of what is heard a little late.</summary>
    /// <exception cref="DemoFailedException">A file was missing.</exception>
    public async Task EndAsync()
    {
        await Task.Delay(Late).ConfigureAwait(false);
        Check();
    }

    public void Dispose() => _watcher.Dispose();
}
