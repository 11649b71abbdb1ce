using System.Collections.Immutable;
using Conclave.Layers;
using Conclave.Layers.Rollouts;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Rollouts;

namespace Conclave.Node.Tests.Configuration;

/// <summary>What a release that is on its way asks of others: nova is under rollout, and glance does not refer to it.</summary>
public class RolloutChecksTests
{
    private readonly SpaceSnapshot _now;

    public RolloutChecksTests()
    {
        Fleet before = Published(Published(Fleet.Of(ConfigState.Initial), new NodeEdit("c0", Assignment.None)), Set("nova", "k", Value.Of(1)), Set("glance", "of", Value.Of("nobody")));
        _now = Under(before, "nova", Set("nova", "k", Value.Of(2)));
    }

    [Fact]
    public void A_release_that_makes_another_document_refer_to_what_is_under_rollout_is_refused()
    {
        ConfigProblem problem = Assert.Single(Problems(Set("glance", "of", Value.Of("%{doc:nova/k}"))));
        Assert.Equal((ProblemCodes.Rollout, "glance"), (problem.Code, problem.Document));
        Assert.Empty(Problems(Set("glance", "of", Value.Of("somebody"))));
    }

    [Fact]
    public void A_rollout_asks_for_what_refers_to_it_where_another_release_has_not_come_or_is_taken_back()
    {
        Fleet before = Published(Published(Fleet.Of(ConfigState.Initial), new NodeEdit("c0", Assignment.None)), Set("nova", "k", Value.Of(1)), Set("glance", "of", Value.Of("%{doc:nova/k}")));
        SpaceSnapshot now = Under(before, "glance", Set("glance", "of", Value.Of("nobody")));
        Plan plan = now.Fleet.Plan(new Change(now.Release, [Set("nova", "k", Value.Of(2))]), new ReleaseNote { Reason = "test" });
        NewRollout made = RolloutChecks.Begin(now, plan, new Strategy { Stages = [Stage.Percent(100)] }, new FleetStates(TimeProvider.System), clock: 1);
        Assert.Equal(["glance", "nova"], made.Rollout.Gated);
    }

    /// <summary>A release with these edits that has reached nobody yet.</summary>
    private static SpaceSnapshot Under(Fleet before, string document, params ImmutableArray<Edit> edits)
    {
        Fleet head = Published(before, [.. edits]);
        var rollout = new Rollout
        {
            Release = head.State.Release,
            Documents = [document],
            BaseReleases = [before.State.Document(document).Head],
            Gated = [document],
            Uniform = [],
            Strategy = new Strategy { Stages = [Stage.Percent(100)] },
            Thresholds = [],
            StageSinceUnixMs = 0,
            UnwellSinceUnixMs = 0,
        };
        var active = new ActiveRollout(rollout, HeldFleets.InverseOf(before.State, edits), 1);
        return new SpaceSnapshot("default", head, ResolutionInputs.None, ImmutableSortedDictionary.Create<string, Value>(StringComparer.Ordinal), new FleetVersions(head, [active]));
    }

    private ConfigProblem[] Problems(params Edit[] edits)
    {
        var change = new Change(_now.Release, [.. edits]);
        return [.. RolloutChecks.Breaking(_now, change, Published(_now.Fleet, edits))];
    }

    private static EntryEdit Set(string document, string key, Value value) => new(document, Scope.Everything, key, Entry.Set(value));

    private static Fleet Published(Fleet fleet, params Edit[] edits) =>
        fleet.Plan(new Change(fleet.State.Release, [.. edits]), new ReleaseNote { Reason = "test" }).After ?? throw new InvalidOperationException("the release has errors");
}
