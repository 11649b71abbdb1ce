using System.Globalization;
using System.Net;
using Conclave.Bench.Cases;
using Conclave.Bench.Load;
using Conclave.Bench.Reports;
using Conclave.Processes.Servers;

namespace Conclave.Bench.Overload;

/// <summary>Many more clients than one member can serve at a time, all of them writing, and holders of leases beside them.</summary>
internal static class OverloadRun
{
    private const int Connections = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The command.</summary>
    public static async Task<int> MainAsync(string[] arguments)
    {
        OverloadOptions options;
        try
        {
            options = OverloadOptions.Parse(arguments);
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine($"{e.Message}\n\n{BenchOptions.Usage}");
            return 2;
        }
        Console.WriteLine("| limit | refused ones come again after | clients | writes/s | p50 ms | p99 ms | refused/s | server CPU us per write | renewals | p99 ms | leases lost |\n|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (string limit in options.Limits)
        {
            // Without a limit nobody is refused, so there is nothing to come again after.
            foreach (TimeSpan pause in limit.Length == 0 ? [TimeSpan.Zero] : options.Pauses)
            {
                foreach (int clients in options.Clients)
                    await RunAsync(options, limit, pause, clients);
            }
        }
        return 0;
    }

    private static async Task RunAsync(OverloadOptions options, string limit, TimeSpan pause, int clients)
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(new ClusterOptions { Kind = ServerKind.Conclave, Members = 1, Arguments = limit.Length == 0 ? [] : [limit] });
        await KeySpace.FillAsync(cluster, "bench/", KeySpace.Keys, KeySpace.ValueBytes, CancellationToken.None);
        for (int i = 0; i < Renewals.Leases; i++)
            _ = (await cluster.Clients[0].LeaseGrantAsync(Renewals.FirstLease + i, Renewals.TtlSeconds, Patience)).Required;
        var endpoint = new IPEndPoint(IPAddress.Loopback, cluster.Members[0].ClientPort);
        var window = new LoadWindow();
        LoadWorker[] workers = LoadCase.Spread([.. Enumerable.Range(0, clients).Select(i => new PutClient(i))], [endpoint], Connections, window);
        foreach (LoadWorker worker in workers)
            worker.PauseAfterRefusal = pause;
        using var renewals = new Renewals(endpoint);
        try
        {
            Task renewing = Task.Factory.StartNew(renewals.Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            var plan = new RunPlan(TimeSpan.FromSeconds(options.WarmUpSeconds), TimeSpan.FromSeconds(options.Seconds));
            Metrics load = await LoadRun.MeasureAsync(workers, window, plan, cluster.TotalCpu, CancellationToken.None);
            renewals.Stop();
            await renewing;
            string Of(double value) => value.ToString(value < 10 ? "0.0" : "#,0", CultureInfo.InvariantCulture);
            Console.WriteLine($"| {(limit.Length == 0 ? "none" : limit)} | {(limit.Length == 0 ? "" : $"{pause.TotalMilliseconds:0} ms")} | {clients} | {Of(load[Metrics.Throughput])} | {Of(load[Metrics.P50])} | {Of(load[Metrics.P99])} | {Of(load[Metrics.Errors] / options.Seconds)} | {Of(load[Metrics.ServerCpu])} | {renewals.Latencies.Count} | {Of(renewals.Latencies.Percentile(0.99).TotalMilliseconds)} | {renewals.Lost} |");
        }
        finally
        {
            foreach (LoadWorker worker in workers)
                worker.Dispose();
        }
    }
}
