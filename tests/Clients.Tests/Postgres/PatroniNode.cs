using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;

namespace Conclave.Clients.Tests.Postgres;

/// <summary>One Patroni with its PostgreSQL server. Patroni starts and watches the server; both are killed together, as when a machine dies.</summary>
internal sealed class PatroniNode : IDisposable
{
    private const int KillSignal = 9;
    private readonly HttpClient _api;
    private readonly ProcessGuard _guard;
    private readonly string _directory;
    private readonly int _sqlPort;
    private Process? _patroni;

    public PatroniNode(string name, string endpoints, int apiPort, int sqlPort, string directory, ProcessGuard guard)
    {
        (Name, _sqlPort, _directory, _guard) = (name, sqlPort, directory, guard);
        _api = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{apiPort}"), Timeout = TimeSpan.FromSeconds(5) };
        File.WriteAllText(ConfigurationPath, PatroniConfiguration.Text(name, endpoints, apiPort, sqlPort, directory, PostgresInstallation.Binaries));
    }

    public string Name { get; }

    /// <summary>What Patroni and PostgreSQL said so far.</summary>
    public string Log => File.Exists(LogPath) ? File.ReadAllText(LogPath) : "";

    private string ConfigurationPath => Path.Combine(_directory, Name + ".yml");

    private string LogPath => Path.Combine(_directory, Name + ".log");

    public void Start()
    {
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, RedirectStandardInput = true };
        start.Environment["NODE_LOG"] = LogPath;
        foreach (string argument in (string[])["-c", "exec \"$@\" >>\"$NODE_LOG\" 2>&1", "sh", .. PostgresInstallation.AsItsUser, PostgresInstallation.Patroni, ConfigurationPath])
            start.ArgumentList.Add(argument);
        _patroni = Process.Start(start) ?? throw new InvalidOperationException("patroni did not start.");
        _guard.Watch(_patroni.Id);
    }

    /// <summary>kill -9 of Patroni, of PostgreSQL and of each of its processes.</summary>
    public void Kill()
    {
        if (_patroni is null)
            return;
        int patroni = _patroni.Id;
        if (!_patroni.HasExited)
            _patroni.Kill();
        _patroni.WaitForExit();
        _patroni.Dispose();
        _patroni = null;
        _guard.Forget(patroni);
        if (Postmaster() is not { } postmaster)
            return;
        foreach (int pid in (int[])[postmaster, .. Children(postmaster)])
            Signals.Send(pid, KillSignal);
        _guard.Forget(postmaster);
    }

    /// <summary>What Patroni says of its server: role, state, timeline and when the server started; null while it says nothing.</summary>
    public async Task<JsonNode?> StatusAsync(CancellationToken cancellationToken)
    {
        try
        {
            using HttpResponseMessage answer = await _api.GetAsync("/patroni", cancellationToken);
            if (Postmaster() is { } postmaster)
                _guard.Watch(postmaster);
            return JsonNode.Parse(await answer.Content.ReadAsStringAsync(cancellationToken));
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;   // not up yet, or dead
        }
    }

    /// <summary>Waits until the server runs in that role.</summary>
    public async Task<JsonNode> WaitForRoleAsync(string role, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        JsonNode? last = null;
        while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(90))
        {
            last = await StatusAsync(cancellationToken);
            if (last is not null && (string?)last["role"] == role && (string?)last["state"] == "running")
                return last;
            if (_patroni is { HasExited: true })
                break;
            await Task.Delay(100, cancellationToken);
        }
        throw new InvalidOperationException($"{Name} did not become {role}: {last?.ToJsonString() ?? "no answer"}\n{string.Join('\n', Log.Split('\n').TakeLast(40))}");
    }

    /// <summary>Runs one statement and returns what psql prints of its result.</summary>
    /// <exception cref="InvalidOperationException">The server refused it, or did not answer.</exception>
    public async Task<string> SqlAsync(string statement, CancellationToken cancellationToken)
    {
        string[] arguments = ["-X", "-h", "127.0.0.1", "-p", _sqlPort.ToString(CultureInfo.InvariantCulture), "-U", "postgres", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-Atc", statement];
        Programs.Ended ended = await Programs.RunAsync(Path.Combine(PostgresInstallation.Binaries, "psql"), arguments, null, new Dictionary<string, string>(), cancellationToken);
        return ended.ExitCode == 0 ? ended.Output.Trim() : throw new InvalidOperationException($"{Name} refused \"{statement}\": {ended.Error}");
    }

    private int? Postmaster()
    {
        string path = Path.Combine(_directory, Name, "postmaster.pid");
        // The file outlives a killed server, and its id may belong to somebody else by then.
        return File.Exists(path) && File.ReadLines(path).FirstOrDefault() is { } line && int.TryParse(line, CultureInfo.InvariantCulture, out int pid)
            && File.Exists($"/proc/{pid}/cmdline") && File.ReadAllText($"/proc/{pid}/cmdline").Contains(_directory, StringComparison.Ordinal) ? pid : null;
    }

    private static int[] Children(int pid)
    {
        string path = $"/proc/{pid}/task/{pid}/children";
        return File.Exists(path)
            ? [.. File.ReadAllText(path).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(each => int.Parse(each, CultureInfo.InvariantCulture))]
            : [];
    }

    public void Dispose()
    {
        Kill();
        _api.Dispose();
    }
}
