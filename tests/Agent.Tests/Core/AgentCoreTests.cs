using Conclave.Agent.Tests.Simulated;
using Conclave.Layers.Rendering;
using Conclave.Wire;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent.Tests.Core;

public class AgentCoreTests
{
    private static AgentOptions Options(GroupOptions? group = null, DriftMode drift = DriftMode.Report) => new()
    {
        Node = "c1",
        Files = [new FileOptions { Name = "f", Document = "d", Path = "/etc/f", Format = RenderFormat.Json, Group = "g", Drift = drift }],
        Groups = [group ?? new GroupOptions { Name = "g", Restart = new ActionOptions { Command = ["restart"] } }],
    };

    private static string Shown(SimulatedAgent agent) => agent.StateOf("d") is { } state ? $"{state.State} r{state.Release}" : "nothing";

    [Fact]
    public void Nothing_older_than_what_was_here_is_taken()
    {
        var agent = new SimulatedAgent(Options());
        agent.Publish(Documents.Whole("d", 5, "a=5"));
        string five = agent.FilesOf("g");
        agent.Publish(Documents.Whole("d", 4, "a=4"));
        Assert.Equal((five, "applied r5"), (agent.FilesOf("g"), Shown(agent)));
        Assert.Contains(agent.Told, t => t.Contains("the server has r4, and r5 was here before", StringComparison.Ordinal));
        agent.Restart();   // nor after a restart
        Assert.Equal((five, "applied r5"), (agent.FilesOf("g"), Shown(agent)));
        agent.Publish(Documents.Whole("d", 6, "a=6"));
        Assert.Equal("applied r6", Shown(agent));
    }

    /// <summary>The server's hash of a document has secrets by name only, so that it says nothing of what came.</summary>
    [Fact]
    public void A_document_with_a_secret_is_what_was_sent_or_is_asked_for_again()
    {
        V1.DocumentDelta whole = Documents.Whole("d", 1, "a=1", "password!=\"hunter2\"", "\u00fcmlaut=[1.5,\"\u20ac\"]");
        AgentDocument before = AgentDocument.Apply(null, whole, 1, out _)!;   // an older server sends no hash of it
        whole.ItemsHash = ItemsHash.Of([("a", "1", false), ("password", "\"hunter2\"", false), ("\u00fcmlaut", "[1.5,\"\u20ac\"]", false)]);
        Assert.NotNull(AgentDocument.Apply(null, whole, 1, out _));
        whole.Set[1].Value = "\"hunter3\"";
        Assert.Null(AgentDocument.Apply(null, whole, 1, out string problem));
        Assert.Contains("d at r1 does not have the hash that came with it", problem, StringComparison.Ordinal);

        var delta = new V1.DocumentDelta { Document = "d", Release = 2, Hash = whole.Hash, Set = { new V1.Item { Key = "password", Value = "\"new\"", Secret = true } } };
        delta.ItemsHash = ItemsHash.Of([("a", "1", false), ("password", "\"new\"", false), ("\u00fcmlaut", "[1.5,\"\u20ac\"]", false)]);
        Assert.NotNull(AgentDocument.Apply(before, delta, 2, out _));
        AgentDocument other = AgentDocument.Apply(null, Documents.Whole("d", 1, "a=2", "password!=\"hunter2\""), 1, out _)!;
        Assert.Null(AgentDocument.Apply(other, delta, 2, out _));   // a delta to something else than what is here
    }

    [Fact]
    public void Several_releases_close_together_are_one_restart()
    {
        var agent = new SimulatedAgent(Options());
        agent.Publish(Documents.Whole("d", 1, "a=1"));
        AgentCore core = new(Options());
        var started = new Started([], System.Collections.Immutable.ImmutableDictionary<string, GroupOnDisk>.Empty);
        core.Step(started, 0);
        for (int i = 1; i <= 20; i++)
        {
            Assert.DoesNotContain(core.Step(new Received(Documents.Message(Documents.Whole("d", i, $"a={i}"))), i * 400), e => e is StepEffect);
            if (core.NextDue <= i * 400) Assert.Fail("it does not wait");
            if (i * 400 + 1000 > 400 + 10_000) break;
            Assert.Equal(i * 400 + 1000, core.NextDue);   // a second of quiet
        }
    }

    [Fact]
    public void It_does_not_wait_for_quiet_for_ever()
    {
        AgentCore core = new(Options());
        core.Step(new Started([], System.Collections.Immutable.ImmutableDictionary<string, GroupOnDisk>.Empty), 0);
        for (int i = 1; i <= 14; i++) core.Step(new Received(Documents.Message(Documents.Whole("d", i, $"a={i}"))), i * 900);
        Assert.Equal(900 + 10_000, core.NextDue);   // ten seconds after the first
    }

    [Fact]
    public void A_change_that_leaves_the_file_as_it_is_does_nothing_to_the_program()
    {
        var agent = new SimulatedAgent(Options());
        agent.Publish(Documents.Whole("d", 1, "a=1"));
        agent.Publish(Documents.Whole("d", 2, "a=1"));
        Assert.Equal(("applied r2", 1), (Shown(agent), agent.Actions.Count));
    }

    [Fact]
    public void A_document_may_lose_its_keys_when_the_release_says_so_even_if_another_comes_on_top()
    {
        var agent = new SimulatedAgent(Options(new GroupOptions { Name = "g" }));
        agent.Publish(Documents.Whole("d", 1, "a=1", "b=1", "c=1"));
        agent.Publish(Documents.Whole("d", 2, "a=1"));
        Assert.Equal("rejected r2", Shown(agent));
        V1.DocumentDelta allowed = Documents.Whole("d", 3, "a=1");
        allowed.AllowShrink = true;
        AgentCore core = new(Options());
        agent.Publish(allowed);
        Assert.Equal("applied r3", Shown(agent));
        agent.Publish(Documents.Whole("d", 4));
        Assert.Equal("rejected r4", Shown(agent));   // the permission was for that one

        core.Step(new Started([Documents.Document("d", 1, "a=1", "b=1")], System.Collections.Immutable.ImmutableDictionary<string, GroupOnDisk>.Empty), 0);
        core.Step(new Received(Documents.Message(allowed)), 1);
        core.Step(new Received(Documents.Message(Documents.Whole("d", 4, "a=2"))), 2);
        Assert.True(Assert.Single(core.Have).AllowShrink);
    }

    [Fact]
    public void A_change_that_does_not_fit_asks_for_everything()
    {
        AgentCore core = new(Options());
        core.Step(new Started([Documents.Document("d", 1, "a=1")], System.Collections.Immutable.ImmutableDictionary<string, GroupOnDisk>.Empty), 0);
        V1.DocumentDelta part = Documents.Whole("d", 2, "b=1");
        part.Whole = false;   // its hash is that of b alone
        Assert.Contains(core.Step(new Received(Documents.Message(part)), 1), e => e is Resync);
        Assert.Equal(1, Assert.Single(core.Have).Release);
    }

    [Theory, InlineData(DriftMode.Report, "drifted r1", 1), InlineData(DriftMode.Repair, "applied r1", 2)]
    public void A_file_that_somebody_changed_is_told_or_repaired(DriftMode drift, string state, int actions)
    {
        var agent = new SimulatedAgent(Options(new GroupOptions { Name = "g", Live = new ActionOptions { Command = ["reload"] }, Restart = new ActionOptions { Command = ["restart"] } }, drift));
        agent.Publish(Documents.Whole("d", 1, "a=1"));
        string good = agent.FilesOf("g");
        agent.Edit(agent.Options.Files[0], "mine");
        Assert.Equal((state, actions), (Shown(agent), agent.Actions.Count));
        Assert.Equal(drift == DriftMode.Repair ? good : "mine", agent.FilesOf("g"));
    }

    [Fact]
    public void A_full_disk_is_tried_again_and_the_old_file_stays()
    {
        var agent = new SimulatedAgent(Options());
        agent.Publish(Documents.Whole("d", 1, "a=1"));
        agent.Files.WritesToFail = 6;
        agent.Publish(Documents.Whole("d", 2, "a=2"));
        Assert.Contains(agent.Told, t => t.Contains("no space left", StringComparison.Ordinal));
        Assert.Equal("applied r2", Shown(agent));
        Assert.Contains("waiting r2", agent.Heard);   // the machine was in the way: that is no failure of the release
        Assert.DoesNotContain(agent.Heard, h => h.StartsWith("rejected", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_document_of_the_configuration_has_a_state_from_the_start_on()
    {
        AgentOptions one = Options();
        AgentCore core = new(one with { Files = [one.Files[0], one.Files[0] with { Name = "f2", Document = "other", Path = "/etc/f2" }, one.Files[0] with { Name = "f3", Document = "alone", Path = "/etc/f3", Group = "g3" }], Groups = [one.Groups[0], one.Groups[0] with { Name = "g3" }] });
        core.Step(new Started([], System.Collections.Immutable.ImmutableDictionary<string, GroupOnDisk>.Empty), 0);
        Assert.Equal(["alone waiting r0", "d waiting r0", "other waiting r0"], core.States.Select(s => $"{s.Document} {s.State} r{s.Release}").Order(StringComparer.Ordinal));
        core.Step(new Received(Documents.Message(Documents.Whole("d", 3, "a=1"))), 1);
        V1.DocumentState[] states = [.. core.States.OrderBy(s => s.Document, StringComparer.Ordinal)];
        Assert.Equal(("waiting", 3, "g: waits for the first version of other"), (states[1].State, states[1].Release, states[1].Message));
        Assert.Equal(("waiting", 0), (states[2].State, states[2].Release));
        Assert.StartsWith("no version of it has come yet", states[2].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Secrets_are_taken_out_of_texts_in_each_form_and_the_longest_first()
    {
        Assert.Equal("<secret> <secret> \"<secret>\" x", Masking.Hide("ab$c ab$c-long \"ab$$c\" x", ["ab$c", "ab$c-long", "x"]));
    }
}
