using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Configuration;

public class RolloutTests
{
    private static readonly string[] Hosts = ["c1", "c2", "c3", "c4"];

    private static async Task<MemberCluster> StartAsync(int members)
    {
        MemberCluster cluster = await MemberCluster.StartAsync(members);
        await cluster.Any().AddNodesAsync([.. Hosts.Select(h => (h, "compute"))]);
        await cluster.Any().SetAsync("nova", "k", 1);
        return cluster;
    }

    [Fact]
    public async Task A_canary_goes_through_when_all_agents_acknowledge_it()
    {
        await using MemberCluster cluster = await StartAsync(1);
        TestNode node = cluster.Any();
        var events = new ConcurrentQueue<string>();
        FakeAgent[] agents = [.. Hosts.Select(h => FakeAgent.Start([node], h, "nova"))];
        foreach (FakeAgent agent in agents) agent.Happened = (host, what, version) => events.Enqueue($"{host} {what} {version.Values["k"]}");
        await TestNode.EventuallyAsync("agents have the first version", () => Task.FromResult(agents.All(a => a.Value("k") == "1")));
        long release = await node.RollOutAsync("1 node 200ms, 50% 100ms, 100%", RolloutCalls.Sets("nova", "k", 2));
        JsonElement rollout = await node.BecomesAsync(release, "done");
        await TestNode.EventuallyAsync("all have it", () => Task.FromResult(agents.All(a => a.Value("k") == "2")));
        foreach (FakeAgent agent in agents) await agent.DisposeAsync();

        Assert.Equal(["4", "4"], ConfigCalls.List(rollout, "progress").Skip(2).SelectMany(p => (string[])[p.GetProperty("nodes").GetString()!, p.GetProperty("acknowledged").GetString()!]));
        string[] seen = [.. events.Where(e => e.EndsWith(" 2", StringComparison.Ordinal))];
        string canary = seen[0].Split(' ')[0];
        Assert.Equal([$"{canary} got 2", $"{canary} applied 2"], seen[..2]);   // nobody else before it had said so
        Assert.All(agents, a => Assert.Equal(["1", "2"], a.Got.Select(g => g.Values["k"])));
        Assert.All(agents, a => Assert.Equal(release, a.Got.Last().Release));
        Assert.Null(await node.GetAsync($"/conclave/default/b/{release:x16}"));
    }

    [Fact]
    public async Task A_release_that_no_agent_uses_is_paused_and_one_that_changes_no_node_is_done_and_both_say_why()
    {
        await using MemberCluster cluster = await StartAsync(1);
        TestNode node = cluster.Any();
        await node.SetAsync("glance", "k", 1);
        FakeAgent[] agents = [.. Hosts.Select(h => FakeAgent.Start([node], h, "glance"))];
        await TestNode.EventuallyAsync("all have reported", async () => ConfigCalls.List(await node.AskAsync("fleet", new { state = "current" }), "nodes").Length == Hosts.Length);
        long release = await node.RollOutAsync("1 node 1s, 100%", RolloutCalls.Sets("nova", "k", 2), silenceMs: 200);
        JsonElement paused = await node.BecomesAsync(release, "paused");
        Assert.Contains("it changes 4 nodes, and no agent says that it uses nova", paused.GetProperty("reason").GetString()!, StringComparison.Ordinal);
        Assert.Equal(["1", "1", "1", "1"], await node.ValuesAsync(Hosts, "nova", "k"));   // nobody got it unseen
        await node.SteerAsync(release, "abort");

        long unseen = await node.RollOutAsync("1 node 10ms, 100%", RolloutCalls.Sets("nova", "k", 2, "role=storage"));
        JsonElement done = await node.BecomesAsync(unseen, "done");
        Assert.Equal("nobody had to acknowledge it: it changes the documents of no node", done.GetProperty("reason").GetString());
        foreach (FakeAgent agent in agents) await agent.DisposeAsync();
    }

    [Fact]
    public async Task A_failed_acknowledgement_takes_the_release_back_and_only_the_canary_ever_had_it()
    {
        await using MemberCluster cluster = await StartAsync(1);
        TestNode node = cluster.Any();
        FakeAgent[] agents = [.. Hosts.Select(h => FakeAgent.Start([node], h, "nova"))];
        foreach (FakeAgent agent in agents) agent.Judge = version => version.Values["k"] == "2" ? "failed" : "applied";
        await TestNode.EventuallyAsync("agents have the first version", () => Task.FromResult(agents.All(a => a.Value("k") == "1")));
        long release = await node.RollOutAsync("1 node 1m, 100%", RolloutCalls.Sets("nova", "k", 2));
        JsonElement rollout = await node.BecomesAsync(release, "reverted");
        await TestNode.EventuallyAsync("the canary has the old value", () => Task.FromResult(agents.All(a => a.Value("k") == "1")));
        foreach (FakeAgent agent in agents) await agent.DisposeAsync();

        Assert.Equal(release + 1, ConfigCalls.Number(rollout, "reverted_by"));
        string[] failed = [.. ConfigCalls.List(rollout, "failed").Select(f => f.GetString()!)];
        Assert.EndsWith(": it would not start", Assert.Single(failed), StringComparison.Ordinal);
        Assert.Contains(failed[0], rollout.GetProperty("reason").GetString()!, StringComparison.Ordinal);
        Assert.Equal(1, agents.Count(a => a.Got.Any(g => g.Values["k"] == "2")));
        Assert.Equal(["1", "1", "1", "1"], await node.ValuesAsync(Hosts, "nova", "k"));
        JsonElement log = ConfigCalls.List(await node.AskAsync("releases", new { limit = 1 }), "releases").Single();
        Assert.StartsWith($"takes r{release} back: ", log.GetProperty("reason").GetString()!, StringComparison.Ordinal);
        await node.SetAsync("nova", "k", 3);   // the document is free again
    }

    [Fact]
    public async Task Silence_pauses_it_and_it_goes_on_when_somebody_resumes_it_and_the_agents_speak()
    {
        await using MemberCluster cluster = await StartAsync(1);
        TestNode node = cluster.Any();
        long release = await node.RollOutAsync("50%, 100%", RolloutCalls.Sets("nova", "k", 2), silenceMs: 300);
        JsonElement paused = await node.BecomesAsync(release, "paused");
        Assert.Contains("2 of 2 nodes have not acknowledged it", paused.GetProperty("reason").GetString()!, StringComparison.Ordinal);
        Assert.Equal(["2"], ConfigCalls.List(paused, "progress").Select(p => p.GetProperty("silent").GetString()));
        Assert.Equal(2, (await node.ValuesAsync(Hosts, "nova", "k")).Count(v => v == "2"));   // those that have it keep it

        FakeAgent[] agents = [.. Hosts.Select(h => FakeAgent.Start([node], h, "nova"))];
        await TestNode.EventuallyAsync("all have reported", async () => ConfigCalls.List(await node.RolloutAsync(release), "progress").All(p => ConfigCalls.Number(p, "acknowledged") == 2));
        Assert.Equal("paused", await node.StateAsync(release));   // nobody said that it may go on
        Assert.Equal("running", (await node.SteerAsync(release, "resume")).GetProperty("state").GetString());
        await TestNode.EventuallyAsync("it is done", async () =>
        {
            string state = await node.StateAsync(release);
            if (state == "paused") await node.TrySteerAsync(release, "resume");   // on a busy machine the agents of the next stage may need longer than 0.3 s
            return state == "done";
        });
        foreach (FakeAgent agent in agents) await agent.DisposeAsync();
    }

    [Fact]
    public async Task A_rollout_is_paused_advanced_and_aborted_by_hand()
    {
        await using MemberCluster cluster = await StartAsync(1);
        TestNode node = cluster.Any();
        long release = await node.RollOutAsync("1 node 1m, 3 nodes 1m, 100% 1m", RolloutCalls.Sets("nova", "k", 2));
        string[] first = await node.ValuesAsync(Hosts, "nova", "k");
        Assert.Equal(1, first.Count(v => v == "2"));
        JsonElement paused = await node.SteerAsync(release, "pause");
        Assert.Equal(("paused", "by tester: the test says so"), (paused.GetProperty("state").GetString(), paused.GetProperty("reason").GetString()));
        Assert.Equal("running", (await node.SteerAsync(release, "advance")).GetProperty("state").GetString());
        string[] second = await node.ValuesAsync(Hosts, "nova", "k");
        Assert.Equal(3, second.Count(v => v == "2"));
        Assert.All(first.Zip(second), pair => Assert.True(pair.First == "1" || pair.Second == "2"));
        Assert.Equal(HttpStatusCode.BadRequest, (await node.PostAsync("/v1/config/steerrollout", new { release, action = "abort" })).Status);   // no reason
        Assert.Equal(HttpStatusCode.BadRequest, (await node.TrySteerAsync(release, "explode")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await node.TrySteerAsync(release + 100, "pause")).Status);

        long other = await node.SetAsync("glance", "k", 7);   // other documents go on, and stay when this one is taken back
        JsonElement aborted = await node.SteerAsync(release, "abort");
        Assert.Equal(("aborted", other + 1), (aborted.GetProperty("state").GetString(), ConfigCalls.Number(aborted, "reverted_by")));
        Assert.Equal(["1", "1", "1", "1"], await node.ValuesAsync(Hosts, "nova", "k"));
        Assert.Equal("7", await node.ValueAsync("c1", "glance", "k"));
        (HttpStatusCode status, JsonElement body) = await node.TrySteerAsync(release, "advance");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("has ended: it is aborted", ConfigCalls.MessageOf(body), StringComparison.Ordinal);

        long again = await node.RollOutAsync("1 node 1m, 100% 1m", RolloutCalls.Sets("nova", "k", 3));
        await node.SteerAsync(again, "advance");
        Assert.Equal("done", (await node.SteerAsync(again, "advance")).GetProperty("state").GetString());
        Assert.Equal(["3", "3", "3", "3"], await node.ValuesAsync(Hosts, "nova", "k"));
        Assert.Equal([again, release], ConfigCalls.List(await node.AskAsync("rollouts", new { }), "rollouts").Select(r => ConfigCalls.Number(r, "release")));
    }

    [Fact]
    public async Task A_rollout_goes_on_when_the_leader_stops_in_the_middle()
    {
        await using MemberCluster cluster = await StartAsync(3);
        string leader = await cluster.LeaderAsync();
        TestNode follower = cluster.Other(leader);
        FakeAgent[] agents = [.. Hosts.Select((h, i) => FakeAgent.Start(i % 2 == 0 ? [follower, cluster.Node(leader)] : [cluster.Node(leader), follower], h, "nova"))];
        await TestNode.EventuallyAsync("agents have the first version", () => Task.FromResult(agents.All(a => a.Value("k") == "1")));
        long release = await follower.RollOutAsync("1 node 1s, 2 nodes 1s, 100%", RolloutCalls.Sets("nova", "k", 2));
        await TestNode.EventuallyAsync("the canary has it", () => Task.FromResult(agents.Any(a => a.Value("k") == "2")));
        await cluster.StopAsync(leader);
        JsonElement rollout = await follower.BecomesAsync(release, "done");
        Assert.Equal(3, ConfigCalls.List(rollout, "progress").Length);
        await TestNode.EventuallyAsync("all have it", () => Task.FromResult(agents.All(a => a.Value("k") == "2")));
        foreach (FakeAgent agent in agents) await agent.DisposeAsync();
        Assert.All(agents, a => Assert.Equal(["1", "2"], a.Got.Select(g => g.Values["k"]).Distinct()));   // never back to 1
        Assert.All(agents, a => Assert.Equal(a.Got.Select(g => g.Values["k"]).Order(), a.Got.Select(g => g.Values["k"])));
    }

    [Fact]
    public async Task Every_member_and_one_that_starts_again_agrees_on_what_each_node_has()
    {
        await using MemberCluster cluster = await StartAsync(3);
        long release = await cluster.Any().RollOutAsync("50% 1m, 100%", RolloutCalls.Sets("nova", "k", 2));
        string[] expected = await cluster.Any().ValuesAsync(Hosts, "nova", "k");
        Assert.Equal(2, expected.Count(v => v == "2"));
        await cluster.StopAsync("n3");
        await cluster.StartAsync("n3");
        foreach (string member in (string[])["n1", "n2", "n3"])
        {
            TestNode node = cluster.Node(member);
            await TestNode.EventuallyAsync("it knows of the rollout", async () => (await node.PostAsync("/v1/config/rollouts", new { release })).Status == HttpStatusCode.OK);
            Assert.Equal(expected, await node.ValuesAsync(Hosts, "nova", "k"));
        }

        // Who asks for a release gets that release.
        JsonElement at = await cluster.Any().AskAsync("get", new { subject = new { node = Hosts[Array.IndexOf(expected, "1")] }, document = "nova", at = new { release } });
        Assert.Equal("2", ConfigCalls.List(at, "items").Single().GetProperty("value").GetString());
    }
}
