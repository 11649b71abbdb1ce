using System.Collections.Immutable;
using Conclave.Layers;
using Conclave.Layers.Rollouts;
using Conclave.Layers.Serving;
using Conclave.Layers.Serving.Rollouts;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Node.Tests.Configuration;

/// <summary>What reports make of a rollout: seven nodes, document nova at r2 everywhere and r3 on its way; all nodes are selected.</summary>
public class RolloutObserverTests
{
    private static readonly string[] Nodes = [.. Enumerable.Range(0, 7).Select(i => $"c{i}")];

    private readonly Clock _clock = new();
    private readonly FleetStates _states;
    private readonly SpaceSnapshot _now;
    private readonly ActiveRollout _active;

    public RolloutObserverTests()
    {
        _states = new FleetStates(_clock);
        Fleet before = Published(Published(Fleet.Of(ConfigState.Initial), [.. Nodes.Select(n => new NodeEdit(n, Assignment.None))]), [Set("nova", 1), Set("glance", 1)]);
        ImmutableArray<Edit> edits = [Set("nova", 2), Set("fresh", 1)];
        Fleet head = Published(before, edits);
        var rollout = new Rollout
        {
            Release = 3,
            Documents = ["fresh", "nova"],
            BaseReleases = [2, 2],
            Gated = ["nova"],
            Uniform = [],
            Strategy = new Strategy { Stages = [Stage.Percent(100)] },
            Thresholds = [long.MaxValue],
            StageSinceUnixMs = 0,
            UnwellSinceUnixMs = 0,
        };
        _active = new ActiveRollout(rollout, HeldFleets.InverseOf(before.State, edits), 1);
        _now = new SpaceSnapshot("default", head, ResolutionInputs.None, ImmutableSortedDictionary.Create<string, Value>(StringComparer.Ordinal), new FleetVersions(head, [_active]));
    }

    [Fact]
    public void The_order_in_which_nodes_report_does_not_matter()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var reports = Nodes.SelectMany(n => Enumerable.Range(0, random.Next(4)).Select(_ => (Node: n, State: (string[])["applied", "failed", "rejected", "drifted", "pending-restart", "waiting"], Pick: random.Next(6), IsNew: random.Next(3) > 0))).ToArray();
            string? first = null;
            for (int order = 0; order < 4; order++)
            {
                var states = new FleetStates(_clock);
                // Any order of nodes; what one node says stays in its own.
                int[] places = [.. reports.Select(_ => random.Next(1000))];
                Queue<int>[] own = [.. Nodes.Select(n => new Queue<int>(reports.Select((r, i) => (r.Node, i)).Where(r => r.Node == n).Select(r => places[r.i]).Order()))];
                foreach (var report in reports.Select(r => (Report: r, Place: own[Array.IndexOf(Nodes, r.Node)].Dequeue())).OrderBy(r => r.Place).Select(r => r.Report))
                    states.Take(Report(report.Node, "nova", report.State[report.Pick], report.IsNew ? 3 : 2, report.IsNew));
                Observation seen = new RolloutObserver(states).Observe(_now, _active);
                string text = $"{seen.Acknowledged} | {string.Join(", ", seen.Failed)} | {string.Join(", ", seen.Waiting)}";
                Assert.Equal(first ??= text, text);
            }
        }
    }

    [Fact]
    public void Only_a_fresh_report_that_it_was_applied_with_the_right_content_is_an_acknowledgement()
    {
        _states.Take(Report("c0", "nova", "applied", 3, isNew: true));
        _states.Take(Report("c1", "nova", "applied", 3, isNew: false));          // a number alone is not the content
        _states.Take(Report("c2", "nova", "pending-restart", 3, isNew: true));
        _states.Take(Report("c3", "nova", "drifted", 3, isNew: true));
        _states.Take(Report("c4", "glance", "applied", 2, isNew: false));        // does not use it
        _states.Take(Report("c5", "nova", "rejected", 2, isNew: false));         // of the version before
        Observation seen = new RolloutObserver(_states).Observe(_now, _active);
        Assert.Equal((1, 0), (seen.Acknowledged, seen.Failed.Length));
        Assert.Equal(["c1", "c2", "c3", "c5", "c6"], seen.Waiting);

        _states.Take(Report("c5", "nova", "rejected", 3, isNew: false));         // the file is the old one, the release is not
        Assert.Equal(["c5: no"], new RolloutObserver(_states).Observe(_now, _active).Failed);
        _clock.Advance(RolloutObserver.SilentAfter + TimeSpan.FromSeconds(1));
        seen = new RolloutObserver(_states).Observe(_now, _active, out ImmutableArray<V1.StageProgress> progress);
        Assert.Equal(0, seen.Acknowledged);
        Assert.Empty(seen.Failed);   // it may have been mended since, and nobody would know
        Assert.Equal(Nodes, seen.Waiting);
        Assert.Equal((7, 0, 7), (progress[0].Nodes, progress[0].Failed, progress[0].Silent));
    }

    [Fact]
    public void A_failure_with_the_same_content_is_of_this_release_only_when_its_number_is()
    {
        _states.Take(Report("c0", "nova", "failed", 2, isNew: true));   // of an earlier release that was taken back
        _states.Take(Report("c1", "nova", "failed", 3, isNew: true));
        _states.Take(Report("c2", "nova", "failed", 0, isNew: true));   // an agent that does not know numbers
        Assert.Equal(["c1: no", "c2: no"], new RolloutObserver(_states).Observe(_now, _active).Failed);
    }

    [Fact]
    public void What_a_later_release_of_a_document_that_only_refers_to_it_does_is_no_failure_of_the_rollout()
    {
        Fleet before = Published(_now.Fleet, [new EntryEdit("glance", Scope.Everything, "of", Entry.Set(Value.Of("%{doc:nova/k}")))]);
        ImmutableArray<Edit> edits = [Set("nova", 3)];
        Fleet head = Published(before, edits);
        (ImmutableArray<string> gated, ImmutableArray<string> uniform) = HeldFleets.ReachOf(before, head, edits);
        var rollout = new Rollout
        {
            Release = head.State.Release,
            Documents = ["nova"],
            BaseReleases = [3],
            Gated = gated,
            Uniform = uniform,
            Strategy = _active.Rollout.Strategy,
            Thresholds = [long.MaxValue],
            StageSinceUnixMs = 0,
            UnwellSinceUnixMs = 0,
        };
        Assert.Contains("glance", rollout.Gated);
        head = Published(head, [Set("glance", 7)]);   // allowed: it does not touch what is under way
        var active = new ActiveRollout(rollout, HeldFleets.InverseOf(before.State, edits), 1);
        var now = new SpaceSnapshot("default", head, ResolutionInputs.None, _now.Facts, new FleetVersions(head, [active]));
        _states.Take(Report("c0", "glance", "rejected", head.State.Release, now.AsHeld(1)));
        _states.Take(Report("c1", "glance", "rejected", head.State.Release, now));
        Observation seen = new RolloutObserver(_states).Observe(now, active);
        Assert.Equal(["c1: no"], seen.Failed);
        Assert.Contains("c0", seen.Waiting);
    }

    [Fact]
    public void For_a_document_that_the_release_makes_everybody_is_waited_for()
    {
        var active = new ActiveRollout(new Rollout
        {
            Release = 3,
            Documents = ["fresh", "nova"],
            BaseReleases = [2, 2],
            Gated = ["fresh"],
            Uniform = [],
            Strategy = _active.Rollout.Strategy,
            Thresholds = [long.MaxValue],
            StageSinceUnixMs = 0,
            UnwellSinceUnixMs = 0,
        }, _active.Inverse, 1);
        var now = new SpaceSnapshot("default", _now.Fleet, ResolutionInputs.None, _now.Facts, new FleetVersions(_now.Fleet, [active]));
        foreach (string node in Nodes) _states.Take(Report(node, "nova", "applied", 3, isNew: true));
        Assert.Equal(Nodes, new RolloutObserver(_states).Observe(now, active).Waiting);
    }

    [Fact]
    public void A_machine_that_is_in_the_way_is_waited_for_and_is_no_failure()
    {
        foreach (string node in Nodes[1..]) _states.Take(Report(node, "nova", "applied", 3, isNew: true));
        _states.Take(Report("c0", "nova", "waiting", 3, isNew: true));   // its disk is full
        Observation seen = new RolloutObserver(_states).Observe(_now, _active);
        Assert.Equal((6, 0), (seen.Acknowledged, seen.Failed.Length));
        Assert.Equal(["c0"], seen.Waiting);
        Assert.Equal(RolloutMove.Nothing, RolloutDecision.Of(_active.Rollout, seen, 1000).Move);
        Assert.Equal(RolloutMove.Pause, RolloutDecision.Of(_active.Rollout, seen, Strategy.SilenceMsUsual).Move);
    }

    [Fact]
    public void A_node_that_has_nothing_of_the_document_yet_counts_when_its_agent_says_so()
    {
        foreach (string node in Nodes) _states.Take(Report(node, "glance", "applied", 2, isNew: false));
        Assert.Equal((0, 7), (new RolloutObserver(_states).Observe(_now, _active).Nodes, new RolloutObserver(_states).Observe(_now, _active).Unobserved));
        V1.AcknowledgeRequest stuck = Report("c3", "glance", "applied", 2, isNew: false);
        stuck.ListsAll = true;
        stuck.States.Add(new V1.DocumentState { Document = "nova", State = "waiting", Message = "no version of it has come yet" });
        _states.Take(stuck);
        Observation seen = new RolloutObserver(_states).Observe(_now, _active);
        Assert.Equal((1, 0), (seen.Nodes, seen.Unobserved));
        Assert.Equal(["c3"], seen.Waiting);
    }

    [Fact]
    public void For_a_document_that_the_release_makes_only_those_are_waited_for_that_do_not_say_what_they_use()
    {
        var active = new ActiveRollout(new Rollout
        {
            Release = 3,
            Documents = ["fresh", "nova"],
            BaseReleases = [2, 2],
            Gated = ["fresh"],
            Uniform = [],
            Strategy = _active.Rollout.Strategy,
            Thresholds = [long.MaxValue],
            StageSinceUnixMs = 0,
            UnwellSinceUnixMs = 0,
        }, _active.Inverse, 1);
        var now = new SpaceSnapshot("default", _now.Fleet, ResolutionInputs.None, _now.Facts, new FleetVersions(_now.Fleet, [active]));
        foreach (string node in Nodes)
        {
            V1.AcknowledgeRequest report = Report(node, "nova", "applied", 3, isNew: true);
            report.ListsAll = node != "c5";   // an older agent, which cannot say
            if (node == "c2") report.States.Add(new V1.DocumentState { Document = "fresh", State = "waiting" });
            _states.Take(report);
        }

        Assert.Equal(["c2", "c5"], new RolloutObserver(_states).Observe(now, active).Waiting);
    }

    [Fact]
    public void What_an_observer_remembers_is_what_one_that_remembers_nothing_finds()
    {
        Fleet before = Published(_now.Fleet, [new EntryEdit("nova", Scope.Everything, "ip", Entry.Set(Value.Of("%{fact:ip|none}"))), new EntryEdit("nova", Scope.Everything, "of", Entry.Set(Value.Of("%{doc:glance/k}")))]);
        ImmutableArray<Edit> edits = [Set("nova", 3)];
        Fleet head = Published(before, edits);
        Rollout rollout = _active.Rollout with { Release = head.State.Release, Documents = ["nova"], BaseReleases = [before.State.Release], Gated = ["nova"] };
        var active = new ActiveRollout(rollout, HeldFleets.InverseOf(before.State, edits), 1);
        (var observer, var random, ResolutionInputs inputs) = (new RolloutObserver(_states), new Random(7), ResolutionInputs.None);
        bool factsDecided = false, releasesDecided = false;
        for (int round = 0; round < 200; round++)
        {
            var now = new SpaceSnapshot("default", head, inputs, _now.Facts, new FleetVersions(head, [active]));
            foreach (string node in Nodes.Where(_ => random.Next(3) == 0))
            {
                EffectiveDocument has = now.As(node).Fleet.Effective(node, "nova", inputs)!;   // the node is there
                _states.Take(new V1.AcknowledgeRequest { Space = "default", Node = node, States = { new V1.DocumentState { Document = "nova", State = "applied", Release = rollout.Release, Hash = ByteString.CopyFrom(has.Hash) } } });
            }

            Observation seen = observer.Observe(now, active), fresh = new RolloutObserver(_states).Observe(now, active);
            Assert.Equal((fresh.Acknowledged, string.Join(' ', fresh.Waiting)), (seen.Acknowledged, string.Join(' ', seen.Waiting)));
            (int acknowledged, bool isFact) = (seen.Acknowledged, random.Next(3) > 0);
            if (isFact) inputs = inputs.WithFacts(Nodes[random.Next(7)], new Dictionary<string, Value> { ["ip"] = Value.Of(random.Next(4).ToString(System.Globalization.CultureInfo.InvariantCulture)) });
            else if (random.Next(2) == 0) head = Published(head, [Set("glance", round + 10)]);
            now = new SpaceSnapshot("default", head, inputs, _now.Facts, new FleetVersions(head, [active]));
            if (observer.Observe(now, active).Acknowledged == acknowledged) continue;
            (factsDecided, releasesDecided) = (factsDecided | isFact, releasesDecided | !isFact);   // who had acknowledged no longer has what it should
        }

        Assert.True(factsDecided && releasesDecided);
    }

    [Fact]
    public void Who_asks_meanwhile_is_shown_what_was_seen_and_a_new_record_at_once()
    {
        var observer = new RolloutObserver(_states);
        V1.Rollout shown = observer.ShownLately(_now, _active);
        Assert.Equal((7, 0), (shown.Progress[0].Nodes, shown.Progress[0].Acknowledged));
        shown.Progress.Clear();   // the answer is the caller's own
        foreach (string node in Nodes) _states.Take(Report(node, "nova", "applied", 3, isNew: true));
        Assert.Equal(7, observer.Shown(_now, _active).Progress[0].Acknowledged);
        Assert.Equal(7, observer.ShownLately(_now, _active).Progress[0].Acknowledged);
        var paused = new ActiveRollout(_active.Rollout.Pause("somebody looks"), _active.Inverse, 2);
        var now = new SpaceSnapshot("default", _now.Fleet, ResolutionInputs.None, _now.Facts, new FleetVersions(_now.Fleet, [paused]));
        Assert.Equal("paused", observer.ShownLately(now, paused).State);
    }

    private V1.AcknowledgeRequest Report(string node, string document, string state, long release, bool isNew) => Report(node, document, state, release, isNew ? _now : _now.AsHeld(1));

    private static V1.AcknowledgeRequest Report(string node, string document, string state, long release, SpaceSnapshot at)
    {
        EffectiveDocument content = at.Fleet.Effective(node, document, ResolutionInputs.None)!;   // the node is there
        return new V1.AcknowledgeRequest { Space = "default", Node = node, States = { new V1.DocumentState { Document = document, State = state, Release = release, Hash = ByteString.CopyFrom(content.Hash), Message = "no" } } };
    }

    private static EntryEdit Set(string document, long value) => new(document, Scope.Everything, "k", Entry.Set(Value.Of(value)));

    private static Fleet Published(Fleet fleet, ImmutableArray<Edit> edits) =>
        fleet.Plan(new Change(fleet.State.Release, edits), new ReleaseNote { Reason = "test" }).After ?? throw new InvalidOperationException("the release has errors");

    private sealed class Clock : TimeProvider
    {
        private long _ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public override DateTimeOffset GetUtcNow() => new(_ticks, TimeSpan.Zero);

        public void Advance(TimeSpan by) => _ticks += by.Ticks;
    }
}
