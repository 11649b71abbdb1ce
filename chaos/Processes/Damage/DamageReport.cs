using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Conclave.Processes.Sessions;

namespace Conclave.Processes.Damage;

/// <summary>What is done to one member.</summary>
public enum DamageKind
{
    /// <summary>A bit flips in the middle of its log.</summary>
    LogBit,

    /// <summary>A bit flips in the last sector of its log.</summary>
    LogEndBit,

    /// <summary>A bit flips in its newest snapshot.</summary>
    SnapshotBit,

    /// <summary>A bit flips in its superblock.</summary>
    SuperblockBit,

    /// <summary>Its data directory is deleted.</summary>
    Wiped,

    /// <summary>An older copy of its data directory is put in place of the newer one.</summary>
    OlderCopy,

    /// <summary>A copy of its data directory is started beside it.</summary>
    SecondProcess,

    /// <summary>Its disk is filled up to the last byte, and emptied again. Needs the right to mount.</summary>
    FullDisk,
}

/// <summary>What became of the member.</summary>
public enum DamageOutcome
{
    /// <summary>It serves again, by itself.</summary>
    Recovered,

    /// <summary>It ended with an exit code and a reason; a new member took its place.</summary>
    Refused,

    /// <summary>It runs, and the others keep it out; a new member took its place.</summary>
    KeptOut,
}

/// <summary>One damage and its end.</summary>
/// <param name="Kind">What was done.</param>
/// <param name="Member">To whom.</param>
/// <param name="Where">Which bytes.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Milliseconds">From its start to that.</param>
/// <param name="Said">Last words of its log that say why; empty when it recovered.</param>
public sealed record DamageEnd(DamageKind Kind, string Member, string Where, DamageOutcome Outcome, double Milliseconds, string Said);

/// <summary>What a damage run saw.</summary>
public sealed record DamageReport
{
    private const int ViolationsShownMax = 20;
    private static readonly JsonSerializerOptions JsonForm = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) } };

    public required IReadOnlyList<DamageEnd> Damages { get; init; }

    public required WorkloadReport Clients { get; init; }

    /// <summary>Everything that is wrong; empty when all is well.</summary>
    public required IReadOnlyList<string> Violations { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, JsonForm);

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (DamageEnd one in Damages)
            text.AppendLine(CultureInfo.InvariantCulture, $"{one.Kind} at {one.Member} ({one.Where}): {one.Outcome} after {one.Milliseconds:0} ms{(one.Said.Length > 0 ? $"; it said: {one.Said}" : "")}");
        text.AppendLine(CultureInfo.InvariantCulture, $"calls: {Clients.Acknowledged} acknowledged, {Clients.Refused} refused, {Clients.Unknown} of unknown outcome; {Clients.Keys} keys; {Clients.HistoryOperations} operations on registers checked; longest time without a successful write {Clients.LongestWriteGapMilliseconds:0} ms");
        text.AppendLine(Violations.Count == 0 ? "nothing was lost, nothing went back" : $"{Violations.Count} VIOLATIONS:");
        foreach (string violation in Violations.Take(ViolationsShownMax))
            text.AppendLine($"  {violation}");
        return text.ToString();
    }
}
