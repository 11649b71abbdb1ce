using System.Collections.Immutable;
using Conclave.Layers;
using Conclave.Layers.Rollouts;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Rollouts;
using Conclave.Wire.Etcd.Etcdserverpb;

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
    public void With_three_under_way_a_release_must_bear_that_any_of_them_are_taken_back()
    {
        string[] documents = ["a", "b", "c"];
        Fleet fleet = Published(Published(Fleet.Of(ConfigState.Initial), new NodeEdit("c0", Assignment.None)),
            [.. documents.Select(d => Set(d, "x", Value.Of("0"))), Set("glance", "g", Value.Of("%{doc:a/x}%{doc:b/x}%{doc:c/x}"))]);
        var active = new List<ActiveRollout>();
        foreach (string document in documents)
        {
            Edit edit = Set(document, "x", Value.Of("1"));
            ConfigState before = fleet.State;
            fleet = Published(fleet, edit);
            active.Add(new ActiveRollout(new Rollout
            {
                Release = fleet.State.Release,
                Documents = [document],
                BaseReleases = [2],
                Gated = [document, "glance"],
                Uniform = [],
                Strategy = new Strategy { Stages = [Stage.Percent(100)] },
                Thresholds = document == "a" ? [] : [long.MaxValue],   // c0 waits for the first one only
                StageSinceUnixMs = 0,
                UnwellSinceUnixMs = 0,
            }, HeldFleets.InverseOf(before, [edit]), 1));
        }

        var versions = new FleetVersions(fleet, [.. active]);
        var now = new SpaceSnapshot("default", fleet, ResolutionInputs.None, _now.Facts, versions);
        Assert.Equal(1, versions.HeldBy("c0"));
        Assert.Equal(Enumerable.Range(1, 7), versions.HeldSets());
        string[] all = ["000", "001", "010", "011", "100", "101", "110", "111"];
        foreach (string missing in all)
        {
            // Which text glance has tells which of the three are out: 001 is what it has without a and b.
            Edit choices = new SchemaEdit("glance", "g", new KeySchema { Type = KeyType.String, Choices = [.. all.Where(t => t != missing).Select(t => Value.Of(t))] });
            if (missing == "111") continue;   // refused at the head already
            ConfigProblem problem = Assert.Single(RolloutChecks.Breaking(now, new Change(now.Release, [choices]), Published(fleet, choices)));
            string without = string.Join(", ", active.Where((_, i) => missing[i] == '0').Select(r => $"r{r.Rollout.Release}"));
            Assert.StartsWith($"without {without}, which ", problem.Message, StringComparison.Ordinal);
        }

        Edit fine = new SchemaEdit("glance", "g", new KeySchema { Type = KeyType.String, Choices = [.. all.Select(t => Value.Of(t))] });
        Assert.Empty(RolloutChecks.Breaking(now, new Change(now.Release, [fine]), Published(fleet, fine)));
    }

    [Fact]
    public void A_change_of_nodes_holds_only_with_the_stages_that_it_was_checked_with()
    {
        var move = new TxnRequest();
        RolloutEntries.Guard(move, _now, new Change(_now.Release, [new NodeEdit("c0", null)]));
        Compare compare = Assert.Single(move.Compare);
        Assert.Equal(("/conclave/default/o/0000000000000003", Compare.Types.CompareTarget.Mod, 1), (compare.Key.ToStringUtf8(), compare.Target, compare.ModRevision));

        var entry = new TxnRequest();
        RolloutEntries.Guard(entry, _now, new Change(_now.Release, [Set("glance", "of", Value.Of("x"))]));
        Assert.Empty(entry.Compare);   // a stage that begins meanwhile is no reason to refuse it
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
