namespace Conclave.Linearizability;

/// <summary>What the checker found.</summary>
public enum VerdictKind
{
    /// <summary>Some order of the operations explains everything that was seen.</summary>
    Linearizable,

    /// <summary>No order does.</summary>
    NotLinearizable,

    /// <summary>The search was given up at its bound.</summary>
    Undecided,
}

/// <summary>The verdict on a history.</summary>
/// <param name="Kind">What was found.</param>
/// <param name="Key">The register that is not explained, or whose search was given up.</param>
/// <param name="Explanation">For people: how far an order got, and what could not follow. Empty when all is well.</param>
/// <param name="StatesExplored">How much work it was.</param>
public sealed record Verdict(VerdictKind Kind, string? Key, string Explanation, long StatesExplored)
{
    /// <summary>Whether the history is certainly linearizable.</summary>
    public bool Passed => Kind == VerdictKind.Linearizable;
}
