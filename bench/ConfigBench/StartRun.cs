using System.Diagnostics;
using System.Globalization;
using Conclave.Client;
using Conclave.Processes.Servers;
using Conclave.Wire.V1;

namespace Conclave.ConfigBench;

/// <summary>How long a member that starts with many releases takes until it serves the configuration.</summary>
internal static class StartRun
{
    private const int Hosts = 1_000;

    public static async Task RunAsync(int[] releases)
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = ServerKind.Conclave, Members = 1 }).ConfigureAwait(false);
        await using var client = new ConclaveClient(new ConclaveClientOptions { Endpoints = [cluster.Members[0].ClientUrl.ToString()], RequestTimeout = TimeSpan.FromSeconds(60), RetryPatience = TimeSpan.FromSeconds(60) });
        foreach (Change part in GeneratedFleet.Shared().Concat(GeneratedFleet.Hosts(0, Hosts)))
            await PublishAsync(client, part).ConfigureAwait(false);
        foreach (int count in releases)
        {
            long start = Stopwatch.GetTimestamp();
            long head = (await client.Configuration.ReleasesAsync(new ReleasesRequest { Limit = 1 }).ConfigureAwait(false)).Head;
            for (long release = head; release < count; release++)
                await PublishAsync(client, GeneratedFleet.One($"host={GeneratedFleet.Host((int)release % Hosts)}", GeneratedFleet.GlobalKey, string.Create(CultureInfo.InvariantCulture, $"of release {release}"))).ConfigureAwait(false);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count:N0} releases: published at {(count - head) / Stopwatch.GetElapsedTime(start).TotalSeconds:F0} a second, one after the other; {cluster.Members[0].Usage.ResidentBytes >> 20} MiB"));

            cluster.KillAll();
            start = Stopwatch.GetTimestamp();
            cluster.StartAll();
            await cluster.WaitUntilWritableAsync(TimeSpan.FromMinutes(2)).ConfigureAwait(false);
            double writable = Stopwatch.GetElapsedTime(start).TotalSeconds;
            await client.Configuration.GetAsync(new GetRequest { Subject = new Subject { Node = GeneratedFleet.Host(1) }, Document = GeneratedFleet.Document }).ConfigureAwait(false);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count:N0} releases, {Hosts:N0} hosts: a member that starts takes writes after {writable:F1} s and serves the configuration after {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s, CPU {cluster.TotalCpu().TotalSeconds:F1} s, {cluster.Members[0].Usage.ResidentBytes >> 20} MiB"));
        }
    }

    private static async Task PublishAsync(ConclaveClient client, Change change) =>
        await client.Configuration.PublishAsync(new PublishRequest { Change = change, Author = "bench", Reason = "release" }).ConfigureAwait(false);
}
