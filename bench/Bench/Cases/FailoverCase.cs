using System.Diagnostics;
using Conclave.Bench.Reports;
using Conclave.Processes.Probes;
using Conclave.Processes.Servers;

namespace Conclave.Bench.Cases;

/// <summary>kill -9 of the leader until a write through another member is acknowledged, several times on one cluster.</summary>
internal sealed class FailoverCase() : OwnClusterCase("failover", "kill -9 of the leader until a write succeeds",
    new Guard("first", "median_ms", AtLeast: false, 600, IsAbsolute: true),
    new Guard("goal", "median_ms", AtLeast: false, 400, IsAbsolute: true),
    new Guard("goal", "worst_ms", AtLeast: false, 1000, IsAbsolute: true))
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public override async Task<Metrics> RunAsync(ServerKind kind, BenchOptions options, CancellationToken cancellationToken)
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = kind, Members = Math.Max(3, options.Members) }, cancellationToken).ConfigureAwait(false);
        List<double> milliseconds = [];
        for (int kill = 0; kill < options.Kills; kill++)
        {
            await cluster.WaitUntilAllServeAsync(Patience, cancellationToken).ConfigureAwait(false);
            ServerProcess leader = cluster.Members[await cluster.WaitForLeaderAsync(Patience, cancellationToken).ConfigureAwait(false)];
            long killed = Stopwatch.GetTimestamp();
            leader.Kill();
            milliseconds.Add((await WriteProbe.UntilAcknowledgedAsync(cluster, killed, Patience, cancellationToken).ConfigureAwait(false)).TotalMilliseconds);
            leader.Start();
        }
        return new Metrics { ["median_ms"] = Statistics.Median(milliseconds), ["worst_ms"] = milliseconds.Max(), ["kills"] = milliseconds.Count };
    }
}
