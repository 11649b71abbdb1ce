using Conclave.Layers.Tests.Support;
using static Conclave.Layers.Tests.Support.Example;

namespace Conclave.Layers.Tests.Releases;

/// <summary>What a change is refused for, and what it is said to do.</summary>
public class PlanTests
{
    private readonly Fleet _fleet = Start();

    [Fact]
    public void The_worked_example_resolves_as_the_design_says()
    {
        EffectiveDocument c17 = _fleet.Effective("c17", "nova", Facts)!;
        Assert.Equal("mq.eu.example", c17.Find("DEFAULT/rabbit_host")!.Value.AsString);
        Assert.Equal("/srv/ssd/instances", c17.Find("DEFAULT/instances_path")!.Value.AsString);
        Assert.Equal("10.2.0.17", c17.Find("DEFAULT/my_ip")!.Value.AsString);
        Assert.Equal("""["{\"vendor_id\":\"144d\"}","{\"vendor_id\":\"8086\"}"]""", c17.Find("pci/device_spec")!.Value.ToString());
        Assert.Equal("""["http://10.2.0.100:9292"]""", c17.Find("glance/api_servers")!.Value.ToString());
        Assert.True(c17.Find("DEFAULT/debug")!.Value.AsBoolean);
        EffectiveEntry url = c17.Find("DEFAULT/transport_url")!;
        Assert.True(url.IsPending);
        Assert.Equal("rabbit://nova:%{secret:rabbit/nova}@mq.eu.example:5672/", url.Value.AsString);
        Assert.Equal("rabbit://nova:s%{x@mq.eu.example:5672/", PendingValue.Fill(url.Value, r => r.Kind == ReferenceKind.Secret ? Value.Of("s%{x") : null, out Reference? missing).AsString);
        Assert.Null(missing);
        Assert.Null(_fleet.Effective("nobody", "nova", Facts));
        Assert.Empty(_fleet.Effective("c17", "glance", Facts)!.Entries);
    }

    [Fact]
    public void Explain_names_winner_losers_author_and_who_uses_it()
    {
        Explanation explained = _fleet.Explain("c17", "nova", "DEFAULT/rabbit_host", Facts)!;
        Assert.Equal("mq.eu.example", explained.Result.Value!.AsString);
        Assert.Equal([("region=eu", EntryFate.Wins), ("*", EntryFate.Hidden)], explained.Entries.Select(e => (e.Scope, e.Fate)));
        Assert.Equal(("amy", "test"), (explained.Entries[0].Note!.Author, explained.Entries[0].Note!.Reason));
        Assert.Equal([new KeyAddress("nova", "DEFAULT/transport_url")], explained.UsedBy);
    }

    [Fact]
    public void A_plan_counts_nodes_keys_and_restarts_through_references()
    {
        Plan plan = _fleet.Plan(Set("region=eu", "DEFAULT/rabbit_host", "mq2.eu.example"));
        Assert.False(plan.HasErrors);
        Assert.Equal(["nova DEFAULT/rabbit_host", "nova DEFAULT/transport_url"], plan.Impact!.Keys.Select(k => k.ToString()));
        Assert.Equal("changes 43 of 44 nodes, 2 keys, 43 restarts", plan.Impact.ToString());
        Plan live = _fleet.Plan(new EntryEdit("nova", ScopeOf("*"), "DEFAULT/debug", Entry.Set(Value.False)));
        Assert.Equal((43, 0), (live.Impact!.Nodes.Length, live.Impact.Restarts));
        Assert.Equal(["c17"], live.Impact.Masked);
    }

    [Fact]
    public void A_host_that_leaves_its_uniform_group_is_refused_with_both_values_and_their_nodes()
    {
        ConfigProblem problem = Only(_fleet.Plan(Set("host=c18", "DEFAULT/instances_path", "/data/vm")), ProblemCodes.Uniform);
        Assert.Contains("within aggregate=ssd", problem.Message);
        Assert.Contains("\"/srv/ssd/instances\" on 42", problem.Message);
        Assert.Contains("\"/data/vm\" on 1 (c18) from host=c18", problem.Message);
        Assert.Equal(["c18"], problem.Nodes);
        Assert.False(_fleet.Plan(Set("aggregate=ssd", "DEFAULT/instances_path", "/data/vm")).HasErrors);
    }

    [Fact]
    public void A_uniform_key_may_not_break_because_a_node_moves_or_a_fact_differs()
    {
        Fleet fleet = _fleet.Published(Set("hardware=dl999", "DEFAULT/instances_path", "/x"), Set("role=odd", "DEFAULT/instances_path", "/y"));
        Plan plan = fleet.Plan(new NodeEdit("c01", Assignment.Of(new ScopePair("aggregate", "ssd"), new ScopePair("role", "odd"))));
        Assert.Equal(["c01"], Only(plan, ProblemCodes.Uniform).Nodes);
        Assert.True(fleet.Plan(Set("aggregate=ssd", "DEFAULT/instances_path", "/%{fact:mgmt_ip}")).HasErrors);
    }

    [Fact]
    public void Two_aggregates_that_disagree_are_refused_until_a_weight_decides()
    {
        Edit[] edits =
        [
            new NodeEdit("c01", Assignment.Of(new ScopePair("aggregate", "ssd"), new ScopePair("aggregate", "gpu"), new ScopePair("region", "eu"))),
            Set("aggregate=gpu", "DEFAULT/cpu_mode", "host-passthrough"),
            Set("aggregate=ssd", "DEFAULT/cpu_mode", "host-model"),
        ];
        ConfigProblem problem = Only(_fleet.Plan(edits), ProblemCodes.Ambiguous);
        Assert.Equal(["c01"], problem.Nodes);
        Assert.Contains("aggregate=gpu and aggregate=ssd different weights", problem.Message);
        Assert.Contains("\"host-model\" at aggregate=ssd", problem.Message);

        Fleet fleet = _fleet.Published([.. edits, new WeightEdit("aggregate", "gpu", 10)]);
        Assert.Equal("host-passthrough", fleet.EffectiveKey("c01", "nova", "DEFAULT/cpu_mode", Facts).Value!.AsString);
        Assert.True(fleet.Plan(new WeightEdit("aggregate", "gpu", null)).HasErrors);
        Assert.False(_fleet.Plan([.. edits, Set("host=c01", "DEFAULT/cpu_mode", "none")]).HasErrors);
        Assert.False(_fleet.Plan([edits[0], edits[1], Set("aggregate=ssd", "DEFAULT/cpu_mode", "host-passthrough")]).HasErrors);
    }

    [Fact]
    public void A_final_value_is_refused_while_somebody_overrides_it_and_then_cannot_be()
    {
        ConfigProblem problem = Only(_fleet.Plan(Final("*", "DEFAULT/rabbit_host", "mq")), ProblemCodes.Final);
        Assert.Equal(43, problem.Nodes.Length);
        Assert.Contains("set \"mq.eu.example\" at region=eu", problem.Message);
        Fleet fleet = _fleet.Published(Final("*", "DEFAULT/rabbit_host", "mq"), new EntryEdit("nova", ScopeOf("region=eu"), "DEFAULT/rabbit_host", null));
        Assert.Equal(["c05"], Only(fleet.Plan(Set("host=c05", "DEFAULT/rabbit_host", "own")), ProblemCodes.Final).Nodes);
    }

    [Fact]
    public void Values_that_do_not_keep_to_their_schema_are_refused_where_they_are_written_and_where_they_arise()
    {
        Assert.Contains("above the maximum 65535", Only(_fleet.Plan(Set("*", "DEFAULT/rabbit_port", 70000)), ProblemCodes.Schema).Message);
        Assert.Contains("of type string", Only(_fleet.Plan(Set("*", "DEFAULT/rabbit_port", "5672")), ProblemCodes.Schema).Message);
        ConfigProblem arisen = Only(_fleet.Plan(Set("host=c03", "DEFAULT/rabbit_port", "%{key:DEFAULT/rabbit_host}")), ProblemCodes.Schema);
        Assert.Equal(["c03"], arisen.Nodes);
        Assert.Contains("append needs a schema that merges", Only(_fleet.Plan(Append("*", "DEFAULT/my_ip", "x")), ProblemCodes.Schema).Message);
        Assert.All(_fleet.Plan(new SchemaEdit("nova", "pci/device_spec", null)).Problems, p => Assert.Contains("says replace", p.Message));
        Assert.Contains("required", Only(_fleet.Plan(new SchemaEdit("nova", "api/auth", new() { Required = true })), ProblemCodes.Schema).Message);
        Assert.Contains("pattern", Only(_fleet.Plan(new SchemaEdit("nova", "x", new() { Pattern = @"(a)\1" })), ProblemCodes.Schema).Message);
    }

    [Fact]
    public void References_that_lead_nowhere_or_in_a_circle_are_refused()
    {
        Assert.Equal(44, Only(_fleet.Plan(Set("*", "a", "%{key:nothing}")), ProblemCodes.Reference).Nodes.Length);
        Assert.Contains("Break the circle", _fleet.Plan(Set("*", "a", "%{key:b}"), Set("*", "b", "%{doc:nova/a}")).Problems[0].Message);
        Assert.Equal(["nova DEFAULT/transport_url"], _fleet.Plan(new EntryEdit("nova", Scope.Everything, "DEFAULT/rabbit_port", null)).Problems.Where(p => p.IsError).Select(p => $"{p.Document} {p.Key}"));
        Assert.Contains("is no reference", Only(_fleet.Plan(Set("*", "a", "%{nonsense}")), ProblemCodes.Reference).Message);
        Edit[] chain = [.. Enumerable.Range(0, 20).Select(i => Set("*", $"k{i}", $"%{{key:k{i + 1}}}")), Set("*", "k20", "end")];
        Assert.Contains(_fleet.Plan(chain).Problems, p => p.Code == ProblemCodes.Reference && p.Message.Contains("more than 16"));
        Assert.False(_fleet.Plan([.. chain.Skip(6)]).HasErrors);
        Assert.True(_fleet.Plan(new NodeEdit("ctl1", null)).HasErrors);   // api_servers names it
    }

    [Fact]
    public void A_missing_fact_is_a_warning_for_the_plan_and_a_problem_of_the_document()
    {
        Plan plan = _fleet.Plan(Set("host=c09", "DEFAULT/rack", "%{fact:rack}"));
        Assert.False(plan.HasErrors);
        Assert.Equal(ProblemCodes.FactMissing, Assert.Single(plan.Problems).Code);
        Assert.Equal("DEFAULT/rack", Assert.Single(_fleet.Published(Set("host=c09", "DEFAULT/rack", "%{fact:rack}")).Effective("c09", "nova", Facts)!.Problems).Key);
    }

    [Fact]
    public void A_change_made_for_an_older_release_is_refused_when_the_document_moved()
    {
        Fleet moved = _fleet.Published(Set("*", "DEFAULT/x", "1"));
        var late = new Change(_fleet.State.Release, [Set("*", "DEFAULT/y", "2")]);
        Assert.Contains("release 2 by amy has changed nova since", moved.Plan(late, new ReleaseNote()).Problems[0].Message);
        Assert.False(moved.Publish(new(late, new ReleaseNote(), CheckedAt: 1)).IsPublished);
        var other = new Change(_fleet.State.Release, [new EntryEdit("glance", Scope.Everything, "a", Entry.Set(Value.Of("1")))]);
        Assert.True(moved.Publish(new(other, new ReleaseNote(), CheckedAt: 1)).IsPublished);
    }

    [Fact]
    public void One_release_is_taken_back_alone_unless_a_later_one_wrote_over_it()
    {
        Fleet fleet = _fleet.Published(Set("*", "DEFAULT/a", "1")).Published(Set("*", "DEFAULT/b", "1")).Published(Set("*", "DEFAULT/b", "2"));
        Assert.True(fleet.State.TryRevert(2, out Change? change, out _));
        Fleet reverted = fleet.Published([.. change!.Edits]);
        Assert.Equal((null, "2"), (reverted.EffectiveKey("c01", "nova", "DEFAULT/a", Facts).Value?.AsString, reverted.EffectiveKey("c01", "nova", "DEFAULT/b", Facts).Value?.AsString));
        Assert.False(fleet.State.TryRevert(3, out _, out ConfigProblem? problem));
        Assert.Contains("Release 4 has changed", problem!.Message);
        var difference = fleet.State.Diff(1, 4)!.Value;
        Assert.Equal(["DEFAULT/a", "DEFAULT/b"], difference.Select(d => ((EntryEdit)d.After).Key));
        Assert.All(difference, d => Assert.Null(((EntryEdit)d.Before).Entry));
        Assert.Equal("2", ((EntryEdit)difference[1].After).Entry!.Value.AsString);
    }

    [Fact]
    public void Compare_search_and_criteria_answer_without_a_release()
    {
        Assert.Equal(["DEFAULT/debug", "DEFAULT/my_ip"], _fleet.Compare("c17", "c18", "nova", _ => true, Facts)!.Value.Select(d => d.Key));
        Assert.Empty(_fleet.Compare("c17", "c18", "nova", k => k.StartsWith("pci/", StringComparison.Ordinal), Facts)!.Value);
        Assert.Equal(["*", "region=eu"], _fleet.Search("rabbit_host").Where(f => f.Key == "DEFAULT/rabbit_host").Select(f => f.Scope));
        EffectiveDocument thought = _fleet.EffectiveAs(Assignment.Of(new ScopePair("region", "eu"), new ScopePair("aggregate", "ssd")), "nova", Facts);
        Assert.Equal("mq.eu.example", thought.Find("DEFAULT/rabbit_host")!.Value.AsString);
        Assert.Equal("role=compute;region=eu", _fleet.State.Dimensions.TextOf(ScopeOf("region=eu;role=compute")));
    }

    [Fact]
    public void Names_and_sizes_beyond_the_bounds_are_refused()
    {
        Assert.Equal(ProblemCodes.Name, Assert.Single(_fleet.Plan(Set("planet=mars", "a", "1")).Problems).Code);
        Assert.Equal(ProblemCodes.Name, Assert.Single(_fleet.Plan(new NodeEdit("a/b", Assignment.None)).Problems).Code);
        Assert.Equal(ProblemCodes.Name, Assert.Single(_fleet.Plan(new NodeEdit("n", Assignment.Of(new ScopePair("role", "a"), new ScopePair("role", "b")))).Problems).Code);
        Assert.Equal(ProblemCodes.Name, Assert.Single(_fleet.Plan(new NodeEdit("n", Assignment.Of(new ScopePair("host", "m")))).Problems).Code);
        Assert.Equal(ProblemCodes.Limit, _fleet.Plan(Set("*", "a", new string('x', Limits.ValueBytesMax))).Problems[0].Code);
        Assert.Equal(ProblemCodes.Name, Assert.Single(_fleet.Plan(new DimensionsEdit([new("host")], "host")).Problems.Take(1)).Code);
        Assert.Contains(_fleet.Plan(Set("*", "default/rabbit_host", "x")).Problems, p => p.Code == ProblemCodes.Case);
    }

    [Fact]
    public void No_message_tells_a_secret()
    {
        Fleet fleet = _fleet.Published(new SchemaEdit("nova", "DEFAULT/password", new() { Type = KeyType.String, Secret = true, LengthMax = 20, Uniform = "region" }), Set("*", "DEFAULT/password", "hunter2"));
        Plan[] plans =
        [
            fleet.Plan(Set("*", "DEFAULT/password", "hunter2-hunter2-hunter2-hunter2")),
            fleet.Plan(new EntryEdit("nova", Scope.Everything, "DEFAULT/password", Entry.Set(Value.ListOf(Value.Of("hunter2"))))),
            fleet.Plan(Set("host=c01", "DEFAULT/password", "hunter2-too")),
            fleet.Plan(Final("*", "DEFAULT/password", "hunter2"), Set("host=c01", "DEFAULT/password", "hunter2")),
        ];
        Assert.All(plans, plan =>
        {
            Assert.True(plan.HasErrors);
            Assert.All(plan.Problems, p => Assert.DoesNotContain("hunter2", p.Message));
        });
        Assert.Empty(fleet.Search("hunter2"));
    }

    [Fact]
    public void A_small_pattern_cannot_become_a_large_machine()
    {
        // A refusal, or an answer: what must not happen is that this line takes all memory or does not come back.
        Assert.NotNull(SchemaChecks.Problem(new KeySchema { Pattern = "((a{1000}){1000}){1000}" }));
        KeySchema plain = new() { Type = KeyType.String, Pattern = "(a|a)*b{1,200}" };
        Assert.Null(SchemaChecks.Problem(plain));
        Assert.NotNull(SchemaChecks.Problem(plain, Value.Of(new string('a', 5000))));
        Assert.Null(SchemaChecks.Problem(plain, Value.Of("aaab")));
        Assert.NotNull(SchemaChecks.Problem(plain, Value.Of("xaaab")));
    }

    private static ConfigProblem Only(Plan plan, string code)
    {
        ConfigProblem problem = Assert.Single(plan.Problems, p => p.IsError);
        Assert.Equal(code, problem.Code);
        return problem;
    }
}
