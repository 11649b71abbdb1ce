namespace Conclave.Layers;

/// <summary>Who changed something, when and why.</summary>
public sealed record ReleaseNote
{
    public string Author { get; init; } = "";

    /// <summary>Milliseconds since 1970-01-01 UTC, as the proposer's clock said. Nothing decides by it.</summary>
    public long TimeUnixMs { get; init; }

    public string Reason { get; init; } = "";

    public string Ticket { get; init; } = "";

    /// <summary>Above 0: the release that this one takes back, and nothing else. Below: it takes back everything after release -<see cref="Reverts"/>. 0: neither.</summary>
    /// <remarks>One number for both, because it is in records that are written.</remarks>
    public long Reverts { get; init; }

    /// <summary>Nodes may apply it though it takes away more keys than they usually allow.</summary>
    public bool AllowShrink { get; init; }
}
