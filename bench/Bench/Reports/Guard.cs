using System.Globalization;

namespace Conclave.Bench.Reports;

/// <summary>A number that a case guards: a limit on a metric of Conclave, usually as a multiple of etcd's in the same run.</summary>
/// <param name="Level">"first" is what the server must reach now, "goal" is where it is to end.</param>
/// <param name="Metric">Name in <see cref="Metrics"/>.</param>
/// <param name="AtLeast">True when more is better.</param>
/// <param name="Limit">A ratio to etcd's median, or the number itself when <paramref name="IsAbsolute"/>.</param>
/// <param name="IsAbsolute">Whether etcd plays no part.</param>
internal sealed record Guard(string Level, string Metric, bool AtLeast, double Limit, bool IsAbsolute = false)
{
    /// <summary>The usual three limits of a load case.</summary>
    public static Guard[] OfLoad(double firstThroughput, double? firstCpu, double goalThroughput, double goalCpu, double goalP99) =>
    [
        new("first", Metrics.Throughput, AtLeast: true, firstThroughput),
        .. firstCpu is { } cpu ? [new Guard("first", Metrics.ServerCpu, AtLeast: false, cpu)] : Array.Empty<Guard>(),
        new("goal", Metrics.Throughput, AtLeast: true, goalThroughput),
        new("goal", Metrics.ServerCpu, AtLeast: false, goalCpu),
        new("goal", Metrics.P99, AtLeast: false, goalP99),
    ];

    /// <returns>Whether it holds; null when it cannot be told because one side was not measured.</returns>
    public bool? Holds(double? conclave, double? etcd)
    {
        double? value = IsAbsolute ? conclave : conclave / etcd;
        return value is { } known ? (AtLeast ? known >= Limit : known <= Limit) : null;
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Level}: {Metric} {(AtLeast ? ">=" : "<=")} {Limit}{(IsAbsolute ? "" : " x etcd")}");
}
