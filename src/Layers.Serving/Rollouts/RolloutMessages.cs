using Conclave.Layers.Rollouts;
using Conclave.Layers.Wire;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving.Rollouts;

/// <summary>Rollouts as what is kept of them, and back.</summary>
public static class RolloutMessages
{
    public static V1.RolloutRecord Record(Rollout rollout, Dimensions dimensions)
    {
        var record = new V1.RolloutRecord
        {
            Rollout = new V1.Rollout
            {
                Release = rollout.Release,
                Strategy = StrategyMessages.Of(rollout.Strategy, dimensions),
                State = rollout.Phase.ToString().ToLowerInvariant(),
                Stage = rollout.Stage,
                StageSinceUnixMs = rollout.StageSinceUnixMs,
                Reason = rollout.Reason,
                RevertedBy = rollout.RevertedBy,
                Author = rollout.Author,
                BakedSinceUnixMs = rollout.BakedSinceUnixMs,
            },
            UnwellSinceUnixMs = rollout.UnwellSinceUnixMs,
        };
        record.Rollout.Documents.AddRange(rollout.Documents);
        record.Thresholds.AddRange(rollout.Thresholds);
        record.BaseReleases.AddRange(rollout.BaseReleases);
        record.Gated.AddRange(rollout.Gated);
        record.Uniform.AddRange(rollout.Uniform);
        return record;
    }

    /// <exception cref="ConfigDamagedException">It is no record of a rollout.</exception>
    public static Rollout Read(V1.RolloutRecord record)
    {
        V1.Rollout message = record.Rollout ?? throw Damaged(0, "it is empty");
        if (!Enum.TryParse(message.State, ignoreCase: true, out RolloutPhase phase)) throw Damaged(message.Release, $"\"{message.State}\" is no state");
        if (message.Strategy is null || !StrategyMessages.TryRead(message.Strategy, out Strategy? strategy, out string problem) || strategy is null) throw Damaged(message.Release, "it has no strategy");
        if (record.Thresholds.Count == 0 || record.Thresholds.Count > strategy.Stages.Length) throw Damaged(message.Release, $"{record.Thresholds.Count} of {strategy.Stages.Length} stages have begun");
        if (record.BaseReleases.Count != message.Documents.Count) throw Damaged(message.Release, "its documents and their releases are not as many");
        return new Rollout
        {
            Release = message.Release,
            Documents = [.. message.Documents],
            BaseReleases = [.. record.BaseReleases],
            Gated = [.. record.Gated],
            Uniform = [.. record.Uniform],
            Strategy = strategy,
            Author = message.Author,
            Phase = phase,
            Thresholds = [.. record.Thresholds],
            StageSinceUnixMs = message.StageSinceUnixMs,
            BakedSinceUnixMs = message.BakedSinceUnixMs,
            UnwellSinceUnixMs = record.UnwellSinceUnixMs,
            Reason = message.Reason,
            RevertedBy = message.RevertedBy,
        };
    }

    private static ConfigDamagedException Damaged(long release, string what) => new($"The record of the rollout of release {release} cannot be read: {what}.");
}
