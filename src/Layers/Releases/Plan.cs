using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>What a change would do.</summary>
public sealed record Impact
{
    /// <summary>Nodes with at least one changed effective key, in ordinal order.</summary>
    public required ImmutableArray<string> Nodes { get; init; }

    /// <summary>Nodes that there are after the change.</summary>
    public required int NodesTotal { get; init; }

    /// <summary>Effective keys that change somewhere, in order.</summary>
    public required ImmutableArray<KeyAddress> Keys { get; init; }

    /// <summary>Nodes where a changed key needs a restart.</summary>
    public required int Restarts { get; init; }

    /// <summary>Nodes that a new entry matches, but where something more specific decides.</summary>
    public required ImmutableArray<string> Masked { get; init; }

    public required int NodesAdded { get; init; }

    public required int NodesRemoved { get; init; }

    /// <summary>"changes 41 of 9,812 nodes, 3 keys, 41 restarts".</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"changes {Nodes.Length:N0} of {NodesTotal:N0} nodes, {Keys.Length:N0} keys, {Restarts:N0} restarts")
        + (Masked.IsEmpty ? "" : $"; masked on {Masked.Length}: {ConfigProblem.Named(Masked)}");
}

/// <summary>A change that was checked. It is published as <see cref="Record"/>, at this release without another check.</summary>
public sealed record Plan
{
    /// <summary>Errors first, then warnings; at most <see cref="Limits.ProblemsMax"/>.</summary>
    public required ImmutableArray<ConfigProblem> Problems { get; init; }

    /// <summary>Problems beyond those listed.</summary>
    public required int ProblemsNotListed { get; init; }

    /// <summary>Null when the edits could not be put in.</summary>
    public Impact? Impact { get; init; }

    /// <summary>The fleet as it would be; null with errors.</summary>
    public Fleet? After { get; init; }

    /// <summary>What to write to the log; null with errors.</summary>
    public ChangeRecord? Record { get; init; }

    public bool HasErrors => Problems.Any(p => p.IsError);
}
