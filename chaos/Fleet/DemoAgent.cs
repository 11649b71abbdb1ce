using System.Diagnostics;
using Conclave.Processes.Servers;

namespace Conclave.FleetDemo;

/// <summary>A host: its agent as a process, and a service that is two scripts. The service counts its restarts and does not come up with <see cref="DemoFiles.BadDriver"/>.</summary>
internal sealed class DemoAgent : IAsyncDisposable
{
    private readonly string _directory;
    private readonly Process _process;
    private bool _wasThere;

    private DemoAgent(string name, string directory, Process process) => (Name, _directory, _process) = (name, directory, process);

    public string Name { get; }

    public string File => FileIn(_directory);

    /// <summary>Every content that the service was started with, in order: what the file said at each restart.</summary>
    public string[] Starts => System.IO.File.Exists(StartsFile(_directory)) ? System.IO.File.ReadAllLines(StartsFile(_directory)) : [];

    public bool IsRunning => !_process.HasExited;

    /// <summary>What the agent printed last.</summary>
    public string Log => System.IO.File.Exists(LogFile(_directory)) ? string.Join('\n', System.IO.File.ReadLines(LogFile(_directory)).TakeLast(15)) : "";

    public static string FileIn(string directory) => Path.Combine(directory, "nova.conf");

    public static DemoAgent Start(string name, string directory, string endpoints)
    {
        Directory.CreateDirectory(directory);
        string file = FileIn(directory);
        Script("restart.sh", $"grep -E '^(compute_driver|rabbit_host) ' '{file}' | tr '\\n' ' ' >> '{StartsFile(directory)}'\necho >> '{StartsFile(directory)}'");
        Script("verify.sh", $"! grep -q '{DemoFiles.BadDriver}' '{file}'");
        System.IO.File.WriteAllText(Path.Combine(directory, "agent.conf"), $"""
            [agent]
            endpoints = {endpoints}
            node = {name}
            state_dir = {Path.Combine(directory, "state")}

            [file nova]
            doc = {DemoFiles.Document}
            path = {file}
            format = oslo-ini
            group = nova-compute

            [group nova-compute]
            restart = /bin/sh {Path.Combine(directory, "restart.sh")}
            verify = /bin/sh {Path.Combine(directory, "verify.sh")}
            settle = 0s..1s
            splay = 0s
            timeout = 30s
            on_fail = restore

            """);
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add($"exec '{ConclaveCommand.Binary}' agent --config '{Path.Combine(directory, "agent.conf")}' >> '{LogFile(directory)}' 2>&1 < /dev/null");
        start.Environment["DOTNET_TieredPGO"] = "0";   // many small processes on few cores: less is compiled twice
        return new DemoAgent(name, directory, Process.Start(start) ?? throw new DemoFailedException("/bin/sh did not start."));

        void Script(string script, string text) => System.IO.File.WriteAllText(Path.Combine(directory, script), text + "\n");
    }

    /// <summary>Whether the file is there and has this line.</summary>
    /// <exception cref="DemoFailedException">It was there, and is not any more.</exception>
    public bool Has(string line)
    {
        try
        {
            bool has = System.IO.File.ReadLines(File).Contains(line);
            _wasThere = true;
            return has;
        }
        catch (FileNotFoundException)
        {
            return _wasThere ? throw new DemoFailedException($"{File} was there and is missing.") : false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) Signals.Send(_process.Id, Signals.Terminate);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            await _process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private static string StartsFile(string directory) => Path.Combine(directory, "starts");

    private static string LogFile(string directory) => Path.Combine(directory, "agent.log");
}
