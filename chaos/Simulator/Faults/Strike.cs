using System.Collections.Immutable;

namespace Conclave.Simulator;

/// <summary>One blow, with everything about it decided: drawn from the seed or written in a scenario, it does the same.</summary>
/// <param name="AtUs">When.</param>
/// <param name="Kind">What.</param>
internal sealed record Strike(long AtUs, StrikeKind Kind)
{
    /// <summary>Stands for whoever leads at that moment.</summary>
    public const int Leader = 0;

    /// <summary>Slot plus one of whom it strikes; <see cref="Leader"/> for the leader. By kind: one node, a side of a partition, or pairs of the ends of links.</summary>
    public ImmutableArray<int> Nodes { get; init; } = [];

    /// <summary>The other side of a partition; empty for everybody else.</summary>
    public ImmutableArray<int> Others { get; init; } = [];

    /// <summary>How long it lasts, or the node stays down.</summary>
    public long ForUs { get; init; }

    /// <summary>By kind.</summary>
    public int Amount { get; init; }

    /// <summary>Connections that are cut break and are noticed, on both sides. Otherwise they go silent.</summary>
    public bool Noticed { get; init; }

    public bool Equals(Strike? other) => other is not null && AtUs == other.AtUs && Kind == other.Kind && Nodes.AsSpan().SequenceEqual(other.Nodes.AsSpan())
        && Others.AsSpan().SequenceEqual(other.Others.AsSpan())
        && ForUs == other.ForUs && Amount == other.Amount && Noticed == other.Noticed;

    public override int GetHashCode() => HashCode.Combine(AtUs, Kind, Nodes.Length, ForUs, Amount);
}
