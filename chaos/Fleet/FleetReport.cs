using System.Text;

namespace Conclave.FleetDemo;

/// <summary>What happened, and how long it took.</summary>
internal sealed class FleetReport
{
    private readonly List<(string What, int Hosts, TimeSpan Time)> _rows = [];

    public void Add(string what, int hosts, TimeSpan time) => _rows.Add((what, hosts, time));

    public override string ToString()
    {
        var text = new StringBuilder("| what | hosts | seconds |\n|---|---:|---:|\n");
        foreach ((string what, int hosts, TimeSpan time) in _rows) text.Append($"| {what} | {hosts} | {DemoFiles.Text(time.TotalSeconds)} |\n");
        return text.ToString();
    }
}
