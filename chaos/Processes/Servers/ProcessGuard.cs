using System.Diagnostics;

namespace Conclave.Processes.Servers;

/// <summary>A small shell that kills the servers when this process ends without having done so (crash, kill -9).</summary>
/// <remarks>It reads the current process ids from its standard input and acts when that ends, which the kernel guarantees.</remarks>
internal sealed class ProcessGuard : IDisposable
{
    private const string Script = "pids=; while read -r line; do pids=$line; done; for p in $pids; do kill -9 \"$p\" 2>/dev/null; done";
    private readonly Process _shell;
    private readonly Lock _gate = new();
    private readonly HashSet<int> _watched = [];

    public ProcessGuard()
    {
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true, UseShellExecute = false };
        start.ArgumentList.Add("-c");
        // Its own session: Ctrl-C at the terminal must not end the guard before it has done its work.
        start.ArgumentList.Add($"trap '' INT TERM HUP; {Script}");
        _shell = Process.Start(start) ?? throw new InvalidOperationException("/bin/sh did not start.");
    }

    public void Watch(int pid) => Change(() => _watched.Add(pid));

    public void Forget(int pid) => Change(() => _watched.Remove(pid));

    private void Change(Action change)
    {
        lock (_gate)
        {
            change();
            _shell.StandardInput.WriteLine(string.Join(' ', _watched));
            _shell.StandardInput.Flush();
        }
    }

    public void Dispose()
    {
        lock (_gate)
            _shell.StandardInput.Close();
        _shell.WaitForExit();
        _shell.Dispose();
    }
}
