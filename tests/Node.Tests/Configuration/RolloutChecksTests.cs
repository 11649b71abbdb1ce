using System.Collections.Immutable;
using Conclave.Layers;
using Conclave.Layers.Rollouts;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Rollouts;
using Conclave.Node.Configuration;

namespace Conclave.Node.Tests.Configuration;

/// <summary>What a release that is on its way asks of others: nova is under rollout, and glance does not refer to it.</summary>
public class RolloutChecksTests
{
    private readonly SpaceSnapshot _now;

    public RolloutChecksTests()
    {
        Fleet before = Published(Published(Fleet.Of(ConfigState.Initial), new NodeEdit("c0", Assignment.None)), Set("nova", "k", Value.Of(1)), Set("glance", "of", Value.Of("nobody")));
        ImmutableArray<Edit> edits = [Set("nova", "k", Value.Of(2))];
        Fleet head = Published(before, [.. edits]);
        var rollout = new Rollout
        {
            Release = 3,
            Documents = ["nova"],
            BaseReleases = [2],
            Gated = ["nova"],
            Uniform = [],
            Strategy = new Strategy { Stages = [Stage.Percent(100)] },
            Thresholds = [],
            StageSinceUnixMs = 0,
            UnwellSinceUnixMs = 0,
        };
        var active = new ActiveRollout(rollout, HeldFleets.InverseOf(before.State, edits), 1);
        _now = new SpaceSnapshot("default", head, ResolutionInputs.None, ImmutableSortedDictionary.Create<string, Value>(StringComparer.Ordinal), new FleetVersions(head, [active]));
    }

    [Fact]
    public void A_release_that_makes_another_document_refer_to_what_is_under_rollout_is_refused()
    {
        ConfigProblem problem = Assert.Single(Problems(Set("glance", "of", Value.Of("%{doc:nova/k}"))));
        Assert.Equal((ProblemCodes.Rollout, "glance"), (problem.Code, problem.Document));
        Assert.Empty(Problems(Set("glance", "of", Value.Of("somebody"))));
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
