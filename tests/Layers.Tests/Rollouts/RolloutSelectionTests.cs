using System.Collections.Immutable;
using Conclave.Layers.Rollouts;
using Conclave.Layers.Tests.Support;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Layers.Tests.Rollouts;

public class RolloutSelectionTests(ITestOutputHelper output)
{
    private const int StepsMax = 25;

    [Fact]
    public void Whatever_happens_no_node_goes_back_and_no_uniform_group_is_split() => Properties.Holds(Prop.ForAll<int>(seed =>
    {
        var random = new Random(seed);
        Fleet fleet = Fleet.Of(ConfigState.Initial).Published(new DimensionsEdit([new("region"), new("aggregate", IsMultiValued: true), new("host")], "host"));
        for (int i = random.Next(20); i >= 0; i--) fleet = WithNode(fleet, random, i);
        string[] uniform = random.Next(3) == 0 ? [] : ["aggregate"];
        var strategy = new Strategy { Stages = [Stage.Nodes(1 + random.Next(3), 10), Stage.Of(Scope.Of("region", "eu"), 10), Stage.Percent(1 + random.Next(99)), Stage.Percent(100)], SilenceMs = 50, FailuresPercent = 20 };
        var rollout = new Rollout { Release = 1 + random.Next(5), Documents = ["nova"], BaseReleases = [0], Gated = ["nova"], Uniform = [.. uniform], Strategy = strategy, Thresholds = [], StageSinceUnixMs = 0, UnwellSinceUnixMs = 0 };
        rollout = rollout.NextStage(Threshold(rollout, fleet, RolloutSelection.None), 0);
        long now = 0;
        RolloutSelection before = Select(rollout, fleet);
        ImmutableSortedDictionary<string, Assignment> nodes = fleet.State.Nodes;
        for (int step = 0; step < StepsMax && rollout.IsActive; step++)
        {
            now += random.Next(30);
            if (random.Next(4) == 0) fleet = WithNode(fleet, random, 100 + step);
            string[] selected = [.. fleet.State.Nodes.Keys.Where(Select(rollout, fleet).Selects)];
            string[] waiting = random.Next(3) == 0 ? selected[..Math.Min(selected.Length, 1)] : [];
            rollout = RolloutDecision.Of(rollout, new Observation(selected.Length - waiting.Length, [], [.. waiting]), now).Move switch
            {
                RolloutMove.BecomeWell => rollout.Well(now),
                RolloutMove.BecomeUnwell => rollout.Unwell(now),
                RolloutMove.NextStage => rollout.NextStage(Threshold(rollout, fleet, Select(rollout, fleet)), now),
                RolloutMove.Finish => rollout.Finish(),
                RolloutMove.Pause => random.Next(2) == 0 ? rollout.Pause("silence").Resume(now) : rollout.Pause("silence").NextStageOr(r => r.Resume(now), r => Threshold(r, fleet, Select(r, fleet)), now),
                _ => rollout,
            };
            RolloutSelection after = Select(rollout, fleet);
            if (nodes.Keys.Any(n => before.Selects(n) && !after.Selects(n))) return false;
            if (nodes.Keys.Any(n => before.Selects(n) && before.StageOf(n) < after.StageOf(n))) return false;
            if (uniform.Length > 0 && fleet.State.Nodes.Any(a => fleet.State.Nodes.Any(b => a.Value["aggregate"].Intersect(b.Value["aggregate"]).Any() && after.Selects(a.Key) != after.Selects(b.Key)))) return false;
            if (rollout.IsLastStage && fleet.State.Nodes.Keys.Any(n => !after.Selects(n))) return false;
            (before, nodes) = (after, fleet.State.Nodes);
        }

        return true;
    }), output, tests: 100);

    [Fact]
    public void A_stage_takes_as_many_nodes_as_it_says_and_no_group_more() => Properties.Holds(Prop.ForAll<int>(seed =>
    {
        var random = new Random(seed);
        Fleet fleet = Fleet.Of(ConfigState.Initial).Published(new DimensionsEdit([new("region"), new("aggregate", IsMultiValued: true), new("host")], "host"));
        for (int i = random.Next(30); i >= 0; i--) fleet = WithNode(fleet, random, i);
        RolloutGroups groups = RolloutGroups.Of(fleet.State.Nodes, 1 + random.Next(9), random.Next(2) == 0 ? [] : ["aggregate"]);
        HashSet<string> counted = [.. fleet.State.Nodes.Keys.Where(_ => random.Next(3) > 0)];
        Stage stage = random.Next(2) == 0 ? Stage.Percent(1 + random.Next(99)) : Stage.Nodes(1 + random.Next(10));
        long threshold = RolloutSelection.ThresholdFor(stage, groups, RolloutSelection.None, counted.Contains);
        int wanted = Math.Min(counted.Count, stage.Kind == StageKind.Nodes ? stage.Amount : (counted.Count * stage.Amount + 99) / 100);
        RolloutGroup[] taken = [.. groups.InOrder.Where(g => g.Position <= threshold)];
        int taking = taken.Sum(g => g.Nodes.Count(counted.Contains));
        int withoutLast = taken.Length == 0 ? 0 : taking - taken[^1].Nodes.Count(counted.Contains);
        return taking >= wanted && (wanted == 0 ? threshold == RolloutSelection.Nobody : withoutLast < wanted);
    }), output, tests: 100);

    [Fact]
    public void A_node_that_comes_later_falls_on_its_side_and_moves_nobody()
    {
        Fleet fleet = Fleet.Of(ConfigState.Initial).Published([.. Enumerable.Range(0, 200).Select(i => new NodeEdit($"c{i:000}", Assignment.None))]);
        RolloutGroups groups = RolloutGroups.Of(fleet.State.Nodes, 9, []);
        long threshold = RolloutSelection.ThresholdFor(Stage.Percent(25), groups, RolloutSelection.None, _ => true);
        string[] first = [.. groups.InOrder.Where(g => g.Position <= threshold).SelectMany(g => g.Nodes)];
        Assert.Equal(50, first.Length);

        Fleet grown = fleet.Published([.. Enumerable.Range(200, 200).Select(i => new NodeEdit($"c{i:000}", Assignment.None))]);
        string[] then = [.. RolloutGroups.Of(grown.State.Nodes, 9, []).InOrder.Where(g => g.Position <= threshold).SelectMany(g => g.Nodes)];
        Assert.Empty(first.Except(then));
        Assert.InRange(then.Length, 70, 130);
    }

    [Fact]
    public void Rollouts_begin_with_different_nodes()
    {
        ImmutableSortedDictionary<string, Assignment> nodes = Enumerable.Range(0, 50).ToImmutableSortedDictionary(i => $"c{i:00}", _ => Assignment.None, StringComparer.Ordinal);
        Assert.InRange(Enumerable.Range(1, 30).Select(r => RolloutGroups.Of(nodes, r, []).InOrder[0].Nodes[0]).Distinct().Count(), 15, 30);
    }

    [Fact]
    public void A_scope_takes_in_its_nodes_and_whoever_must_stay_with_them()
    {
        Fleet fleet = Example.Start();
        var rollout = new Rollout
        {
            Release = 3,
            Documents = ["nova"],
            BaseReleases = [2],
            Gated = ["nova"],
            Uniform = [],
            Strategy = new Strategy { Stages = [Stage.Of(Scope.Of("host", "c17")), Stage.Of(Scope.Of("region", "us")), Stage.Percent(100)] },
            Thresholds = [RolloutSelection.Nobody, RolloutSelection.Nobody],
            StageSinceUnixMs = 0,
            UnwellSinceUnixMs = 0,
        };
        Assert.Equal(["c17", "u01"], fleet.State.Nodes.Keys.Where(Select(rollout, fleet).Selects));
        Assert.Equal((0, 1, -1), (Select(rollout, fleet).StageOf("c17"), Select(rollout, fleet).StageOf("u01"), Select(rollout, fleet).StageOf("c01")));
        Rollout together = rollout with { Uniform = ["aggregate"] };
        Assert.Equal(43, fleet.State.Nodes.Keys.Count(Select(together, fleet).Selects));   // all of aggregate=ssd; ctl1 is in none
        Assert.False(Select(together, fleet).Selects("ctl1"));
    }

    private static RolloutSelection Select(Rollout rollout, Fleet fleet) => RolloutSelection.Of(rollout, RolloutGroups.Of(fleet.State.Nodes, rollout.Release, rollout.Uniform), fleet.State);

    private static long Threshold(Rollout rollout, Fleet fleet, RolloutSelection before) =>
        RolloutSelection.ThresholdFor(rollout.Strategy.Stages[rollout.Thresholds.Length], RolloutGroups.Of(fleet.State.Nodes, rollout.Release, rollout.Uniform), before, _ => true);

    private static Fleet WithNode(Fleet fleet, Random random, int number)
    {
        var pairs = new List<ScopePair> { new("region", random.Next(3) == 0 ? "eu" : "us") };
        for (int i = random.Next(3); i > 0; i--) pairs.Add(new("aggregate", $"a{random.Next(8)}"));
        return fleet.Published(new NodeEdit($"c{number:000}", Assignment.Of(pairs)));
    }
}

file static class Steering
{
    /// <summary>What an operator does with a rollout that is paused: the next stage where there is one.</summary>
    public static Rollout NextStageOr(this Rollout rollout, Func<Rollout, Rollout> otherwise, Func<Rollout, long> threshold, long now) =>
        rollout.IsLastStage ? otherwise(rollout) : rollout.NextStage(threshold(rollout), now);
}
