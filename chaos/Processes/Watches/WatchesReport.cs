using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Conclave.Processes.Watches;

/// <summary>What a run of watches saw.</summary>
public sealed record WatchesReport
{
    private const int ViolationsShownMax = 20;
    private static readonly JsonSerializerOptions JsonForm = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required string Kind { get; init; }

    /// <summary>Of members, by kind.</summary>
    public required string MemberFaults { get; init; }

    /// <summary>How often a member was away until it needed a snapshot.</summary>
    public required int LeftBehind { get; init; }

    /// <summary>Snapshots that members took over from others, by their logs.</summary>
    public required int SnapshotsTaken { get; init; }

    public required int Compactions { get; init; }

    /// <summary>Revisions in the end.</summary>
    public required long Revisions { get; init; }

    /// <summary>Different events.</summary>
    public required int Events { get; init; }

    public required int AcknowledgedPuts { get; init; }

    /// <summary>Refused connections included.</summary>
    public required int UnknownWrites { get; init; }

    public required int Watchers { get; init; }

    /// <summary>How often a watch was opened.</summary>
    public required int Streams { get; init; }

    /// <summary>Of these, from below where the watcher had got.</summary>
    public required int WentBack { get; init; }

    /// <summary>Events that watchers got, all together; each was compared.</summary>
    public required long Delivered { get; init; }

    public required int Fragments { get; init; }

    public required int ProgressMessages { get; init; }

    /// <summary>Watches that were told that what they asked for was compacted.</summary>
    public required int ToldCompacted { get; init; }

    /// <summary>Empty when all is well.</summary>
    public required IReadOnlyList<string> Violations { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, JsonForm);

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Kind}: {MemberFaults}; {LeftBehind} members left far behind, {SnapshotsTaken} snapshots taken over; {Compactions} compactions");
        text.AppendLine(CultureInfo.InvariantCulture, $"written: {Revisions} revisions, {Events} events ({AcknowledgedPuts} acknowledged puts, {UnknownWrites} writes without acknowledgement)");
        text.AppendLine(CultureInfo.InvariantCulture, $"watched: {Watchers} watchers, {Streams} streams ({WentBack} from further back), {Delivered} events compared, {Fragments} parts, {ProgressMessages} progress messages, {ToldCompacted} told of a compaction");
        text.AppendLine(Violations.Count == 0 ? "everything once, in order, whole" : $"{Violations.Count} VIOLATIONS:");
        foreach (string violation in Violations.Take(ViolationsShownMax))
            text.AppendLine($"  {violation}");
        return text.ToString();
    }
}
