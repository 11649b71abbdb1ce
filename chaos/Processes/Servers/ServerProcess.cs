using System.Diagnostics;

namespace Conclave.Processes.Servers;

/// <summary>One member: a server process that can be killed, paused and started again on the same data and ports.</summary>
public sealed class ServerProcess : IDisposable
{
    private readonly string _program, _scheme;
    private IReadOnlyList<string> _arguments;
    private readonly ProcessGuard _guard;
    private Process? _process;

    internal ServerProcess(string name, int clientPort, int peerPort, string directory, string program, IReadOnlyList<string> arguments, ProcessGuard guard, string scheme = "http")
    {
        (Name, _scheme, ClientPort, PeerPort, _program, _arguments, _guard) = (name, scheme, clientPort, peerPort, program, arguments, guard);
        DataDirectory = Path.Combine(directory, name + ".data");
        LogPath = Path.Combine(directory, name + ".log");
    }

    /// <summary>Member name, as in --name.</summary>
    public string Name { get; }

    /// <summary>Loopback port of gRPC and the JSON gateway.</summary>
    public int ClientPort { get; }

    /// <summary>Loopback port of Raft.</summary>
    public int PeerPort { get; }

    /// <summary>http://127.0.0.1:port, or https.</summary>
    public Uri ClientUrl => new($"{_scheme}://127.0.0.1:{ClientPort}");

    /// <summary>Where its data are.</summary>
    public string DataDirectory { get; }

    /// <summary>Standard output and error of all its incarnations.</summary>
    public string LogPath { get; }

    /// <summary>Process id, 0 while it does not run.</summary>
    public int Pid => IsRunning ? _process!.Id : 0;

    /// <summary>Whether the process lives (also while paused).</summary>
    public bool IsRunning => _process is { HasExited: false };

    /// <summary>Whether the process ended without being asked to.</summary>
    public bool HasCrashed => _process is { HasExited: true };

    /// <summary>How it ended on its own; null while it runs, and after it was stopped from here.</summary>
    public int? ExitCode => HasCrashed ? _process!.ExitCode : null;   // not null: it has crashed

    /// <summary>Zero while it does not run. Counts from the start of this incarnation.</summary>
    public ProcessUsage Usage => IsRunning ? ProcessUsage.Of(_process!.Id) : default;

    /// <summary>
    /// Size in MiB of a disk in memory that the data directory is put on at each start, seen by this process alone and gone with it; 0 for an ordinary directory. Needs
    /// the right to mount.
    /// </summary>
    public int OwnDiskMebibytes { get; set; }

    /// <summary>The data directory as the running process sees it.</summary>
    public string SeenDataDirectory => OwnDiskMebibytes == 0 ? DataDirectory : $"/proc/{Pid}/root{DataDirectory}";

    /// <summary>Starts it; does not wait for it to answer.</summary>
    public void Start() => Start(_arguments);

    /// <summary>Another process with the same flags but for the ports and the directory: what happens when somebody starts a copy of a machine.</summary>
    /// <param name="clientPort">Of the copy.</param>
    /// <param name="peerPort">Of the copy; the others go on dialling the old one.</param>
    /// <param name="directory">Where the copied data directory and the log are.</param>
    public ServerProcess CopyTo(int clientPort, int peerPort, string directory)
    {
        var copy = new ServerProcess(Name, clientPort, peerPort, directory, _program, _arguments, _guard, _scheme);
        copy._arguments = [.. _arguments];
        copy.Set("--data-dir", copy.DataDirectory);
        copy.Set("--listen-client-urls", $"{_scheme}://127.0.0.1:{clientPort}");
        copy.Set("--listen-peer-urls", $"http://127.0.0.1:{peerPort}");
        return copy;
    }

    private void Set(string flag, string value)
    {
        string[] changed = [.. _arguments];
        changed[Array.IndexOf(changed, flag) + 1] = value;
        _arguments = changed;
    }

    private void Start(IReadOnlyList<string> arguments)
    {
        if (IsRunning)
            throw new InvalidOperationException($"{Name} runs already.");
        _process?.Dispose();
        // The shell only points the output at the log and becomes the server, so the process id is the server's. A limit of file sizes is to fail calls and not to kill it.
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, RedirectStandardInput = true };
        start.Environment["SERVER_LOG"] = LogPath;
        // A mount of its own ends with the process, so nothing is left behind whatever happens here.
        string[] ownDisk = OwnDiskMebibytes == 0 ? []
            : ["unshare", "--mount", "sh", "-c", "mkdir -p \"$1\" && mount -t tmpfs -o size=\"$0\" tmpfs \"$1\" && shift && exec \"$@\"", $"{OwnDiskMebibytes}m", DataDirectory];
        foreach (string argument in (string[])["-c", "trap '' XFSZ; exec \"$@\" >>\"$SERVER_LOG\" 2>&1", "sh", .. ownDisk, _program, .. arguments])
            start.ArgumentList.Add(argument);
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{_program} did not start.");
        _guard.Watch(_process.Id);
    }

    /// <summary>kill -9, and waits until the kernel has taken it away.</summary>
    public void Kill()
    {
        if (_process is null)
            return;
        int pid = _process.Id;
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _guard.Forget(pid);
        _process.Dispose();
        _process = null;
    }

    /// <summary>SIGTERM, and waits for the end.</summary>
    /// <returns>False when it had to be killed after <paramref name="patience"/>.</returns>
    public bool Stop(TimeSpan patience)
    {
        if (_process is null)
            return true;
        Signals.Send(_process.Id, Signals.Terminate);
        bool ended = _process.WaitForExit(patience);
        Kill();
        return ended;
    }

    /// <summary>SIGSTOP: it keeps its connections and answers nothing.</summary>
    public void Pause() => Signals.Send(_process!.Id, Signals.Stop);

    /// <summary>SIGCONT.</summary>
    public void Resume() => Signals.Send(_process!.Id, Signals.Continue);

    /// <summary>From now on every write behind this many bytes of a file fails, for this process and until it ends: a disk that fails, as far as it can tell.</summary>
    public void FailWritesBehind(long bytes) => FileSizeLimit.Set(_process!.Id, bytes);   // not null: it runs

    /// <summary>Last lines of the log, for failure messages.</summary>
    public string LogTail(int lines = 15) =>
        File.Exists(LogPath) ? string.Join('\n', File.ReadLines(LogPath).TakeLast(lines)) : "(no log)";

    /// <inheritdoc/>
    public void Dispose() => Kill();

    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({ClientUrl})";
}
