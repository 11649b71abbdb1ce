using System.Net;
using Conclave.Bench.Load;
using Conclave.Bench.Reports;
using Conclave.Processes.Servers;

namespace Conclave.Bench.Cases;

/// <summary>A number of equal closed-loop clients, spread over the members.</summary>
internal sealed class LoadCase(string name, string description, int clients, Func<int, LoadClient> create, params Guard[] guards)
    : SharedClusterCase(name, description, guards)
{
    /// <summary>What must be there or gone before each round.</summary>
    public Func<ProcessCluster, CancellationToken, Task> Before { get; init; } = (_, _) => Task.CompletedTask;

    /// <summary>Set for cases whose every operation is one write: then what was counted is compared with what the store says.</summary>
    public bool EachTakesARevision { get; init; }

    public override async Task<Metrics> RunAsync(ProcessCluster cluster, BenchOptions options, RunPlan plan, CancellationToken cancellationToken)
    {
        await Before(cluster, cancellationToken).ConfigureAwait(false);
        IPEndPoint[] endpoints = await EndpointsAsync(cluster, options, cancellationToken).ConfigureAwait(false);
        var window = new LoadWindow();
        LoadClient[] all = [.. Enumerable.Range(0, clients).Select(create)];
        LoadWorker[] workers = all.Length == 1 ? [new LoadWorker(endpoints, all, window)] : Spread(all, endpoints, options.ConnectionsPerEndpoint, window);
        try
        {
            long before = await KeySpace.RevisionAsync(cluster, cancellationToken).ConfigureAwait(false);
            Metrics metrics = await LoadRun.MeasureAsync(workers, window, plan, cluster.TotalCpu, cancellationToken).ConfigureAwait(false);
            long taken = await KeySpace.RevisionAsync(cluster, cancellationToken).ConfigureAwait(false) - before, counted = workers.Sum(worker => worker.Completed);
            // A number nobody can trust is worse than none.
            if (EachTakesARevision && metrics[Metrics.Errors] == 0 && taken != counted)
                throw cluster.Failure($"the generator counted {counted} writes and the store {taken}");
            return metrics;
        }
        finally
        {
            foreach (LoadWorker worker in workers)
                worker.Dispose();
        }
    }

    /// <summary>All members, or only the leader when the options say so.</summary>
    internal static async Task<IPEndPoint[]> EndpointsAsync(ProcessCluster cluster, BenchOptions options, CancellationToken cancellationToken)
    {
        IEnumerable<ServerProcess> members = options.LeaderOnly
            ? [cluster.Members[await cluster.WaitForLeaderAsync(TimeSpan.FromSeconds(10), cancellationToken).ConfigureAwait(false)]]
            : cluster.Members;
        return [.. members.Select(member => new IPEndPoint(IPAddress.Loopback, member.ClientPort))];
    }

    internal static LoadWorker[] Spread(LoadClient[] clients, IPEndPoint[] endpoints, int connectionsPerEndpoint, LoadWindow window)
    {
        int connections = Math.Min(clients.Length, endpoints.Length * connectionsPerEndpoint);
        return [.. Enumerable.Range(0, connections).Select(i =>
            new LoadWorker([endpoints[i % endpoints.Length]], clients.Where((_, client) => client % connections == i), window))];
    }
}
