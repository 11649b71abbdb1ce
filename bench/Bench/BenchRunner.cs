using System.Globalization;
using Conclave.Bench.Cases;
using Conclave.Bench.Load;
using Conclave.Bench.Reports;
using Conclave.Processes.Servers;

namespace Conclave.Bench;

/// <summary>Starts the clusters and takes the rounds: within a round every case runs on each kind before the next case, and the order of the kinds alternates.</summary>
internal sealed class BenchRunner(BenchOptions options, Report report)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await RunSharedAsync(cancellationToken).ConfigureAwait(false);
        foreach (OwnClusterCase each in AllCases.Own.Where(each => options.Includes(each.Name)))
        {
            // One round is several kills, or several weighings, already.
            foreach (ServerKind kind in options.Kinds)
                Note(each, kind, 0, await each.RunAsync(kind, options, cancellationToken).ConfigureAwait(false));
        }
    }

    private async Task RunSharedAsync(CancellationToken cancellationToken)
    {
        SharedClusterCase[] cases = [.. AllCases.Shared.Where(each => options.Includes(each.Name))];
        if (cases.Length == 0)
            return;
        Dictionary<ServerKind, ProcessCluster> clusters = [];
        string keys = Directory.CreateTempSubdirectory("conclave-bench-").FullName;
        try
        {
            IReadOnlyList<string> common = [.. AuthSetup.Flags(options.Auth, keys), .. options.Tls ? LoadTls.TurnOn(keys) : []];
            foreach (ServerKind kind in options.Kinds)
            {
                IReadOnlyList<string> flags = kind == ServerKind.Conclave ? [.. common, .. options.ConclaveFlags] : common;
                clusters[kind] = await ProcessCluster.StartAsync(new ClusterOptions { Kind = kind, Members = options.Members, Arguments = flags, ClientTls = options.Tls ? LoadTls.Options() : null }, cancellationToken).ConfigureAwait(false);
                await clusters[kind].WaitUntilAllServeAsync(TimeSpan.FromSeconds(60), cancellationToken).ConfigureAwait(false);
                if (options.Auth != AuthKind.None)
                    await AuthSetup.TurnOnAsync(clusters[kind], cancellationToken).ConfigureAwait(false);
                await KeySpace.FillAsync(clusters[kind], "bench/", KeySpace.Keys, KeySpace.ValueBytes, cancellationToken).ConfigureAwait(false);
            }
            for (int round = 0; round < options.Rounds; round++)
            {
                var plan = new RunPlan(TimeSpan.FromSeconds(round == 0 ? options.FirstWarmUpSeconds : options.WarmUpSeconds), TimeSpan.FromSeconds(options.Seconds));
                foreach (SharedClusterCase each in cases)
                {
                    foreach (ServerKind kind in round % 2 == 0 ? options.Kinds : options.Kinds.Reverse())
                    {
                        Note(each, kind, round, await each.RunAsync(clusters[kind], options, plan, cancellationToken).ConfigureAwait(false));
                        await KeySpace.CompactAsync(clusters[kind], cancellationToken).ConfigureAwait(false);
                    }
                }
            }
        }
        finally
        {
            foreach (ProcessCluster cluster in clusters.Values)
                await cluster.DisposeAsync().ConfigureAwait(false);
            Directory.Delete(keys, recursive: true);
        }
    }

    private void Note(BenchCase each, ServerKind kind, int round, Metrics metrics)
    {
        report.Add(each, kind, metrics);
        string numbers = string.Join("  ", metrics.Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Key} {metric.Value:0.##}")));
        Console.Error.WriteLine($"round {round + 1}  {each.Name}  {kind}: {numbers}");
    }
}
