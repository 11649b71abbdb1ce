using Conclave.Bench.Load;

namespace Conclave.Bench.Reports;

/// <summary>Numbers of one round of one case, by name; the names are those of the JSON report.</summary>
internal sealed class Metrics : SortedDictionary<string, double>
{
    public const string Throughput = "ops_per_s", P50 = "p50_ms", P99 = "p99_ms", ServerCpu = "server_cpu_us_per_op", OwnCpu = "client_cpu_us_per_op", Errors = "errors";

    public Metrics() : base(StringComparer.Ordinal) { }

    /// <param name="operations">Of the measured window.</param>
    /// <param name="errors">Calls that were refused or answered wrongly.</param>
    /// <param name="elapsed">Length of the window.</param>
    /// <param name="server">CPU time of all servers in it.</param>
    /// <param name="own">CPU time of this process in it.</param>
    public static Metrics OfLoad(LatencyHistogram operations, long errors, TimeSpan elapsed, TimeSpan server, TimeSpan own)
    {
        double count = Math.Max(1, operations.Count);
        return new Metrics
        {
            [Throughput] = operations.Count / elapsed.TotalSeconds,
            [P50] = operations.Percentile(0.50).TotalMilliseconds,
            [P99] = operations.Percentile(0.99).TotalMilliseconds,
            [ServerCpu] = server.TotalMicroseconds / count,
            [OwnCpu] = own.TotalMicroseconds / count,
            [Errors] = errors,
        };
    }
}
