using System.Collections.Immutable;

namespace Conclave.Layers.Rollouts;

/// <summary>What a selected node makes of the release, as its agent says.</summary>
public enum NodeStanding
{
    /// <summary>Its agent reports, and does not use any of the documents: it is not waited for.</summary>
    Unused = 0,

    /// <summary>It runs the release.</summary>
    Acknowledged = 1,

    /// <summary>It was not able to.</summary>
    Failed = 2,

    /// <summary>Nobody knows yet.</summary>
    Waiting = 3,
}

/// <summary>What is known of the nodes that the stages so far have selected. The order in which reports came is not in it.</summary>
/// <param name="Acknowledged">How many run the release.</param>
/// <param name="Failed">"node: message" of those that failed, in ordinal order.</param>
/// <param name="Waiting">Nodes of which nothing is known yet, in ordinal order.</param>
public sealed record Observation(int Acknowledged, ImmutableArray<string> Failed, ImmutableArray<string> Waiting)
{
    /// <summary>Nodes, selected or not, that the release changes while no agent uses it anywhere: nobody will ever acknowledge it. Else 0.</summary>
    public int Unobserved { get; init; }

    public int Nodes => Acknowledged + Failed.Length + Waiting.Length;
}

public enum RolloutMove
{
    Nothing = 0,

    /// <summary>All are well from now on: the stage bakes.</summary>
    BecomeWell = 1,

    /// <summary>They no longer are.</summary>
    BecomeUnwell = 2,
    NextStage = 3,
    Finish = 4,
    Pause = 5,
    Revert = 6,
}

/// <param name="Move">What to do.</param>
/// <param name="Reason">Why, for a pause or a revert; of an end that nobody acknowledged, why that is well.</param>
public sealed record RolloutDecision(RolloutMove Move, string Reason = "")
{
    private const int NamedMax = 5, NamedCharsMax = 200;
    private const string NobodyChanged = "nobody had to acknowledge it: it changes the documents of no node";

    private static readonly RolloutDecision Stay = new(RolloutMove.Nothing);

    /// <summary>What to do now. Depends on nothing but its arguments.</summary>
    /// <param name="rollout">As it was recorded last.</param>
    /// <param name="seen">The selected nodes.</param>
    /// <param name="now">Milliseconds since 1970. A clock that went back makes times longer, never shorter.</param>
    /// <param name="heardSince">Since when whoever decides hears agents, by the same clock: silence from before then is not theirs.</param>
    public static RolloutDecision Of(Rollout rollout, Observation seen, long now, long heardSince = 0)
    {
        if (!rollout.IsActive)
            return Stay;
        // Also while it is paused: that somebody looks at it is no reason to leave nodes broken.
        if ((long)seen.Failed.Length * 100 > (long)rollout.Strategy.FailuresPercent * seen.Nodes)
            return new(RolloutMove.Revert, $"{seen.Failed.Length} of {seen.Nodes} nodes failed, and {rollout.Strategy.FailuresPercent}% may: {Named(seen.Failed, "; ")}");
        if (rollout.Phase == RolloutPhase.Paused)
            return Stay;
        // Where the agents say that nobody uses it, going on would be a success that nobody has seen.
        if (seen.Waiting.Length > 0 || seen is { Nodes: 0, Unobserved: > 0 })
        {
            if (rollout.BakedSinceUnixMs != 0)
                return new(RolloutMove.BecomeUnwell);
            if (now - Math.Max(rollout.UnwellSinceUnixMs, heardSince) < rollout.Strategy.SilenceMs)
                return Stay;
            return new(RolloutMove.Pause, seen.Waiting.Length > 0
                ? $"{seen.Waiting.Length} of {seen.Nodes} nodes have not acknowledged it for {rollout.Strategy.SilenceMs / 1000.0:0.###} s: {Named(seen.Waiting, ", ")}"
                : $"it changes {seen.Unobserved} node{(seen.Unobserved == 1 ? "" : "s")}, and no agent says that it uses {Named(rollout.Gated, ", ")}: nobody can acknowledge it. Go on with: conclave rollout advance {rollout.Release} -m REASON");
        }
        long bakeMs = rollout.Strategy.Stages[rollout.Stage].BakeMs;
        if (bakeMs > 0 && rollout.BakedSinceUnixMs == 0)
            return new(RolloutMove.BecomeWell);
        if (bakeMs > 0 && now - rollout.BakedSinceUnixMs < bakeMs)
            return Stay;
        return rollout.IsLastStage ? new(RolloutMove.Finish, seen.Nodes == 0 ? NobodyChanged : "") : new(RolloutMove.NextStage);
    }

    private static string Named(ImmutableArray<string> names, string between) =>
        string.Join(between, names.Take(NamedMax).Select(n => n.Length > NamedCharsMax ? n[..NamedCharsMax] : n)) + (names.Length > NamedMax ? $" and {names.Length - NamedMax} more" : "");
}
