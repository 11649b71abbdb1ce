using System.Diagnostics;
using System.Globalization;
using System.Net;
using Conclave.Client;
using Conclave.Processes.Servers;
using Conclave.Wire.V1;

namespace Conclave.ConfigBench;

/// <summary>A fleet that grows to its size, gets releases, and comes back after all connections were cut.</summary>
internal sealed class FleetRun(ProcessCluster cluster, ConclaveClient client, AgentSwarm swarm, IPEndPoint[] members)
{
    private const int FirstHosts = 100;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public static async Task RunAsync(int hosts, int rounds)
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = ServerKind.Conclave }).ConfigureAwait(false);
        await cluster.WaitUntilAllServeAsync(TimeSpan.FromSeconds(60)).ConfigureAwait(false);
        await using var client = new ConclaveClient(new ConclaveClientOptions { Endpoints = [.. cluster.Members.Select(m => m.ClientUrl.ToString())], RequestTimeout = TimeSpan.FromSeconds(60) });
        IPEndPoint[] members = [.. cluster.Members.Select(m => new IPEndPoint(IPAddress.Loopback, m.ClientPort))];
        await new FleetRun(cluster, client, new AgentSwarm(members, connectionsPerMember: 2), members).RunStepsAsync(hosts, rounds).ConfigureAwait(false);
    }

    private async Task RunStepsAsync(int hosts, int rounds)
    {
        Console.WriteLine($"{hosts:N0} hosts, 500 keys, 200 classes; memory of a member at first {Memory()}");
        await GrowAsync(0, Math.Min(FirstHosts, hosts)).ConfigureAwait(false);
        await PublishRoundsAsync("1 global key", rounds, "*", Math.Min(FirstHosts, hosts), _ => true).ConfigureAwait(false);
        if (hosts > FirstHosts)
        {
            swarm.Cut();
            await GrowAsync(FirstHosts, hosts).ConfigureAwait(false);
        }
        await PublishRoundsAsync("1 global key", rounds, "*", hosts, _ => true).ConfigureAwait(false);
        await PublishRoundsAsync("1 key of one host", rounds, $"host={GeneratedFleet.Host(5)}", 1, i => i == 5).ConfigureAwait(false);
        await NothingAsync().ConfigureAwait(false);
        await OneFactAsync().ConfigureAwait(false);
        await ReadsAsync(hosts).ConfigureAwait(false);
        await StormAsync("all connections cut, and nothing changed meanwhile", hosts, forget: false).ConfigureAwait(false);
        swarm.Cut();
        await PublishOneAsync("away", "*").ConfigureAwait(false);
        await StormAsync("all connections cut, and 1 global key changed meanwhile", hosts, forget: false).ConfigureAwait(false);
        await StormAsync("all agents come without a cache", hosts, forget: true).ConfigureAwait(false);
        swarm.Cut();
    }

    private async Task GrowAsync(int from, int to)
    {
        (long start, TimeSpan cpu) = (Stopwatch.GetTimestamp(), cluster.TotalCpu());
        int releases = 0;
        foreach (Change part in (from == 0 ? GeneratedFleet.Shared() : []).Concat(GeneratedFleet.Hosts(from, to - from)))
        {
            await client.Configuration.PublishAsync(new PublishRequest { Change = part, Author = "bench", Reason = "import" }).ConfigureAwait(false);
            releases++;
        }
        Say($"import of {to - from:N0} hosts in {releases} releases", start, cpu);

        (start, cpu) = (Stopwatch.GetTimestamp(), cluster.TotalCpu());
        FactReports[] reports = [.. members.Select((member, i) => new FactReports(member, from + i, to, members.Length))];
        await Task.WhenAll(reports.Select(report => Task.Factory.StartNew(report.Run, TaskCreationOptions.LongRunning))).ConfigureAwait(false);
        Say($"facts of {to - from:N0} hosts, {reports.Sum(r => r.Errors)} refused", start, cpu);
        await StormAsync("first connection", to, forget: true).ConfigureAwait(false);
    }

    private async Task PublishRoundsAsync(string what, int rounds, string scope, int count, Func<int, bool> concerns)
    {
        var all = new List<double>();
        (var before, TimeSpan cpu) = (swarm.Received, cluster.TotalCpu());
        double answered = 0;
        for (int round = 0; round < rounds; round++)
        {
            Func<TimeSpan, Task<List<double>>> reached = swarm.Expect(count, concerns, await HeadAsync().ConfigureAwait(false) + 1);
            long start = Stopwatch.GetTimestamp();
            await PublishOneAsync($"round {round} {start}", scope).ConfigureAwait(false);
            answered += Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            all.AddRange(await reached(Patience).ConfigureAwait(false));
            await Task.Delay(1_000).ConfigureAwait(false);
        }
        (var now, TimeSpan used) = (swarm.Received, cluster.TotalCpu() - cpu);
        Console.WriteLine(Format($"{swarm.Count:N0} agents, publish of {what}, {rounds} times: to the agent {Percentiles(all)}; answered after {answered / rounds:F0} ms; {(now.Messages - before.Messages) / rounds:N0} messages, {(now.Bytes - before.Bytes) / rounds:N0} bytes each; CPU of the members {used.TotalMilliseconds / rounds:F0} ms each; {Memory()}"));
    }

    private async Task PublishOneAsync(string value, string scope) =>
        await client.Configuration.PublishAsync(new PublishRequest { Change = GeneratedFleet.One(scope, GeneratedFleet.GlobalKey, value), Author = "bench", Reason = "round" }).ConfigureAwait(false);

    private async Task<long> HeadAsync() => (await client.Configuration.ReleasesAsync(new ReleasesRequest { Limit = 1 }).ConfigureAwait(false)).Head;

    private async Task NothingAsync()
    {
        (var before, TimeSpan cpu) = (swarm.Received, cluster.TotalCpu());
        await client.Configuration.PublishAsync(new PublishRequest { Change = GeneratedFleet.One("*", "a", "1", document: "other"), Author = "bench", Reason = "another document" }).ConfigureAwait(false);
        // Hidden from every host by the entry of its role.
        await client.Configuration.PublishAsync(new PublishRequest { Change = GeneratedFleet.One("*", "section0/option_000", "hidden"), Author = "bench", Reason = "a hidden value" }).ConfigureAwait(false);
        await Task.Delay(8_000).ConfigureAwait(false);
        Console.WriteLine(Format($"2 releases that change nothing for anybody, and 8 s: {swarm.Received.Messages - before.Messages} messages, CPU {(cluster.TotalCpu() - cpu).TotalMilliseconds:F0} ms"));
        cpu = cluster.TotalCpu();
        await Task.Delay(10_000).ConfigureAwait(false);
        Console.WriteLine(Format($"10 s of silence with {swarm.Count:N0} streams: CPU {(cluster.TotalCpu() - cpu).TotalMilliseconds:F0} ms"));
    }

    private async Task OneFactAsync()
    {
        const int Times = 20;
        (var before, TimeSpan cpu, long start) = (swarm.Received, cluster.TotalCpu(), Stopwatch.GetTimestamp());
        for (int i = 0; i < Times; i++)
        {
            var report = new AcknowledgeRequest { Node = GeneratedFleet.Host(i), HasFacts = true };
            report.Facts["mgmt_ip"] = Format($"\"192.168.0.{i}\"");
            await client.Configuration.AcknowledgeAsync(report).ConfigureAwait(false);
            await Task.Delay(100).ConfigureAwait(false);
        }
        await Task.Delay(2_000).ConfigureAwait(false);
        Console.WriteLine(Format($"{Times} hosts report another fact, one each 100 ms: {swarm.Received.Messages - before.Messages} messages, CPU {(cluster.TotalCpu() - cpu).TotalMilliseconds / Times:F1} ms for each"));
    }

    private async Task ReadsAsync(int hosts)
    {
        foreach ((string what, string[] keys) in (IEnumerable<(string, string[])>)[("whole document", []), ("one key", [GeneratedFleet.GlobalKey])])
        {
            const int Times = 500;
            var took = new List<double>();
            TimeSpan cpu = cluster.TotalCpu();
            for (int i = 0; i < Times; i++)
            {
                var request = new GetRequest { Subject = new Subject { Node = GeneratedFleet.Host(i * 37 % hosts) }, Document = GeneratedFleet.Document, MinRelease = 1 };
                request.Keys.AddRange(keys);
                long start = Stopwatch.GetTimestamp();
                await client.Configuration.GetAsync(request).ConfigureAwait(false);
                took.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
            Console.WriteLine(Format($"get of {what}, one after the other: {Percentiles(took)}; CPU of the members {(cluster.TotalCpu() - cpu).TotalMicroseconds / Times:F0} us each"));
        }
    }

    private async Task StormAsync(string what, int hosts, bool forget)
    {
        swarm.Cut();
        if (forget)
            swarm.Forget();
        await Task.Delay(2_000).ConfigureAwait(false);
        (var before, TimeSpan cpu) = (swarm.Received, cluster.TotalCpu());
        using var peak = new MemoryPeak(cluster);
        List<double> took = await swarm.ConnectAsync(hosts, Patience).ConfigureAwait(false);
        (var now, TimeSpan used) = (swarm.Received, cluster.TotalCpu() - cpu);
        Console.WriteLine(Format($"{hosts:N0} agents, {what}: {Percentiles(took)}; {now.Bytes - before.Bytes:N0} bytes, {now.Whole - before.Whole:N0} whole documents; CPU of the members {used.TotalSeconds:F1} s; memory of the largest member {peak.Mebibytes} MiB at most, {Memory()} after"));
    }

    private void Say(string what, long start, TimeSpan cpu) =>
        Console.WriteLine(Format($"{what}: {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s, CPU of the members {(cluster.TotalCpu() - cpu).TotalSeconds:F1} s, {Memory()}"));

    private string Memory() => string.Join('/', cluster.Members.Select(m => m.Usage.ResidentBytes >> 20)) + " MiB";

    private static string Percentiles(List<double> milliseconds)
    {
        milliseconds.Sort();
        return Format($"p50 {milliseconds[milliseconds.Count / 2]:F1} ms, p99 {milliseconds[(int)(milliseconds.Count * 0.99)]:F1} ms, max {milliseconds[^1]:F1} ms");
    }

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>Looks ten times a second.</summary>
    private sealed class MemoryPeak : IDisposable
    {
        private readonly Timer _timer;
        private long _bytes;

        public MemoryPeak(ProcessCluster cluster) => _timer = new Timer(_ => _bytes = Math.Max(_bytes, cluster.Members.Max(m => m.Usage.ResidentBytes)), null, 0, 100);

        public long Mebibytes => _bytes >> 20;

        public void Dispose() => _timer.Dispose();
    }
}
