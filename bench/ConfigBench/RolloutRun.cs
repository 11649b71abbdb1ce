using System.Diagnostics;
using System.Globalization;
using System.Net;
using Conclave.Client;
using Conclave.Processes.Servers;
using Conclave.Wire.V1;

namespace Conclave.ConfigBench;

/// <summary>A canary of a global key over a fleet whose agents all acknowledge, while some people wait for it and facts change.</summary>
internal static class RolloutRun
{
    private const int Waiters = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static async Task RunAsync(int hosts)
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = ServerKind.Conclave }).ConfigureAwait(false);
        await cluster.WaitUntilAllServeAsync(TimeSpan.FromSeconds(60)).ConfigureAwait(false);
        await using var client = new ConclaveClient(new ConclaveClientOptions { Endpoints = [.. cluster.Members.Select(m => m.ClientUrl.ToString())], RequestTimeout = TimeSpan.FromSeconds(60) });
        IPEndPoint[] members = [.. cluster.Members.Select(m => new IPEndPoint(IPAddress.Loopback, m.ClientPort))];
        foreach (Change part in GeneratedFleet.Shared().Concat(GeneratedFleet.Hosts(0, hosts)))
            await client.Configuration.PublishAsync(new PublishRequest { Change = part, Author = "bench", Reason = "import" }).ConfigureAwait(false);
        FactReports[] facts = [.. members.Select((member, i) => new FactReports(member, i, hosts, members.Length))];
        await Task.WhenAll(facts.Select(f => Task.Factory.StartNew(f.Run, TaskCreationOptions.LongRunning))).ConfigureAwait(false);
        var swarm = new AgentSwarm(members, connectionsPerMember: 2);
        await swarm.ConnectAsync(hosts, Patience).ConfigureAwait(false);
        Reports[] reports = [.. members.Select((member, i) => new Reports(member, swarm, i, members.Length))];
        (long start, TimeSpan cpu) = (Stopwatch.GetTimestamp(), cluster.TotalCpu());
        await UntilAsync(async () => (await client.Configuration.FleetAsync(new FleetRequest { Document = GeneratedFleet.Document, Limit = 1 }).ConfigureAwait(false)).Counts.GetValueOrDefault("current") == hosts).ConfigureAwait(false);
        Say($"{hosts:N0} agents have acknowledged what there is", start, cpu, cluster);
        await Task.Delay(TimeSpan.FromSeconds(5)).ConfigureAwait(false);
        cpu = cluster.TotalCpu();
        await Task.Delay(TimeSpan.FromSeconds(20)).ConfigureAwait(false);
        Console.WriteLine(Format($"20 s of heartbeats and nothing else: CPU of the members {(cluster.TotalCpu() - cpu).TotalSeconds:F1} s"));

        foreach (bool factsChange in (bool[])[false, true])
            await RollOutAsync(cluster, client, hosts, factsChange).ConfigureAwait(false);
        foreach (Reports report in reports)
            report.Dispose();
        Console.WriteLine(Format($"{reports.Sum(r => r.Sent):N0} reports, {reports.Sum(r => r.Errors)} refused"));
        swarm.Cut();
    }

    private static async Task RollOutAsync(ProcessCluster cluster, ConclaveClient client, int hosts, bool factsChange)
    {
        (long start, TimeSpan cpu) = (Stopwatch.GetTimestamp(), cluster.TotalCpu());
        PublishResponse published = await client.Configuration.PublishAsync(new PublishRequest
        {
            Change = GeneratedFleet.One("*", GeneratedFleet.GlobalKey, Format($"canary {factsChange}")),
            Author = "bench",
            Reason = "canary",
            Strategy = new Strategy { Preset = "1 node 1s, 10% 1s, 100%" },
        }).ConfigureAwait(false);
        Say($"publish of a canary answered, {(factsChange ? "a fact changes each 200 ms" : "no fact changes")}", start, cpu, cluster);
        using var stop = new CancellationTokenSource();
        Task changes = factsChange ? ChangeFactsAsync(client, stop.Token) : Task.CompletedTask;
        var asked = new List<double>();
        Task[] waiters = [.. Enumerable.Range(0, Waiters).Select(_ => WaitAsync(client, published.Release, asked))];
        int stage = -1;
        while (true)
        {
            Rollout now = await AskAsync(client, published.Release).ConfigureAwait(false);
            if (now.Stage != stage || now.State != "running")
                Say($"  stage {now.Stage + 1} {now.State} {now.Reason} {now.Progress.LastOrDefault()}", start, cpu, cluster);
            stage = (int)now.Stage;
            if (now.State != "running")
                break;
            if (Stopwatch.GetElapsedTime(start) > Patience)
                throw new TimeoutException("The rollout does not end.");
            await Task.Delay(100).ConfigureAwait(false);
        }
        await Task.WhenAll(waiters).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        await changes.ConfigureAwait(false);
        asked.Sort();
        Console.WriteLine(Format($"  {asked.Count} questions of {Waiters} who wait: p50 {asked[asked.Count / 2]:F1} ms, p99 {asked[(int)(asked.Count * 0.99)]:F1} ms, max {asked[^1]:F1} ms"));
    }

    private static async Task WaitAsync(ConclaveClient client, long release, List<double> asked)
    {
        while (true)
        {
            long start = Stopwatch.GetTimestamp();
            Rollout now = await AskAsync(client, release).ConfigureAwait(false);
            lock (asked)
                asked.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            if (now.State != "running")
                return;
            await Task.Delay(500).ConfigureAwait(false);
        }
    }

    private static async Task ChangeFactsAsync(ConclaveClient client, CancellationToken stop)
    {
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            var report = new AcknowledgeRequest { Node = GeneratedFleet.Host(0), HasFacts = true };
            report.Facts["other"] = i.ToString(CultureInfo.InvariantCulture);   // no document refers to it
            report.Facts["mgmt_ip"] = GeneratedFleet.Fact(0);
            await client.Configuration.AcknowledgeAsync(report, CancellationToken.None).ConfigureAwait(false);
            await Task.Delay(200, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private static async Task<Rollout> AskAsync(ConclaveClient client, long release) =>
        (await client.Configuration.RolloutsAsync(new RolloutsRequest { Release = release }).ConfigureAwait(false)).Rollouts[0];

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await condition().ConfigureAwait(false))
        {
            if (Stopwatch.GetElapsedTime(start) > Patience)
                throw new TimeoutException("The agents do not acknowledge.");
            await Task.Delay(200).ConfigureAwait(false);
        }
    }

    private static void Say(string what, long start, TimeSpan cpu, ProcessCluster cluster) =>
        Console.WriteLine(Format($"{what}: {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s, CPU of the members {(cluster.TotalCpu() - cpu).TotalSeconds:F1} s, {string.Join('/', cluster.Members.Select(m => m.Usage.ResidentBytes >> 20))} MiB"));

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
