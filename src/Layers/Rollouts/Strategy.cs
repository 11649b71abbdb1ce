using System.Collections.Immutable;

namespace Conclave.Layers.Rollouts;

/// <summary>How a stage says whom it takes in.</summary>
public enum StageKind
{
    /// <summary>A share of the nodes, 1 to 100.</summary>
    Percent = 0,

    /// <summary>At least so many nodes.</summary>
    Nodes = 1,

    /// <summary>The nodes of a scope.</summary>
    Scope = 2,
}

/// <summary>One step of a rollout. It takes in everybody of the stages before it.</summary>
/// <param name="Kind">What the other two mean.</param>
/// <param name="Amount">Percent or number of nodes; 0 for a scope.</param>
/// <param name="Scope">Whom; <see cref="Scope.Everything"/> for the other kinds.</param>
/// <param name="BakeMs">How long all has to be well before the next stage, in milliseconds: 0 to <see cref="Strategy.BakeMsMax"/>.</param>
public sealed record Stage(StageKind Kind, int Amount, Scope Scope, long BakeMs)
{
    public static Stage Percent(int percent, long bakeMs = 0) => new(StageKind.Percent, percent, Scope.Everything, bakeMs);

    public static Stage Nodes(int nodes, long bakeMs = 0) => new(StageKind.Nodes, nodes, Scope.Everything, bakeMs);

    public static Stage Of(Scope scope, long bakeMs = 0) => new(StageKind.Scope, 0, scope, bakeMs);

    /// <summary>Nobody is left out.</summary>
    public bool TakesEverybody => Kind == StageKind.Percent && Amount == 100;
}

/// <summary>In which stages a release reaches its nodes, and what it takes to go on.</summary>
public sealed record Strategy
{
    public const int StagesMax = 32;

    /// <summary>A day.</summary>
    public const long BakeMsMax = 86_400_000;

    /// <summary>Ten minutes.</summary>
    public const long SilenceMsUsual = 600_000;

    /// <summary>A week.</summary>
    public const long SilenceMsMax = 7 * 86_400_000L;

    /// <summary>At least one; the last takes everybody.</summary>
    public required ImmutableArray<Stage> Stages { get; init; }

    /// <summary>Of the nodes selected so far: more failures take the release back. 0: any failure does.</summary>
    public int FailuresPercent { get; init; }

    /// <summary>A stage whose nodes have not all acknowledged for so long pauses the rollout, in milliseconds.</summary>
    public long SilenceMs { get; init; } = SilenceMsUsual;

    /// <summary>What is wrong with it; null when nothing is.</summary>
    public string? Problem()
    {
        if (Stages.IsDefaultOrEmpty || Stages.Length > StagesMax)
            return $"a strategy has 1 to {StagesMax} stages, and this one has {(Stages.IsDefault ? 0 : Stages.Length)}";
        foreach (Stage stage in Stages)
        {
            if (stage.Kind == StageKind.Percent && stage.Amount is < 1 or > 100)
                return $"a stage takes 1 to 100 percent of the nodes, and one takes {stage.Amount}";
            if (stage.Kind == StageKind.Nodes && stage.Amount is < 1 or > Limits.NodesMax)
                return $"a stage takes 1 to {Limits.NodesMax} nodes, and one takes {stage.Amount}";
            if (stage.Kind == StageKind.Scope && stage.Scope.IsEmpty)
                return "a stage for the scope * is a stage for 100%: write that";
            if (stage.BakeMs is < 0 or > BakeMsMax)
                return $"a stage bakes for 0 to {BakeMsMax} milliseconds, and one bakes for {stage.BakeMs}";
        }
        if (!Stages[^1].TakesEverybody)
            return "the last stage has to take everybody: 100%";
        if (FailuresPercent is < 0 or > 99)
            return $"0 to 99 percent of the nodes may fail, not {FailuresPercent}";
        return SilenceMs is < 1 or > SilenceMsMax ? $"a rollout waits 1 to {SilenceMsMax} milliseconds for nodes that say nothing, not {SilenceMs}" : null;
    }

    public bool Equals(Strategy? other) => other is not null && Stages.AsSpan().SequenceEqual(other.Stages.AsSpan())
        && (FailuresPercent, SilenceMs) == (other.FailuresPercent, other.SilenceMs);

    public override int GetHashCode() => HashCode.Combine(Stages.Length, FailuresPercent, SilenceMs);
}
