using Conclave.Layers.Rollouts;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving.Rollouts;

/// <summary>What people do with a rollout.</summary>
public static class RolloutSteering
{
    /// <param name="now">The newest snapshot of its space.</param>
    /// <param name="active">The rollout, as it is there.</param>
    /// <param name="action">pause, resume, advance or abort.</param>
    /// <param name="reason">Why; shown to people.</param>
    /// <param name="author">Who.</param>
    /// <param name="observer">What the nodes of the space make of it.</param>
    /// <param name="clock">Milliseconds since 1970.</param>
    /// <param name="problem">Why it cannot be done; empty when it can, or when it is so already.</param>
    /// <returns>Null when it is so already, or cannot be done.</returns>
    public static RolloutStep? Of(SpaceSnapshot now, ActiveRollout active, string action, string reason, string author, RolloutObserver observer, long clock, out string problem)
    {
        problem = "";
        Rollout rollout = active.Rollout;
        reason = author.Length == 0 ? reason : reason.Length == 0 ? $"by {author}" : $"by {author}: {reason}";
        V1.Rollout shown = observer.Shown(now, active);
        switch (action)
        {
            case "pause":
                return rollout.Phase == RolloutPhase.Paused ? null : RolloutEntries.Step(now, active, rollout.Pause(reason), shown);
            case "resume":
                return rollout.Phase == RolloutPhase.Running ? null : RolloutEntries.Step(now, active, rollout.Resume(clock), shown);
            case "advance":
                return RolloutEntries.Step(now, active, rollout.IsLastStage ? rollout.Finish() : rollout.NextStage(observer.ThresholdOfNext(now, active), clock), shown);
            default:
                return RolloutEntries.TakeBack(now, active, RolloutPhase.Aborted, reason, author, shown, clock, out problem);
        }
    }
}
