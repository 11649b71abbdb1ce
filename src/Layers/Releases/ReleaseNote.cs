namespace Conclave.Layers;

/// <summary>Who changed something, when and why.</summary>
public sealed record ReleaseNote
{
    public string Author { get; init; } = "";

    /// <summary>Milliseconds since 1970-01-01 UTC, as the proposer's clock said. Nothing decides by it.</summary>
    public long TimeUnixMs { get; init; }

    public string Reason { get; init; } = "";

    public string Ticket { get; init; } = "";

    /// <summary>The release that this one takes back, or 0.</summary>
    public long Reverts { get; init; }

    /// <summary>Nodes may apply it though it takes away more keys than they usually allow.</summary>
    public bool AllowShrink { get; init; }
}
