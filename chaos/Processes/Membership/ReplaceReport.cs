using System.Globalization;
using System.Text;
using System.Text.Json;
using Conclave.Processes.Sessions;

namespace Conclave.Processes.Membership;

/// <summary>One member that took the place of another.</summary>
/// <param name="Old">Who went.</param>
/// <param name="New">Who came.</param>
/// <param name="Led">Whether the one that went was the leader when its replacement began.</param>
/// <param name="JoinMilliseconds">From the request to add the new one, through its start with an empty directory, until it voted and served.</param>
/// <param name="RemoveMilliseconds">From the request to remove the old one until it was answered.</param>
public sealed record Replacement(string Old, string New, bool Led, double JoinMilliseconds, double RemoveMilliseconds)
{
    /// <summary>Longest time without a successful write through the members that stay, while the new one joined, in ms.</summary>
    public double JoinGapMilliseconds { get; init; }

    /// <summary>Longest time without a successful write through the members that stay, from the request to remove the old one until it was stopped, in ms.</summary>
    public double RemoveGapMilliseconds { get; init; }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Old}{(Led ? " (leader)" : "")} replaced by {New}: {JoinMilliseconds:0} ms until it voted, {RemoveMilliseconds:0} ms until the old one was removed");
}

/// <summary>What a replace run saw.</summary>
public sealed record ReplaceReport
{
    private const int ViolationsShownMax = 20;
    private static readonly JsonSerializerOptions JsonForm = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required string Kind { get; init; }

    public required IReadOnlyList<Replacement> Replacements { get; init; }

    /// <summary>What the clients saw, its violations included.</summary>
    public required WorkloadReport Clients { get; init; }

    /// <summary>Everything that is wrong; empty when all is well.</summary>
    public required IReadOnlyList<string> Violations { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, JsonForm);

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Kind}: {Replacements.Count} members replaced, {Replacements.Count(one => one.Led)} of them leading; longest time without a successful write through those that stay {Replacements.Max(one => Math.Max(one.JoinGapMilliseconds, one.RemoveGapMilliseconds)):0} ms, for clients that also ask the one that goes {Clients.LongestWriteGapMilliseconds:0} ms");
        foreach (Replacement one in Replacements)
            text.AppendLine(CultureInfo.InvariantCulture, $"  {one}; longest time without a write {one.JoinGapMilliseconds:0} ms while it joined, {one.RemoveGapMilliseconds:0} ms while the old one went");
        text.AppendLine(CultureInfo.InvariantCulture, $"calls: {Clients.Acknowledged} acknowledged, {Clients.Refused} refused, {Clients.Unknown} of unknown outcome; {Clients.Keys} keys; {Clients.HistoryOperations} operations on registers checked ({Clients.StatesExplored} states)");
        text.AppendLine(Violations.Count == 0 ? "nothing was lost, nothing went back" : $"{Violations.Count} VIOLATIONS:");
        foreach (string violation in Violations.Take(ViolationsShownMax))
            text.AppendLine($"  {violation}");
        return text.ToString();
    }
}
