using System.Collections.Immutable;

namespace Conclave.Layers.Rollouts;

/// <summary>Where a rollout stands. The names are what people see, in lower case.</summary>
public enum RolloutPhase
{
    /// <summary>Goes on by itself.</summary>
    Running = 0,

    /// <summary>Every node keeps what it has, until somebody resumes, advances or aborts it. Failures still take it back.</summary>
    Paused = 1,

    /// <summary>Every node has the release.</summary>
    Done = 2,

    /// <summary>Taken back because nodes failed.</summary>
    Reverted = 3,

    /// <summary>Taken back because somebody said so.</summary>
    Aborted = 4,
}

/// <summary>A release on its way to the nodes: all that has to survive the loss of whoever drives it.</summary>
public sealed record Rollout
{
    /// <summary>Rollouts that are active in a space at once.</summary>
    /// <remarks>Every release is checked without each set of them, of which there are 2^n - 1.</remarks>
    public const int ActiveMax = 4;

    /// <summary>What is rolled out. It names the rollout.</summary>
    public required long Release { get; init; }

    /// <summary>Documents that the release edits, in ordinal order. No other release may touch them while this one is active.</summary>
    public required ImmutableArray<string> Documents { get; init; }

    /// <summary>The newest release of each of <see cref="Documents"/> before this one, in their order.</summary>
    public required ImmutableArray<long> BaseReleases { get; init; }

    /// <summary>Documents whose values can differ by it: <see cref="Documents"/>, and those that refer to what it edits.</summary>
    public required ImmutableArray<string> Gated { get; init; }

    /// <summary>Dimensions whose nodes have to stay together, in ordinal order.</summary>
    public required ImmutableArray<string> Uniform { get; init; }

    public required Strategy Strategy { get; init; }

    public string Author { get; init; } = "";

    public RolloutPhase Phase { get; init; }

    /// <summary>For each stage that has begun the last position that it takes in; -1 for one that goes by scope.</summary>
    public required ImmutableArray<long> Thresholds { get; init; }

    /// <summary>When the stage under way began, milliseconds since 1970 by the clock of the member that led then.</summary>
    public required long StageSinceUnixMs { get; init; }

    /// <summary>Since when all selected nodes are well; 0 while they are not.</summary>
    public long BakedSinceUnixMs { get; init; }

    /// <summary>Since when not all are well: silence is counted from here.</summary>
    public required long UnwellSinceUnixMs { get; init; }

    /// <summary>Why it is paused, reverted or aborted; or done without anybody who acknowledged it.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The release that took it back, or 0.</summary>
    public long RevertedBy { get; init; }

    /// <summary>The stage under way, from 0.</summary>
    public int Stage => Thresholds.Length - 1;

    public bool IsActive => Phase is RolloutPhase.Running or RolloutPhase.Paused;

    public bool IsLastStage => Thresholds.Length == Strategy.Stages.Length;

    /// <summary>The release that a node which it holds back has of a document.</summary>
    public long BaseReleaseOf(string document) => BaseReleases[Documents.IndexOf(document)];

    public Rollout NextStage(long threshold, long now) =>
        this with { Phase = RolloutPhase.Running, Reason = "", Thresholds = Thresholds.Add(threshold), StageSinceUnixMs = now, BakedSinceUnixMs = 0, UnwellSinceUnixMs = now };

    public Rollout Well(long now) => this with { BakedSinceUnixMs = now };

    public Rollout Unwell(long now) => this with { BakedSinceUnixMs = 0, UnwellSinceUnixMs = now };

    public Rollout Pause(string reason) => this with { Phase = RolloutPhase.Paused, Reason = reason, BakedSinceUnixMs = 0 };

    public Rollout Resume(long now) => this with { Phase = RolloutPhase.Running, Reason = "", BakedSinceUnixMs = 0, UnwellSinceUnixMs = now };

    public Rollout Finish(string reason = "") => this with { Phase = RolloutPhase.Done, Reason = reason };

    public Rollout TakenBack(RolloutPhase phase, string reason, long by) => this with { Phase = phase, Reason = reason, RevertedBy = by, BakedSinceUnixMs = 0 };
}
