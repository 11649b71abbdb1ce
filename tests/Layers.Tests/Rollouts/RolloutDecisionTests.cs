using Conclave.Layers.Rollouts;

namespace Conclave.Layers.Tests.Rollouts;

public class RolloutDecisionTests
{
    private static readonly Rollout First = new()
    {
        Release = 7,
        Documents = ["nova"],
        BaseReleases = [5],
        Gated = ["nova"],
        Uniform = [],
        Strategy = new Strategy { Stages = [Stage.Nodes(1, 1000), Stage.Percent(100)], SilenceMs = 5000 },
        Thresholds = [10],
        StageSinceUnixMs = 100,
        UnwellSinceUnixMs = 100,
    };

    private static Observation Seen(int acknowledged = 0, string[]? failed = null, string[]? waiting = null) => new(acknowledged, [.. failed ?? []], [.. waiting ?? []]);

    private static RolloutMove At(Rollout rollout, Observation seen, long now) => RolloutDecision.Of(rollout, seen, now).Move;

    [Fact]
    public void Silence_is_not_success()
    {
        Assert.Equal(RolloutMove.Nothing, At(First, Seen(acknowledged: 99, waiting: ["c1"]), 5099));
        RolloutDecision decision = RolloutDecision.Of(First, Seen(acknowledged: 99, waiting: ["c1"]), 5100);
        Assert.Equal(RolloutMove.Pause, decision.Move);
        Assert.Equal("1 of 100 nodes have not acknowledged it for 5 s: c1", decision.Reason);
        Assert.Equal(RolloutMove.Nothing, At(First.Pause("silence"), Seen(waiting: ["c1"]), 1_000_000));
        Assert.Equal(RolloutMove.Nothing, At(First.Pause("silence").Resume(6000), Seen(waiting: ["c1"]), 10_999));
        Assert.Equal(RolloutMove.Pause, At(First.Pause("silence").Resume(6000), Seen(waiting: ["c1"]), 11_000));
    }

    [Fact]
    public void Silence_is_counted_from_when_there_was_somebody_to_hear_it()
    {
        Assert.Equal(RolloutMove.Nothing, RolloutDecision.Of(First, Seen(waiting: ["c1"]), 1_000_000, heardSince: 999_000).Move);
        Assert.Equal(RolloutMove.Pause, RolloutDecision.Of(First, Seen(waiting: ["c1"]), 1_004_000, heardSince: 999_000).Move);
        Assert.Equal(RolloutMove.Pause, RolloutDecision.Of(First, Seen(waiting: ["c1"]), 5100, heardSince: 50).Move);
    }

    [Fact]
    public void A_stage_bakes_before_the_next_one_begins_and_bakes_anew_when_a_node_falls_silent()
    {
        Assert.Equal(RolloutMove.BecomeWell, At(First, Seen(acknowledged: 1), 200));
        Rollout well = First.Well(200);
        Assert.Equal(RolloutMove.Nothing, At(well, Seen(acknowledged: 1), 1199));
        Assert.Equal(RolloutMove.BecomeUnwell, At(well, Seen(waiting: ["c1"]), 1200));
        Assert.Equal(RolloutMove.BecomeWell, At(well.Unwell(1200), Seen(acknowledged: 1), 1300));
        Assert.Equal(RolloutMove.NextStage, At(well, Seen(acknowledged: 1), 1200));
    }

    [Fact]
    public void What_nobody_uses_is_no_success()
    {
        Observation nobody = Seen() with { Unobserved = 3 };
        foreach (Rollout rollout in new[] { First, First.NextStage(long.MaxValue, 100) })
        {
            Assert.Equal(RolloutMove.Nothing, At(rollout, nobody, 5099));
            RolloutDecision decision = RolloutDecision.Of(rollout, nobody, 5100);
            Assert.Equal(RolloutMove.Pause, decision.Move);
            Assert.Equal("it changes 3 nodes, and no agent says that it uses nova: nobody can acknowledge it. Go on with: conclave rollout advance 7 -m REASON", decision.Reason);
            Assert.Equal(RolloutMove.BecomeUnwell, At(rollout.Well(200), nobody, 300));
        }

        Assert.Equal(RolloutMove.BecomeWell, At(First, Seen(), 200));   // others use it, and this stage takes none of them in
    }

    [Fact]
    public void What_changes_no_node_is_done_and_says_so()
    {
        RolloutDecision decision = RolloutDecision.Of(First.NextStage(long.MaxValue, 100), Seen(), 200);
        Assert.Equal((RolloutMove.Finish, "nobody had to acknowledge it: it changes the documents of no node"), (decision.Move, decision.Reason));
        Assert.Equal("", RolloutDecision.Of(First.NextStage(long.MaxValue, 100), Seen(acknowledged: 1), 200).Reason);
    }

    [Fact]
    public void A_clock_that_goes_back_never_shortens_anything()
    {
        Assert.Equal(RolloutMove.Nothing, At(First.Well(10_000), Seen(acknowledged: 1), 500));
        Assert.Equal(RolloutMove.Nothing, At(First with { UnwellSinceUnixMs = 10_000 }, Seen(waiting: ["c1"]), 500));
    }

    [Fact]
    public void The_last_stage_ends_it_when_all_are_well()
    {
        Rollout last = First.NextStage(long.MaxValue, 2000);
        Assert.Equal(RolloutMove.Nothing, At(last, Seen(acknowledged: 9, waiting: ["c1"]), 2100));
        Assert.Equal(RolloutMove.Finish, At(last, Seen(acknowledged: 10), 2100));
        Assert.Equal(RolloutMove.Nothing, At(last.Finish(), Seen(failed: ["c1: late"]), 9000));
    }

    [Theory]
    [InlineData(0, 1, 1000, true)]
    [InlineData(5, 5, 100, false)]
    [InlineData(5, 6, 100, true)]
    [InlineData(5, 1, 19, true)]
    [InlineData(5, 1, 20, false)]
    public void More_failures_than_may_be_take_the_release_back(int percent, int failed, int nodes, bool reverts)
    {
        Rollout rollout = First with { Strategy = First.Strategy with { FailuresPercent = percent } };
        Observation seen = Seen(acknowledged: nodes - failed, failed: [.. Enumerable.Range(0, failed).Select(i => $"c{i}: no")]);
        Assert.Equal(reverts ? RolloutMove.Revert : RolloutMove.BecomeWell, At(rollout, seen, 200));
        Assert.Equal(reverts ? RolloutMove.Revert : RolloutMove.Nothing, At(rollout.Pause("somebody looks"), seen, 200));
    }

    [Fact]
    public void Whatever_is_seen_a_rollout_that_ended_stays_as_it_is() => Assert.All(
        [First.Finish(), First.TakenBack(RolloutPhase.Reverted, "r", 8), First.TakenBack(RolloutPhase.Aborted, "r", 8)],
        ended => Assert.Equal(RolloutMove.Nothing, At(ended, Seen(failed: ["c1: no"], waiting: ["c2"]), 1_000_000)));
}
