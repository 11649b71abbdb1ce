using System.Collections.Immutable;
using Conclave.Layers.Rollouts;
using Conclave.Layers.Tests.Support;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Layers.Tests.Rollouts;

public class HeldFleetsTests(ITestOutputHelper output)
{
    [Fact]
    public void The_head_without_a_release_is_what_the_other_releases_make_of_what_was_before() => Properties.Holds(Prop.ForAll<int>(seed =>
    {
        var random = new RandomFleet(seed);
        Fleet before = Fleet.Of(ConfigState.Initial).Publish(new ChangeRecord(RandomFleet.Foundation, new ReleaseNote { Reason = "test" })).Fleet;
        for (int i = 0; i < 6; i++) before = With(before, random.Edits());
        ImmutableArray<Edit> candidate = [.. random.Edits().Concat(random.Edits()).Where(e => new Change(0, [e]).Documents() is ["nova"])];
        if (candidate.IsEmpty) return true;
        ImmutableArray<Edit> inverse = HeldFleets.InverseOf(before.State, candidate);
        Fleet head = With(before, candidate), without = before;
        if (ReferenceEquals(head, before)) return true;   // it was refused
        for (int i = 0; i < 6; i++)
        {
            ImmutableArray<Edit> other = [.. random.Edits().Where(e => new Change(0, [e]).Documents() is not ["nova"])];
            Fleet next = With(head, other), kept = With(without, other);
            if (ReferenceEquals(next, head) || ReferenceEquals(kept, without)) continue;   // refused on one of them: no such release is published
            (head, without) = (next, kept);
        }

        Fleet held = head.Without([inverse]);
        return head.State.Nodes.Keys.All(n => ((string[])["nova", "glance"]).All(d =>
            held.Effective(n, d, RandomFleet.Facts)!.Hash.SequenceEqual(without.Effective(n, d, RandomFleet.Facts)!.Hash)));   // nodes of the state
    }), output, tests: 100);

    [Fact]
    public void A_reference_to_another_node_sees_the_version_that_it_is_on()
    {
        Fleet before = Example.Start().Published(Example.Set("*", "DEFAULT/weight", 1), Example.Set("host=c17", "DEFAULT/peer", "%{node:c18/nova/DEFAULT/weight}"), Example.Set("host=c18", "DEFAULT/peer", "%{node:c17/nova/DEFAULT/weight}"));
        Edit change = Example.Set("*", "DEFAULT/weight", 2);
        Fleet head = before.Published(change), held = head.Without([HeldFleets.InverseOf(before.State, [change])]);
        Fleet[] mixed = new Fleet[2];
        Fleet FleetOf(string node) => mixed[node == "c17" ? 1 : 0];
        (mixed[0], mixed[1]) = (held.Among(FleetOf), head.Among(FleetOf));
        Assert.True(head.NamesNodes);
        Assert.Equal("2", Value("c17", "DEFAULT/weight"));
        Assert.Equal("1", Value("c17", "DEFAULT/peer"));
        Assert.Equal("1", Value("c18", "DEFAULT/weight"));
        Assert.Equal("2", Value("c18", "DEFAULT/peer"));

        string Value(string node, string key) => FleetOf(node).Effective(node, "nova", Example.Facts)!.Find(key)!.Value.ToString();
    }

    [Fact]
    public void What_a_release_reaches_are_its_documents_and_those_that_refer_to_them_with_their_uniform_dimensions()
    {
        Fleet before = Example.Start().Published(new EntryEdit("glance", Example.ScopeOf("*"), "DEFAULT/host", Entry.Set(Value.Of("%{doc:nova/DEFAULT/rabbit_host}"))),
            new EntryEdit("cinder", Example.ScopeOf("*"), "DEFAULT/debug", Entry.Set(Value.True)), new SchemaEdit("glance", "DEFAULT/host", new KeySchema { Uniform = "region" }));
        Edit change = Example.Set("*", "DEFAULT/rabbit_host", "other");
        (ImmutableArray<string> documents, ImmutableArray<string> uniform) = HeldFleets.ReachOf(before, before.Published(change), [change]);
        Assert.Equal(["glance", "nova"], documents);
        Assert.Equal(["region"], uniform);
    }

    private static Fleet With(Fleet fleet, ImmutableArray<Edit> edits)
    {
        Plan plan = fleet.Plan(new Change(fleet.State.Release, edits), new ReleaseNote { Reason = "test" }, RandomFleet.Facts);
        return plan.After ?? fleet;
    }
}
