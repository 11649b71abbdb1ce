using System.Collections.Immutable;
using Conclave.Layers.Rollouts;
using Conclave.Layers.Serving.Rollouts;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving.Tests;

/// <summary>What a stream gets from members that know more or less: document glance refers to nova, and nova is under rollout.</summary>
public class SentDocumentsTests
{
    private readonly SpaceSnapshot _selected, _lagging;

    public SentDocumentsTests()
    {
        Fleet before = Published(Published(Fleet.Of(ConfigState.Initial), [new NodeEdit("c0", Assignment.None)]), [Set("nova", "k", Value.Of(1)), Set("glance", "of", Value.Of("%{doc:nova/k}"))]);
        ImmutableArray<Edit> edits = [Set("nova", "k", Value.Of(2))];
        Fleet head = Published(before, edits);
        _selected = With(long.MaxValue);
        _lagging = With();

        SpaceSnapshot With(params ImmutableArray<long> thresholds)
        {
            var rollout = new Rollout
            {
                Release = 3,
                Documents = ["nova"],
                BaseReleases = [2],
                Gated = ["glance", "nova"],
                Uniform = [],
                Strategy = new Strategy { Stages = [Stage.Percent(100)] },
                Thresholds = thresholds,
                StageSinceUnixMs = 0,
                UnwellSinceUnixMs = 0,
            };
            var active = new ActiveRollout(rollout, HeldFleets.InverseOf(before.State, edits), 1);
            return new SpaceSnapshot("default", head, ResolutionInputs.None, ImmutableSortedDictionary.Create<string, Value>(StringComparer.Ordinal), new FleetVersions(head, [active]));
        }
    }

    [Fact]
    public void A_member_that_does_not_know_yet_that_a_node_is_selected_sends_it_nothing()
    {
        Assert.Equal(2, _lagging.As("c0").ReleaseOf("nova"));
        SentDocuments sent = Stream(Have("nova", 3), Have("glance", 2));
        Assert.Null(sent.Next(_lagging, isFirst: true));
        Assert.Empty(sent.Next(_selected, isFirst: true)!.Documents);   // it has both
    }

    [Fact]
    public void A_node_that_has_nothing_yet_gets_what_that_member_has() => Assert.Equal(["glance", "nova"], Stream().Next(_lagging, isFirst: true)!.Documents.Select(d => d.Document));

    [Fact]
    public void What_nodes_have_that_are_held_back_keeps_nothing_for_streams_when_it_is_made_after_there_is_a_newer_state()
    {
        EffectiveDocument nova = _lagging.AsHeld(1).Fleet.Effective("c0", "nova", ResolutionInputs.None)!;
        Assert.True(nova.IsShared);
        _lagging.AsHeld(1).DeltaOf(null, nova, () => new V1.DocumentDelta());
        Assert.Equal(1, _lagging.AsHeld(1).DeltaCount);   // kept for the next stream
        _selected.BecomePast();
        SpaceSnapshot late = _selected.AsHeld(1);   // made by a stream that still looks at the state before
        late.DeltaOf(null, nova, () => new V1.DocumentDelta());
        Assert.Equal(0, late.DeltaCount);
    }

    [Fact]
    public void What_nodes_of_one_class_get_is_made_once_for_all_of_them()
    {
        string[] nodes = [.. Enumerable.Range(0, 50).Select(i => $"c{i}")];
        Fleet fleet = Published(Published(Fleet.Of(ConfigState.Initial), [.. nodes.Select(n => new NodeEdit(n, Assignment.None))]), [Set("nova", "k", Value.Of(1)), Set("nova", "l", Value.Of(1))]);
        Fleet next = Published(fleet, [Set("nova", "k", Value.Of(2))]);
        SpaceSnapshot first = Of(fleet), second = Of(next);
        SentDocuments[] streams = [.. nodes.Select(n => new SentDocuments(new ConfigSpace("default"), new V1.WatchRequest { Space = "default", Node = n }))];

        V1.Delta[] whole = [.. streams.Select(s => s.Next(first, isFirst: true)!)], changes = [.. streams.Select(s => s.Next(second, isFirst: false)!)];

        Assert.All(whole, d => Assert.Equal(2, Assert.Single(d.Documents).Set.Count));
        Assert.All(changes, d => Assert.Equal("k", Assert.Single(Assert.Single(d.Documents).Set).Key));
        Assert.Equal((1, 1), (first.DeltaCount, second.DeltaCount));
        Assert.All(changes, d => Assert.Same(changes[0].Documents[0], d.Documents[0]));

        static SpaceSnapshot Of(Fleet fleet) => new("default", fleet, ResolutionInputs.None, ImmutableSortedDictionary.Create<string, Value>(StringComparer.Ordinal));
    }

    private static SentDocuments Stream(params V1.DocumentHash[] have) =>
        new(new ConfigSpace("default"), new V1.WatchRequest { Space = "default", Node = "c0", FromRelease = have.Length == 0 ? 0 : 3, Have = { have } });

    private V1.DocumentHash Have(string document, long release) =>
        new() { Document = document, Release = release, Hash = ByteString.CopyFrom(_selected.As("c0").Fleet.Effective("c0", document, ResolutionInputs.None)!.Hash) };

    private static EntryEdit Set(string document, string key, Value value) => new(document, Scope.Everything, key, Entry.Set(value));

    private static Fleet Published(Fleet fleet, ImmutableArray<Edit> edits) =>
        fleet.Plan(new Change(fleet.State.Release, edits), new ReleaseNote { Reason = "test" }).After ?? throw new InvalidOperationException("the release has errors");
}
