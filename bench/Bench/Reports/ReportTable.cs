using System.Globalization;
using System.Text;
using Conclave.Bench.Cases;
using Conclave.Processes.Servers;

namespace Conclave.Bench.Reports;

/// <summary>The report for people, as Markdown.</summary>
internal static class ReportTable
{
    public static string Write(Report report)
    {
        var text = new StringBuilder();
        WriteLoads(report, text);
        WriteOthers(report, text);
        WriteGuards(report, text);
        return text.ToString();
    }

    private static void WriteLoads(Report report, StringBuilder text)
    {
        BenchCase[] loads = [.. report.Cases.Where(each => each is SharedClusterCase)];
        if (loads.Length == 0)
            return;
        text.AppendLine("Medians; server CPU is the sum over all members. Each pair is conclave / etcd.").AppendLine();
        text.AppendLine("| case | ops/s | x | p50 ms | p99 ms | x | server CPU us/op | x | client CPU us/op | errors |");
        text.AppendLine("|---|---|---|---|---|---|---|---|---|---|");
        foreach (BenchCase each in loads)
        {
            text.AppendLine(CultureInfo.InvariantCulture,
                $"| {each.Description} | {Pair(report, each, Metrics.Throughput)} | {Ratio(report, each, Metrics.Throughput)} | {Pair(report, each, Metrics.P50)} | {Pair(report, each, Metrics.P99)} | {Ratio(report, each, Metrics.P99)} | {Pair(report, each, Metrics.ServerCpu)} | {Ratio(report, each, Metrics.ServerCpu)} | {Pair(report, each, Metrics.OwnCpu)} | {Pair(report, each, Metrics.Errors)} |");
        }
        text.AppendLine();
    }

    private static void WriteOthers(Report report, StringBuilder text)
    {
        BenchCase[] others = [.. report.Cases.Where(each => each is not SharedClusterCase)];
        if (others.Length == 0)
            return;
        text.AppendLine("| case | metric | conclave / etcd | x |");
        text.AppendLine("|---|---|---|---|");
        foreach (BenchCase each in others)
        {
            foreach (string metric in report.MetricsOf(each))
                text.AppendLine($"| {each.Name} | {metric} | {Pair(report, each, metric)} | {Ratio(report, each, metric)} |");
        }
        text.AppendLine();
    }

    private static void WriteGuards(Report report, StringBuilder text)
    {
        foreach (string level in (string[])["first", "goal"])
        {
            (BenchCase Case, Guard Guard, bool Holds)[] judged = [.. from each in report.Cases
                                                                    from guard in each.Guards
                                                                    where guard.Level == level && report.Holds(each, guard) is not null
                                                                    select (each, guard, report.Holds(each, guard) == true)];
            if (judged.Length == 0)
                continue;
            text.AppendLine(CultureInfo.InvariantCulture, $"{(level == "first" ? "First targets" : "Goals")}: {judged.Count(each => each.Holds)} of {judged.Length} reached.");
            foreach ((BenchCase each, Guard guard, bool holds) in judged.Where(each => !each.Holds))
            {
                double? value = guard.IsAbsolute ? report.Median(each, ServerKind.Conclave, guard.Metric) : report.Ratio(each, guard.Metric);
                text.AppendLine(CultureInfo.InvariantCulture, $"- missed: {each.Name}, {guard.Metric} is {value:0.##}{(guard.IsAbsolute ? "" : " x etcd")}, wanted {(guard.AtLeast ? ">=" : "<=")} {guard.Limit}");
            }
            text.AppendLine();
        }
    }

    private static string Pair(Report report, BenchCase each, string metric) =>
        $"{Number(report.Median(each, ServerKind.Conclave, metric))} / {Number(report.Median(each, ServerKind.Etcd, metric))}";

    private static string Ratio(Report report, BenchCase each, string metric) =>
        report.Ratio(each, metric) is { } ratio ? ratio.ToString("0.00", CultureInfo.InvariantCulture) : "-";

    private static string Number(double? value) => value switch
    {
        null => "-",
        >= 100 => value.Value.ToString("#,0", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("0.##", CultureInfo.InvariantCulture),
    };
}
