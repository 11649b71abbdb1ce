using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Conclave.Processes.Kill;

/// <summary>What a kill run saw.</summary>
public sealed record KillReport
{
    private const int ViolationsShownMax = 20;
    private static readonly JsonSerializerOptions JsonForm = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required string Kind { get; init; }

    /// <summary>From kill -9 of the leader until a write through another member was acknowledged, in ms, one per kill.</summary>
    public required IReadOnlyList<double> LeaderKillMilliseconds { get; init; }

    /// <summary>From the start of all killed members until a write was acknowledged, in ms.</summary>
    public required IReadOnlyList<double> AllKillMilliseconds { get; init; }

    /// <summary>From SIGSTOP of the leader until a write through another member was acknowledged, in ms, one per pause.</summary>
    public required IReadOnlyList<double> LeaderPauseMilliseconds { get; init; }

    public required long Acknowledged { get; init; }

    public required long Refused { get; init; }

    public required long Unknown { get; init; }

    /// <summary>Keys in the store in the end.</summary>
    public required int Keys { get; init; }

    /// <summary>Writes of sessions that were sent again because nobody knew what had become of them.</summary>
    public required int Repeats { get; init; }

    /// <summary>Operations on shared registers, all judged by the linearizability checker.</summary>
    public required int HistoryOperations { get; init; }

    public required long StatesExplored { get; init; }

    /// <summary>Empty when all is well.</summary>
    public required IReadOnlyList<string> Violations { get; init; }

    /// <summary>Median over the leader kills, in ms.</summary>
    public double LeaderKillMedianMilliseconds => Median(LeaderKillMilliseconds);

    /// <summary>Longest of the leader kills, in ms.</summary>
    public double LeaderKillWorstMilliseconds => LeaderKillMilliseconds.DefaultIfEmpty(double.NaN).Max();

    /// <summary>Median over the kills of all, in ms.</summary>
    public double AllKillMedianMilliseconds => Median(AllKillMilliseconds);

    public string ToJson() => JsonSerializer.Serialize(this, new JsonSerializerOptions(JsonForm) { NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals });

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Kind}: {LeaderKillMilliseconds.Count} kills of the leader: writes succeed again after {LeaderKillMedianMilliseconds:0} ms (median), {LeaderKillWorstMilliseconds:0} ms (worst)");
        text.AppendLine(CultureInfo.InvariantCulture, $"{Kind}: {AllKillMilliseconds.Count} kills of all: writes succeed {AllKillMedianMilliseconds:0} ms after the start (median)");
        text.AppendLine(CultureInfo.InvariantCulture, $"{Kind}: {LeaderPauseMilliseconds.Count} pauses of the leader: writes succeed again after {Median(LeaderPauseMilliseconds):0} ms (median)");
        text.AppendLine(CultureInfo.InvariantCulture, $"calls: {Acknowledged} acknowledged, {Refused} refused, {Unknown} of unknown outcome; {Keys} keys; {Repeats} writes of sessions repeated; {HistoryOperations} operations on registers checked ({StatesExplored} states)");
        text.AppendLine(Violations.Count == 0 ? "nothing was lost, nothing went back" : $"{Violations.Count} VIOLATIONS:");
        foreach (string violation in Violations.Take(ViolationsShownMax))
            text.AppendLine($"  {violation}");
        return text.ToString();
    }

    private static double Median(IReadOnlyCollection<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
