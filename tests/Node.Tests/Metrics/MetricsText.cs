using System.Globalization;
using System.Text.RegularExpressions;

namespace Conclave.Node.Tests.Metrics;

/// <summary>Reads Prometheus' text format as strictly as it is specified, and fails where a lenient reader would guess.</summary>
internal sealed partial class MetricsText
{
    private readonly Dictionary<string, double> _samples = new(StringComparer.Ordinal);

    public MetricsText(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        var families = new HashSet<string>(StringComparer.Ordinal);
        string family = "", type = "", helped = "";
        foreach (string line in text.Split('\n')[..^1])
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                helped = line.Split(' ')[2];
                Assert.True(line.Split(' ').Length > 3, line);
                Assert.DoesNotContain('\\', line);
            }
            else if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                Assert.Matches(@"^# TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (counter|gauge|histogram)$", line);
                (family, type) = (line.Split(' ')[2], line.Split(' ')[3]);
                Assert.Equal(family, helped);
                Assert.True(families.Add(family), $"{family} has two types.");
            }
            else
            {
                Match sample = Sample().Match(line);
                Assert.True(sample.Success, line);
                string name = sample.Groups["name"].Value, expected = type == "histogram" ? Regex.Replace(name, "_(bucket|sum|count)$", "") : name;
                Assert.Equal(family, expected);   // samples of a family stand together, below its type
                Assert.True(_samples.TryAdd(line[..line.LastIndexOf(' ')], Number(sample.Groups["value"].Value)), line);
                if (type == "counter") Assert.True(_samples.Values.Last() >= 0, line);
                if (type == "histogram") Histograms.Add((family, Le().Replace(sample.Groups["labels"].Value, "").Trim(',')));
            }
        }

        Families = families;
    }

    public IReadOnlySet<string> Families { get; }

    /// <summary>Family and labels of each histogram.</summary>
    public HashSet<(string Family, string Labels)> Histograms { get; } = [];

    public double this[string series] => _samples.TryGetValue(series, out double value) ? value : throw new KeyNotFoundException($"/metrics has no {series}.");

    public IEnumerable<KeyValuePair<string, double>> Of(string name) => _samples.Where(sample => sample.Key == name || sample.Key.StartsWith(name + "{", StringComparison.Ordinal));

    /// <summary>The buckets of a histogram in the order in which they stand, with their bounds.</summary>
    public IReadOnlyList<(double Bound, double Count)> Buckets(string family, string labels) =>
    [
        .. Of(family + "_bucket").Where(sample => Le().Replace(sample.Key[(sample.Key.IndexOf('{') + 1)..^1], "").Trim(',') == labels)
            .Select(sample => (Number(Le().Match(sample.Key).Groups["bound"].Value), sample.Value)),
    ];

    private static double Number(string text) => text == "+Inf" ? double.PositiveInfinity : double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\\\|\\"|\\n)*",?)+)\})? (?<value>[0-9.eE+-]+|\+Inf)$""")]
    private static partial Regex Sample();

    [GeneratedRegex("""le="(?<bound>[^"]*)",?""")]
    private static partial Regex Le();
}
