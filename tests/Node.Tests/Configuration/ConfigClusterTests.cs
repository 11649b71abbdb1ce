using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Configuration;

public class ConfigClusterTests
{
    [Fact]
    public async Task What_is_published_at_one_member_is_the_same_at_all_of_them()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        await cluster.Node("n1").AddNodesAsync(("c1", "compute"), ("c2", "control"));
        await cluster.Node("n2").PublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "debug", false), ConfigCalls.Set("nova", "debug", true, "role=compute"), ConfigCalls.Set("nova", "url", "http://%{key:host}/"), ConfigCalls.Set("nova", "host", "a") } });
        long last = await cluster.Node("n3").SetAsync("nova", "host", "b", "host=c2");

        string[] first = [], second = [];
        foreach (string name in (string[])["n1", "n2", "n3"])
        {
            first = [.. first, await cluster.Node(name).DocumentAsync("c1", "nova", minRelease: last)];
            second = [.. second, await cluster.Node(name).DocumentAsync("c2", "nova", minRelease: last)];
        }

        Assert.Single(first.Distinct());
        Assert.Single(second.Distinct());
        Assert.StartsWith($"r{last} ", first[0], StringComparison.Ordinal);
        Assert.Contains("debug=true@role=compute", first[0], StringComparison.Ordinal);
        Assert.Contains("url=\"http://a/\"@*", first[0], StringComparison.Ordinal);
        Assert.Contains("debug=false@*", second[0], StringComparison.Ordinal);
        Assert.Contains("url=\"http://b/\"@*", second[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_member_that_was_away_and_one_that_starts_again_have_what_the_others_have()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        await cluster.Node("n1").AddNodesAsync(("c1", "compute"));
        await cluster.StopAsync("n3");
        for (int i = 0; i < 5; i++) await cluster.Node("n1").SetAsync("nova", "n", i);
        await cluster.StartAsync("n3");
        long last = await cluster.Node("n2").SetAsync("nova", "n", 5);
        await cluster.StopAsync("n2");
        await cluster.StartAsync("n2");
        string expected = await cluster.Node("n1").DocumentAsync("c1", "nova", minRelease: last);
        Assert.Equal(expected, await cluster.Node("n3").DocumentAsync("c1", "nova", minRelease: last));
        Assert.Equal(expected, await cluster.Node("n2").DocumentAsync("c1", "nova", minRelease: last));
    }

    [Fact]
    public async Task A_member_that_needs_a_snapshot_has_what_the_others_have()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        foreach (string name in (string[])["n1", "n2", "n3"])
        {
            await cluster.StopAsync(name);
            cluster.Reconfigure(name, o => o with { SnapshotCount = 50 });
            await cluster.StartAsync(name);
        }

        await TestNode.EventuallyAsync("published", async () => (await cluster.Node("n1").TryPublishAsync(new { nodes = new[] { new { node = "c1" } } })).Status == HttpStatusCode.OK);
        await cluster.StopAsync("n3");
        for (int i = 0; i < 150; i++) await cluster.Node("n1").PutAsync("filler", $"{i}");
        await cluster.Node("n1").SetAsync("nova", "n", "late");
        for (int i = 0; i < 150; i++) await cluster.Node("n2").PutAsync("filler", $"{i}");
        await cluster.StartAsync("n3");
        await TestNode.EventuallyAsync("n3 has the release", async () => (await cluster.Node("n3").PostAsync("/v1/config/get", new { subject = new { node = "c1" }, document = "nova", min_release = 2 })).Status == HttpStatusCode.OK);
        Assert.Equal(await cluster.Node("n1").DocumentAsync("c1", "nova"), await cluster.Node("n3").DocumentAsync("c1", "nova"));
    }

    [Fact]
    public async Task Of_publishers_on_one_document_one_wins_and_on_different_documents_all_do()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        TestNode[] nodes = [cluster.Node("n1"), cluster.Node("n2"), cluster.Node("n3")];
        long on = await nodes[0].AddNodesAsync(("c1", "compute"));
        for (int round = 0; round < 5; round++)
        {
            long seen = on;
            (HttpStatusCode Status, JsonElement Body)[] same = await Task.WhenAll(nodes.Select((n, i) => n.TryPublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "k", $"{seen}-{i}") } }, seen)));
            Assert.Single(same, r => r.Status == HttpStatusCode.OK);
            Assert.All(same.Where(r => r.Status != HttpStatusCode.OK), r => Assert.Contains("E_CONFLICT", ConfigCalls.MessageOf(r.Body), StringComparison.Ordinal));
            on = ConfigCalls.Number(same.Single(r => r.Status == HttpStatusCode.OK).Body, "release");

            seen = on;
            long[] apart = await Task.WhenAll(nodes.Select((n, i) => n.PublishAsync(new { entries = new[] { ConfigCalls.Set($"doc{i}", "k", seen) } }, seen)));
            Assert.Equal([seen + 1, seen + 2, seen + 3], apart.Order());
            on = apart.Max();
        }
    }

    [Fact]
    public async Task A_publish_is_carried_out_once_however_often_it_is_sent_and_whoever_leads()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        await cluster.Any().AddNodesAsync(("c1", "compute"));
        string leader = await cluster.LeaderAsync();
        TestNode follower = cluster.Other(leader);
        byte[] request = RandomNumberGenerator.GetBytes(16);
        object change = new { entries = new[] { ConfigCalls.Set("nova", "k", "once") } };
        Task<(HttpStatusCode Status, JsonElement Body)> lost = follower.TryPublishAsync(change, request: request);   // its answer may come, or not
        await cluster.StopAsync(leader);
        await lost;
        (HttpStatusCode Status, JsonElement Body) answer = default;
        await TestNode.EventuallyAsync("the repeat is answered", async () => (answer = await follower.TryPublishAsync(change, request: request)).Status == HttpStatusCode.OK);
        long release = ConfigCalls.Number(answer.Body, "release");
        Assert.Equal(release, await cluster.Other(leader).PublishAsync(change, request: request));
        JsonElement log = await follower.AskAsync("releases", new { document = "nova" });
        Assert.Equal([release], ConfigCalls.List(log, "releases").Select(r => ConfigCalls.Number(r, "release")));
    }

    [Fact]
    public async Task A_watcher_sees_whole_releases_in_order_through_the_loss_of_a_leader()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        await cluster.Any().AddNodesAsync(("c1", "compute"));
        await cluster.Any().PublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "a", 0), ConfigCalls.Set("nova", "b", 0) } });
        string leader = await cluster.LeaderAsync();
        TestNode follower = cluster.Other(leader);
        await using WatchedNode watched = await WatchedNode.StartAsync(follower, "c1", "nova");
        await watched.NextAsync();
        Assert.True(watched.WasWhole);

        const int releases = 30;
        Task writing = Task.Run(async () =>
        {
            for (int i = 1; i <= releases; i++)
            {
                byte[] request = RandomNumberGenerator.GetBytes(16);
                object change = new { entries = new[] { ConfigCalls.Set("nova", "a", i), ConfigCalls.Set("nova", "b", i) } };
                if (i == releases / 2) await cluster.StopAsync(leader);
                await TestNode.EventuallyAsync("published", async () => (await follower.TryPublishAsync(change, request: request)).Status == HttpStatusCode.OK);
                await follower.SetAsync("other", "k", i);   // nothing of this node's document
            }
        }, TestContext.Current.CancellationToken);
        long before = watched.Release;
        while (watched.Values["a"] != $"{releases}")
        {
            await watched.NextAsync();
            Assert.False(watched.WasWhole);
            Assert.Equal(watched.Values["a"], watched.Values["b"]);
            Assert.True(watched.Release > before, "a message without anything new");
            before = watched.Release;
        }

        await writing;
        JsonElement now = await follower.AskAsync("get", new { subject = new { node = "c1" }, document = "nova" });
        Assert.Equal(now.GetProperty("hash").GetString(), watched.Hash);
        Assert.True(watched.Messages <= releases + 1);
    }

    [Fact]
    public async Task A_watcher_that_comes_back_gets_what_changed()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        TestNode node = cluster.Any();
        await node.AddNodesAsync(("c1", "compute"));
        await node.PublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "a", 1), ConfigCalls.Set("nova", "b", 1) } });
        long seen;
        string hash;
        await using (WatchedNode first = await WatchedNode.StartAsync(node, "c1", "nova"))
        {
            await first.NextAsync();
            (seen, hash) = (first.Release, first.Hash);
        }

        await node.PublishAsync(new { entries = new object[] { ConfigCalls.Set("nova", "a", 2), new { document = "nova", scope = "*", key = "b" } } });
        await using WatchedNode again = await WatchedNode.StartAsync(node, "c1", "nova", seen, hash);
        again.Values["b"] = "1";
        await again.NextAsync();
        Assert.False(again.WasWhole);
        Assert.Equal(["a=2"], again.Values.Select(v => $"{v.Key}={v.Value}"));

        await using WatchedNode stranger = await WatchedNode.StartAsync(node, "c1", "nova", seen, Convert.ToBase64String(new byte[32]));
        await stranger.NextAsync();
        Assert.True(stranger.WasWhole);
    }
}
