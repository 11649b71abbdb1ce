using Conclave.Layers.Rollouts;
using Conclave.Wire.Etcd.Etcdserverpb;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving.Rollouts;

/// <summary>An entry of the log that makes a rollout another one.</summary>
/// <param name="Entry">Holds only if the rollout is still what it was when this was decided.</param>
/// <param name="Next">The rollout as it becomes.</param>
/// <param name="Move">What is done; <see cref="RolloutMove.Nothing"/> when somebody said so.</param>
/// <param name="Reason">Why.</param>
public sealed record RolloutStep(TxnRequest Entry, Rollout Next, RolloutMove Move = RolloutMove.Nothing, string Reason = "");

/// <summary>What the member that leads does next with rollouts. One thread at a time.</summary>
/// <remarks>
/// It keeps nothing but since when it leads: what was decided is in the records, and what nodes do is in the reports that agents repeat. A member that
/// was leader a moment ago does no harm, since each entry holds only if the record is still the one that was decided upon.
/// </remarks>
public sealed class RolloutPlanner(RolloutObservers observers)
{
    private const string CannotBeTakenBack = "it cannot be taken back: ";

    private long _leadsSinceUnixMs;   // 0 while another one does

    internal ServingFaults Faults { get; init; }

    /// <summary>Says who leads. Silence from before this member did is not the agents'.</summary>
    /// <param name="leads">Whether this member does.</param>
    /// <param name="clock">Milliseconds since 1970.</param>
    /// <returns>Whether there is anything to look at.</returns>
    public bool Leads(bool leads, long clock)
    {
        if (Faults.HasFlag(ServingFaults.DriveWithoutLeading)) leads = true;
        if (!leads) _leadsSinceUnixMs = 0;
        else if (_leadsSinceUnixMs == 0) _leadsSinceUnixMs = clock;
        return leads;
    }

    /// <summary>What to do with a rollout now; null for nothing.</summary>
    /// <param name="now">The newest snapshot of its space.</param>
    /// <param name="active">The rollout, as it is there.</param>
    /// <param name="clock">Milliseconds since 1970.</param>
    public RolloutStep? Next(SpaceSnapshot now, ActiveRollout active, long clock)
    {
        if (!now.Rollouts.Contains(active)) return null;   // it moved while others were looked at
        RolloutObserver observer = observers.Of(now.Space);
        Rollout rollout = active.Rollout;
        RolloutDecision decision = RolloutDecision.Of(rollout, observer.Observe(now, active), clock, _leadsSinceUnixMs);
        if (decision.Move == RolloutMove.Nothing) return null;
        V1.Rollout shown = observer.Shown(now, active);
        if (decision.Move != RolloutMove.Revert)
            return RolloutEntries.Step(now, active, Moved(now, active, observer, decision, clock), shown, decision.Move, decision.Reason);
        if (RolloutEntries.TakeBack(now, active, RolloutPhase.Reverted, decision.Reason, author: "", shown, clock, out string problem) is { } back) return back with { Move = decision.Move };
        return rollout.Phase == RolloutPhase.Paused && rollout.Reason.StartsWith(CannotBeTakenBack, StringComparison.Ordinal) ? null   // it was said
            : RolloutEntries.Step(now, active, rollout.Pause($"{CannotBeTakenBack}{problem} ({decision.Reason})"), shown, RolloutMove.Pause, problem);
    }

    private static Rollout Moved(SpaceSnapshot now, ActiveRollout active, RolloutObserver observer, RolloutDecision decision, long clock)
    {
        Rollout rollout = active.Rollout;
        switch (decision.Move)
        {
            case RolloutMove.BecomeWell: return rollout.Well(clock);
            case RolloutMove.BecomeUnwell: return rollout.Unwell(clock);
            case RolloutMove.Finish: return rollout.Finish(decision.Reason);
            case RolloutMove.NextStage:
                long threshold = observer.ThresholdOfNext(now, active);
                Rollout next = rollout.NextStage(threshold, clock);
                return active.Faults.HasFlag(ServingFaults.AdvanceTwice) && !next.IsLastStage ? next.NextStage(threshold, clock) : next;
            default: return rollout.Pause(decision.Reason);
        }
    }
}
