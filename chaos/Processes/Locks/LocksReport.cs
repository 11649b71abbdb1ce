using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Conclave.Processes.Locks;

/// <summary>What a run of locks saw.</summary>
public sealed record LocksReport
{
    private const int ViolationsShownMax = 20;
    private static readonly JsonSerializerOptions JsonForm = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required string Kind { get; init; }

    /// <summary>Of members, by kind.</summary>
    public required string MemberFaults { get; init; }

    /// <summary>How often a process of clients was stopped for longer than its leases last.</summary>
    public required int ClientPauses { get; init; }

    public required int Attempts { get; init; }

    public required int Granted { get; init; }

    /// <summary>Grants of which there was a moment when the client surely held: only those can show two holders.</summary>
    public required int SurelyHeld { get; init; }

    public required int Refused { get; init; }

    public required int Broken { get; init; }

    public required int Writes { get; init; }

    /// <summary>Writes that the token kept out.</summary>
    public required int WritesRefused { get; init; }

    public required int WritesUnknown { get; init; }

    /// <summary>Keys that queued, from the store's history.</summary>
    public required int Turns { get; init; }

    public required int LeadersSeen { get; init; }

    public required double LongestWaitSeconds { get; init; }

    /// <summary>Empty when all is well.</summary>
    public required IReadOnlyList<string> Violations { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, JsonForm);

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Kind}: {MemberFaults}; {ClientPauses} pauses of a process of clients");
        text.AppendLine(CultureInfo.InvariantCulture, $"calls: {Attempts}, of these {Granted} granted ({SurelyHeld} surely held for a while), {Refused} refused, {Broken} broken off; longest wait {LongestWaitSeconds:0.0} s");
        text.AppendLine(CultureInfo.InvariantCulture, $"writes with a token: {Writes}, of these {WritesRefused} refused, {WritesUnknown} of unknown outcome; {Turns} places in queues; {LeadersSeen} leaders seen by observers");
        text.AppendLine(Violations.Count == 0 ? "never two holders, tokens rise, every wait ended" : $"{Violations.Count} VIOLATIONS:");
        foreach (string violation in Violations.Take(ViolationsShownMax))
            text.AppendLine($"  {violation}");
        return text.ToString();
    }
}
