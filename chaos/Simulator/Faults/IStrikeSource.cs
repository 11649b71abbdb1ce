namespace Conclave.Simulator;

/// <summary>Where the blows come from: the seed, or a list.</summary>
internal interface IStrikeSource
{
    /// <summary>The next one, not earlier than the one before; null when there are no more.</summary>
    Strike? Next();
}

internal sealed class ListedStrikes(IReadOnlyList<Strike> strikes) : IStrikeSource
{
    private int _next;

    public Strike? Next() => _next < strikes.Count ? strikes[_next++] : null;
}
