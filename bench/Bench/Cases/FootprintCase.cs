using System.Diagnostics;
using Conclave.Bench.Reports;
using Conclave.Processes.Servers;

namespace Conclave.Bench.Cases;

/// <summary>Memory and start-up: cold start, idle memory and CPU, memory with 100,000 keys, restart of all members with them.</summary>
internal sealed class FootprintCase() : OwnClusterCase("footprint", "start-up, memory per node idle and with 100,000 keys of 256 B, restart of all with them",
    new Guard("goal", "cold_start_ms", AtLeast: false, 0.5),
    new Guard("goal", "idle_mib", AtLeast: false, 1.3),
    new Guard("goal", "idle_cpu_percent", AtLeast: false, 1.0),
    new Guard("goal", "loaded_mib", AtLeast: false, 0.6),
    new Guard("goal", "restart_ms", AtLeast: false, 0.5))
{
    private const int Keys = 100_000, ValueBytes = 256;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public override async Task<Metrics> RunAsync(ServerKind kind, BenchOptions options, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = kind, Members = options.Members }, cancellationToken).ConfigureAwait(false);
        var metrics = new Metrics { ["cold_start_ms"] = Stopwatch.GetElapsedTime(start).TotalMilliseconds };

        await cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
        await Task.Delay(options.Idle, cancellationToken).ConfigureAwait(false);   // start-up work of the runtimes ends
        (TimeSpan before, long idleStart) = (cluster.TotalCpu(), Stopwatch.GetTimestamp());
        await Task.Delay(options.Idle, cancellationToken).ConfigureAwait(false);
        metrics["idle_cpu_percent"] = 100 * (cluster.TotalCpu() - before) / Stopwatch.GetElapsedTime(idleStart);
        metrics["idle_mib"] = MedianMebibytes(cluster);

        await KeySpace.FillAsync(cluster, "many/", Keys, ValueBytes, cancellationToken).ConfigureAwait(false);
        await cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
        metrics["loaded_mib"] = MedianMebibytes(cluster);

        cluster.KillAll();
        long restart = Stopwatch.GetTimestamp();
        cluster.StartAll();
        await cluster.WaitUntilWritableAsync(Patience, cancellationToken).ConfigureAwait(false);
        metrics["restart_ms"] = Stopwatch.GetElapsedTime(restart).TotalMilliseconds;
        return metrics;
    }

    private static double MedianMebibytes(ProcessCluster cluster) =>
        Statistics.Median([.. cluster.Members.Select(member => member.Usage.ResidentBytes / (1024.0 * 1024.0))]);
}
