using Conclave.Bench.Cases;
using Conclave.Processes.Servers;

namespace Conclave.Bench.Reports;

/// <summary>All rounds of all cases; medians over the rounds are what is shown.</summary>
internal sealed class Report
{
    private readonly Dictionary<(string Case, ServerKind Kind, string Metric), List<double>> _values = [];
    private readonly List<BenchCase> _cases = [];

    public IReadOnlyList<BenchCase> Cases => _cases;

    public void Add(BenchCase each, ServerKind kind, Metrics metrics)
    {
        if (!_cases.Contains(each))
            _cases.Add(each);
        foreach ((string metric, double value) in metrics)
        {
            if (!_values.TryGetValue((each.Name, kind, metric), out List<double>? values))
                _values.Add((each.Name, kind, metric), values = []);
            values.Add(value);
        }
    }

    public IReadOnlyList<double> Rounds(BenchCase each, ServerKind kind, string metric) =>
        _values.TryGetValue((each.Name, kind, metric), out List<double>? values) ? values : [];

    /// <returns>Null when it was not measured.</returns>
    public double? Median(BenchCase each, ServerKind kind, string metric) =>
        Rounds(each, kind, metric) is { Count: > 0 } values ? Statistics.Median(values) : null;

    /// <summary>Conclave's median over etcd's.</summary>
    public double? Ratio(BenchCase each, string metric) =>
        Median(each, ServerKind.Conclave, metric) / Median(each, ServerKind.Etcd, metric) is { } ratio && double.IsFinite(ratio) ? ratio : null;

    /// <summary>Names of everything measured for a case, in order.</summary>
    public IEnumerable<string> MetricsOf(BenchCase each) =>
        _values.Keys.Where(key => key.Case == each.Name).Select(key => key.Metric).Distinct().Order(StringComparer.Ordinal);

    public bool? Holds(BenchCase each, Guard guard) =>
        guard.Holds(Median(each, ServerKind.Conclave, guard.Metric), Median(each, ServerKind.Etcd, guard.Metric));
}
