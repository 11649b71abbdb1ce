using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Conclave.Bench.Cases;
using Conclave.Processes.Servers;

namespace Conclave.Bench.Reports;

/// <summary>The report for programs.</summary>
internal static class ReportJson
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static string Write(Report report, BenchOptions options) => new JsonObject
    {
        ["machine"] = new JsonObject { ["cores"] = Environment.ProcessorCount, ["os"] = RuntimeInformation.OSDescription, ["runtime"] = RuntimeInformation.FrameworkDescription },
        ["options"] = new JsonObject
        {
            ["members"] = options.Members,
            ["rounds"] = options.Rounds,
            ["seconds"] = options.Seconds,
            ["leader_only"] = options.LeaderOnly,
            ["connections_per_endpoint"] = options.ConnectionsPerEndpoint,
        },
        ["cases"] = new JsonArray([.. report.Cases.Select(each => CaseOf(report, each))]),
    }.ToJsonString(Indented);

    private static JsonObject CaseOf(Report report, BenchCase each)
    {
        var metrics = new JsonObject();
        foreach (string metric in report.MetricsOf(each))
        {
            metrics[metric] = new JsonObject
            {
                ["conclave"] = report.Median(each, ServerKind.Conclave, metric),
                ["etcd"] = report.Median(each, ServerKind.Etcd, metric),
                ["ratio"] = report.Ratio(each, metric),
                ["conclave_rounds"] = RoundsOf(report, each, ServerKind.Conclave, metric),
                ["etcd_rounds"] = RoundsOf(report, each, ServerKind.Etcd, metric),
            };
        }
        var guards = each.Guards.Select(guard => (JsonNode)new JsonObject { ["guard"] = guard.ToString(), ["holds"] = report.Holds(each, guard) });
        return new JsonObject { ["name"] = each.Name, ["description"] = each.Description, ["metrics"] = metrics, ["guards"] = new JsonArray([.. guards]) };
    }

    private static JsonArray RoundsOf(Report report, BenchCase each, ServerKind kind, string metric) =>
        new([.. report.Rounds(each, kind, metric).Select(value => (JsonNode)JsonValue.Create(value))]);
}
