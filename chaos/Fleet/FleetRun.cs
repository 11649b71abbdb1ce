using System.Diagnostics;
using Conclave.Client;
using Conclave.Processes.Servers;
using Conclave.Wire.V1;

namespace Conclave.FleetDemo;

/// <summary>The demo: each act does something to the fleet and waits until every host shows it.</summary>
internal sealed class FleetRun(DemoOptions options, string directory, Action<string> say)
{
    private const string Reason = "-m";

    private readonly List<DemoAgent> _agents = [];
    private readonly FleetReport _report = new();
    private FileGuard? _guard;

    /// <exception cref="DemoFailedException">Something did not happen that has to.</exception>
    public async Task<FleetReport> RunAsync()
    {
        await using DemoCluster cluster = await DemoCluster.StartAsync(Path.Combine(directory, "cluster"), options.Patience).ConfigureAwait(false);
        try
        {
            var conclave = new ConclaveCommand(cluster.Endpoints, directory, say);
            await using var client = new ConclaveClient(new ConclaveClientOptions { Endpoints = [.. cluster.Endpoints.Split(',')] });

            DemoFiles.Write(Path.Combine(directory, "desired"), options.Agents);
            await conclave.RunAsync(0, "apply", "-f", "desired", Reason, "the fleet", "--yes").ConfigureAwait(false);
            if (options.Nova is { } nova) await ImportAsync(conclave, nova).ConfigureAwait(false);
            for (int i = 0; i < options.Agents; i++) Directory.CreateDirectory(DirectoryOf(i));
            using var guard = new FileGuard(Path.Combine(directory, "hosts"), Path.GetFileName(DemoAgent.FileIn("")));
            _guard = guard;
            await StartAgentsAsync(cluster, client).ConfigureAwait(false);
            await ChangeRegionAsync(conclave, client).ConfigureAwait(false);
            await ChangeRegionWithoutLeaderAsync(conclave, cluster, client).ConfigureAwait(false);
            await RefuseAsync(conclave).ConfigureAwait(false);
            await RevertAsync(conclave, client).ConfigureAwait(false);
            await guard.EndAsync().ConfigureAwait(false);
            return _report;
        }
        finally
        {
            await Task.WhenAll(_agents.Select(a => a.DisposeAsync().AsTask())).ConfigureAwait(false);
        }
    }

    private string DirectoryOf(int host) => Path.Combine(directory, "hosts", DemoFiles.NameOf(host));

    /// <summary>The types of all options of a real service, and what its package sets; the demo's own values lie beside them.</summary>
    private async Task ImportAsync(ConclaveCommand conclave, string nova)
    {
        var watch = Stopwatch.StartNew();
        await conclave.RunAsync(0, "schema", "import", DemoFiles.Document, Path.Combine(nova, "nova-options.json"), Reason, "types", "--command-timeout", "60s").ConfigureAwait(false);
        await conclave.RunAsync(0, "import", "oslo-config", Path.Combine(nova, "nova.conf"), "--document", DemoFiles.Document, Reason, "what the package sets", "--command-timeout", "60s").ConfigureAwait(false);
        _report.Add("nova's options and nova.conf are imported", options.Agents, watch.Elapsed);
    }

    private async Task StartAgentsAsync(DemoCluster cluster, ConclaveClient client)
    {
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < options.Agents; i++)
            _agents.Add(DemoAgent.Start(DemoFiles.NameOf(i), DirectoryOf(i), cluster.Endpoints));
        await UntilAsync("every host has its file", () => Lacking((agent, region) => agent.Has($"rabbit_host = mq.{region}.example"))).ConfigureAwait(false);
        await UntilAllCurrentAsync(client).ConfigureAwait(false);
        _report.Add("agents start, write their files and acknowledge", options.Agents, watch.Elapsed);
    }

    private async Task ChangeRegionAsync(ConclaveCommand conclave, ConclaveClient client)
    {
        var watch = Stopwatch.StartNew();
        await conclave.RunAsync(0, "set", DemoFiles.Document, DemoFiles.HostKey, "mq2.eu.example", "--scope", "region=eu", Reason, "move eu").ConfigureAwait(false);
        await UntilAsync("every host of eu has the new value, and no other", () => Lacking((agent, region) => agent.Has(region == "eu" ? "rabbit_host = mq2.eu.example" : "rabbit_host = mq.us.example"))).ConfigureAwait(false);
        _report.Add("one region's value changes: command until the last file", CountOf("eu"), watch.Elapsed);
        await UntilAllCurrentAsync(client).ConfigureAwait(false);
        _report.Add("... until the last acknowledgement", options.Agents, watch.Elapsed);
        foreach (DemoAgent agent in _agents.Where((_, i) => DemoFiles.RegionOf(i) == "us"))
        {
            if (agent.Starts.Length != 1) throw new DemoFailedException($"{agent.Name} is not in eu and was started {agent.Starts.Length} times, not once.");
        }
    }

    private async Task ChangeRegionWithoutLeaderAsync(ConclaveCommand conclave, DemoCluster cluster, ConclaveClient client)
    {
        const string Line = "rabbit_host = mq3.us.example";
        string leader = await LeaderAsync(client).ConfigureAwait(false);
        int process = cluster.ProcessOf(leader);
        Task<string> set = conclave.RunAsync(0, "set", DemoFiles.Document, DemoFiles.HostKey, "mq3.us.example", "--scope", "region=us", Reason, "move us while the leader dies", "--command-timeout", "30s");
        // With the first file: the other hosts are still writing theirs, and none has restarted its service, verified and acknowledged.
        await UntilAsync("a host of us has the new value", () => set.IsFaulted || _agents.Any(a => a.Has(Line)) ? [] : ["all"], lookEvery: TimeSpan.FromMilliseconds(2)).ConfigureAwait(false);
        var watch = Stopwatch.StartNew();
        Signals.Send(process, 9);
        (int written, int restarted) = (_agents.Count(a => a.Has(Line)), _agents.Count(a => a.Starts is [.., var last] && last.Contains(Line, StringComparison.Ordinal)));
        say($"(kill -9 of {leader}, the leader, when {written} of {CountOf("us")} hosts had the new file, and {restarted} services had been restarted with it)");
        await set.ConfigureAwait(false);
        await UntilAsync("every host of us has the new value", () => Lacking((agent, region) => agent.Has(region == "eu" ? "rabbit_host = mq2.eu.example" : "rabbit_host = mq3.us.example"))).ConfigureAwait(false);
        _report.Add($"kill -9 of the leader while the hosts take a change ({written} had the file): kill until the last file", CountOf("us"), watch.Elapsed);
        await UntilAllCurrentAsync(client).ConfigureAwait(false);
        _report.Add("... until the last acknowledgement", options.Agents, watch.Elapsed);
    }

    private async Task RefuseAsync(ConclaveCommand conclave)
    {
        string[] before = Contents();
        string text = await conclave.RunAsync(3, "set", DemoFiles.Document, DemoFiles.PortKey, "99999", Reason, "a typing error").ConfigureAwait(false);
        if (!text.Contains("E_SCHEMA", StringComparison.Ordinal)) throw new DemoFailedException($"The refusal does not name the schema: {text}");
        if (!before.SequenceEqual(Contents())) throw new DemoFailedException("A refused change reached a file.");
        _report.Add("a value that the schema refuses reaches", 0, TimeSpan.Zero);
    }

    private async Task RevertAsync(ConclaveCommand conclave, ConclaveClient client)
    {
        string[] before = Contents();
        var watch = Stopwatch.StartNew();
        await conclave.RunAsync(7, "set", DemoFiles.Document, DemoFiles.DriverKey, DemoFiles.BadDriver, Reason, "a driver that nobody tried", "--strategy", "1 node 2s, 25% 2s, 100%", "--wait").ConfigureAwait(false);
        await UntilAsync("every file is as it was", () => Contents().Zip(before).Select((pair, i) => pair.First == pair.Second ? null : _agents[i].Name).OfType<string>()).ConfigureAwait(false);
        await UntilAllCurrentAsync(client).ConfigureAwait(false);
        int met = _agents.Count(a => a.Starts.Any(s => s.Contains(DemoFiles.BadDriver, StringComparison.Ordinal)));
        _report.Add("a value that only the service refuses: hosts that met it before the canary took it back", met, watch.Elapsed);
        if (met != 1) throw new DemoFailedException($"{met} hosts met the bad value; the canary is one.");
    }

    private int CountOf(string region) => Enumerable.Range(0, options.Agents).Count(i => DemoFiles.RegionOf(i) == region);

    private string[] Contents() => [.. _agents.Select(a => File.ReadAllText(a.File))];

    private IEnumerable<string> Lacking(Func<DemoAgent, string, bool> holds) => _agents.Where((agent, i) => !holds(agent, DemoFiles.RegionOf(i))).Select(a => a.Name);

    private static async Task<string> LeaderAsync(ConclaveClient client)
    {
        MemberStatus status = await client.Maintenance.StatusAsync().ConfigureAwait(false);
        return (await client.Members.ListAsync().ConfigureAwait(false)).Members.FirstOrDefault(m => m.Id == status.LeaderId)?.Name ?? throw new DemoFailedException("Nobody leads.");
    }

    private Task UntilAllCurrentAsync(ConclaveClient client) => UntilAsync("every agent acknowledges", async () =>
    {
        try
        {
            FleetResponse fleet = await client.Configuration.FleetAsync(new FleetRequest { Document = DemoFiles.Document }).ConfigureAwait(false);
            long current = fleet.Counts.GetValueOrDefault("current");
            return current == options.Agents ? [] : fleet.Nodes.Where(n => n.State != "current").Select(n => $"{n.Node} {n.State} {n.Message}");
        }
        catch (UnavailableException e)
        {
            return [e.Message];
        }
    });

    private Task UntilAsync(string what, Func<IEnumerable<string>> lacking, TimeSpan? lookEvery = null) => UntilAsync(what, () => Task.FromResult(lacking()), lookEvery);

    private async Task UntilAsync(string what, Func<Task<IEnumerable<string>>> lacking, TimeSpan? lookEvery = null)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            _guard?.Check();
            string[] still = [.. await lacking().ConfigureAwait(false)];
            if (still.Length == 0) return;
            if (_agents.FirstOrDefault(a => !a.IsRunning) is { } ended) throw new DemoFailedException($"The agent of {ended.Name} has ended:\n{ended.Log}");
            if (watch.Elapsed > options.Patience)
                throw new DemoFailedException($"Not within {options.Patience.TotalSeconds} s: {what}. Still {still.Length}: {string.Join("; ", still.Take(5))}\n{_agents[0].Log}");
            await Task.Delay(lookEvery ?? TimeSpan.FromMilliseconds(100)).ConfigureAwait(false);
        }
    }
}
