using System.Net;
using System.Net.Sockets;

using Conclave.Client;
using Conclave.Node;
using Conclave.Node.Options;
using Microsoft.Extensions.Logging.Abstractions;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent.Tests.Running;

/// <summary>A cluster of one member and a machine with an agent, in a directory of their own.</summary>
internal sealed class Machine : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);   // for a machine that is busy with something else

    private readonly Uri _url = FreeUrl(), _peerUrl = FreeUrl();
    private readonly List<string> _log = [];
    private ConclaveNode? _node;
    private ConclaveClient? _client;
    private CancellationTokenSource? _stop;
    private Task _agent = Task.CompletedTask;
    private static int _lastPort = Random.Shared.Next(900);

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("conclave-agent-").FullName;

    public string ConfigPath => Path("agent.conf");

    public string Log
    {
        get
        {
            lock (_log) return string.Join('\n', _log);
        }
    }

    public Uri Url => _url;

    public ConclaveClient Client => _client ??= new ConclaveClient(_url.ToString());

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<Machine> StartAsync(params string[] config)
    {
        var machine = new Machine();
        machine.Configure(config);
        await machine.StartServerAsync();
        await machine.ChangeAsync(new V1.Change { Nodes = { new V1.NodeEdit { Node = "c1" } } });
        return machine;
    }

    public string Path(string name) => System.IO.Path.Combine(Directory, name);

    public string Text(string name) => File.Exists(Path(name)) ? File.ReadAllText(Path(name)) : "";

    public int Lines(string name) => File.Exists(Path(name)) ? File.ReadAllLines(Path(name)).Length : 0;

    /// <summary>Writes the agent's configuration; {dir} is the machine's directory.</summary>
    public void Configure(params string[] lines) => File.WriteAllText(ConfigPath,
        $"[agent]\nendpoints = {_url}\nnode = c1\nstate_dir = {Path("state")}\nheartbeat = 500ms\nretry = 200ms\nmax_shrink = 60%\n{string.Join('\n', lines).Replace("{dir}", Directory, StringComparison.Ordinal)}\n");

    public async Task StartServerAsync()
    {
        _node = new ConclaveNode(new NodeOptions { DataDir = Path("data"), ListenClientUrls = [_url], ListenPeerUrls = [_peerUrl] }, NullLoggerFactory.Instance, _ => { });
        await _node.StartAsync(Cancelled);
        await EventuallyAsync("the server answers", async () =>
        {
            try
            {
                await Client.GetAsync("x", cancellationToken: Cancelled);
                return true;
            }
            catch (ConclaveException)
            {
                return false;
            }
        });
    }

    public async Task StopServerAsync()
    {
        if (_node is not null) await _node.DisposeAsync();
        _node = null;
    }

    public AgentOptions Options()
    {
        AgentOptions options = AgentConfigFile.Parse(File.ReadAllText(ConfigPath), File.ReadAllText, out var problems);
        Assert.Empty(problems);
        return options with { ConfigFile = ConfigPath };
    }

    /// <param name="change">What is otherwise than the configuration says.</param>
    public void StartAgent(Func<AgentOptions, AgentOptions>? change = null)
    {
        _stop = new CancellationTokenSource();
        var host = new AgentHost(change is null ? Options() : change(Options()), Client, (_, text) =>
        {
            lock (_log) _log.Add(text);
        });
        _agent = Task.Run(() => host.RunAsync(_stop.Token));
    }

    public async Task StopAgentAsync()
    {
        if (_stop is null) return;
        await _stop.CancelAsync();
        await _agent.WaitAsync(Patience, CancellationToken.None);
        _stop.Dispose();
        _stop = null;
    }

    public async Task<long> SetAsync(string document, params (string Key, string Json)[] values)
    {
        var change = new V1.Change();
        change.Entries.AddRange(values.Select(v => new V1.EntryEdit { Document = document, Scope = "*", Key = v.Key, Op = v.Json.Length > 0 ? "set" : "", Value = v.Json }));
        return await ChangeAsync(change);
    }

    public Task<long> SchemaAsync(string document, string key, string schema) => ChangeAsync(new V1.Change { Schemas = { new V1.SchemaEdit { Document = document, Key = key, Schema = schema } } });

    public async Task<long> ChangeAsync(V1.Change change) =>
        (await Client.Configuration.PublishAsync(new V1.PublishRequest { Change = change, Reason = "test", Author = "tester" }, Cancelled)).Release;

    public async Task<V1.FleetNode?> FleetAsync(string document)
    {
        try
        {
            return (await Client.Configuration.FleetAsync(new V1.FleetRequest { Document = document }, Cancelled)).Nodes.FirstOrDefault(n => n.Node == "c1");
        }
        catch (ConclaveException)
        {
            return null;
        }
    }

    public async Task<V1.FleetNode> StateAsync(string document, string state, long release)
    {
        V1.FleetNode? last = null;
        await EventuallyAsync(() => $"{document} is {state} at r{release}; it is {last}\n{Log}", async () => (last = await FleetAsync(document)) is { } now && now.State == state && now.Release == release);
        return last!;   // it was looked at
    }

    public static Task EventuallyAsync(string what, Func<Task<bool>> condition) => EventuallyAsync(() => what, condition);

    public static Task EventuallyAsync(Func<string> what, Func<bool> condition) => EventuallyAsync(what, () => Task.FromResult(condition()));

    public static async Task EventuallyAsync(Func<string> what, Func<Task<bool>> condition)
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (System.Diagnostics.Stopwatch.GetElapsedTime(start) > Patience) Assert.Fail($"Not within {Patience.TotalSeconds} s: {what()}");
            await Task.Delay(20, Cancelled);
        }
    }

    /// <summary>Runs conclave as a process.</summary>
    public Task<(int Code, string Output, string Errors)> ConclaveAsync(params string[] arguments) => EndAsync(StartConclave(arguments));

    /// <summary>Runs a pass that takes all the time it is given and then says something: for a short time, and where a busy machine has not come so far in that, for a longer one.</summary>
    public static async Task<(int Code, string Output, string Errors)> InTimeAsync(string said, string time, Func<string, Task<(int Code, string Output, string Errors)>> run) =>
        await run(time) is var ended && ended.Errors.Contains(said, StringComparison.Ordinal) ? ended : await run("20s");

    /// <summary>Waits for a process to end.</summary>
    public static async Task<(int Code, string Output, string Errors)> EndAsync(System.Diagnostics.Process process)
    {
        using System.Diagnostics.Process ended = process;
        Task<string> output = process.StandardOutput.ReadToEndAsync(Cancelled), errors = process.StandardError.ReadToEndAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled).WaitAsync(Patience, Cancelled);
        return (process.ExitCode, await output, await errors);
    }

    public static System.Diagnostics.Process StartConclave(params string[] arguments) => Start(System.IO.Path.Combine(AppContext.BaseDirectory, "conclave"), arguments);

    public static System.Diagnostics.Process Start(string program, params string[] arguments)
    {
        var start = new System.Diagnostics.ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        return System.Diagnostics.Process.Start(start)!;   // a process was started, or it throws
    }

    public async ValueTask DisposeAsync()
    {
        await StopAgentAsync();
        if (_client is not null) await _client.DisposeAsync();
        await StopServerAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    /// <summary>Nobody listens there. Below the ports that the system gives to outgoing connections.</summary>
    public static Uri FreeUrl()
    {
        while (true)
        {
            int port = 31_000 + (Interlocked.Increment(ref _lastPort) % 1000);
            try
            {
                using var probe = new TcpListener(IPAddress.Loopback, port);
                probe.Start();
                return new Uri($"http://127.0.0.1:{port}");
            }
            catch (SocketException)
            {
                // Taken; the next one.
            }
        }
    }

    /// <summary>A command of a shell, as the agent's configuration takes it.</summary>
    public static string Sh(string script) => $"/bin/sh -c '{script}'";
}
