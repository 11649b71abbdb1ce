using Conclave.Client;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Configuration;

public class LiveTests
{
    private static ConclaveClient ClientOf(params TestNode[] nodes) => new(new ConclaveClientOptions { Endpoints = [.. nodes.Select(n => n.Options.ListenClientUrls[0].ToString())] });

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Members_come_into_documents_and_leave_them_at_every_member()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        await cluster.Node("n1").AddNodesAsync(("c1", "compute"));
        await cluster.Node("n1").PublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "hosts", "%{live:mq}"), ConfigCalls.Set("nova", "line", "mq://%{live:mq|nobody}/"), ConfigCalls.Set("nova", "first", "%{live:mq#/0|none}") } });
        await cluster.Node("n2").DocumentAsync("c1", "nova");
        await using WatchedNode watched = await WatchedNode.StartAsync(cluster.Node("n2"), "c1", "nova");
        await watched.NextAsync();
        Assert.Equal(("[]", "\"mq://nobody/\"", "\"none\""), (watched.Values["hosts"], watched.Values["line"], watched.Values["first"]));

        await using ConclaveClient client = ClientOf(cluster.Node("n1"), cluster.Node("n3"));
        LiveRegistration first = await client.RegisterAsync("mq", "b", "mq-b", TimeSpan.FromSeconds(5), cancellationToken: Cancelled);
        await using LiveRegistration second = await client.RegisterAsync("mq", "a", "{\"address\":\"mq-a\"}", TimeSpan.FromSeconds(5), cancellationToken: Cancelled);
        while (watched.Values["hosts"] != "[\"mq-a\",\"mq-b\"]") await watched.NextAsync();
        Assert.Equal(("\"mq://mq-a,mq-b/\"", "\"mq-a\""), (watched.Values["line"], watched.Values["first"]));
        await first.DisposeAsync();
        while (watched.Values["hosts"] != "[\"mq-a\"]") await watched.NextAsync();
        Assert.True(second.IsAlive);
        await TestNode.EventuallyAsync("n3 knows, too", async () => await cluster.Node("n3").ValueAsync("c1", "nova", "hosts") == "[\"mq-a\"]");
    }

    [Fact]
    public async Task A_member_that_dies_leaves_the_documents_when_its_lease_ends()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        TestNode node = cluster.Any();
        await node.AddNodesAsync(("c1", "compute"));
        await node.SetAsync("nova", "hosts", "%{live:mq}");
        await using ConclaveClient client = ClientOf(node);
        Lease lease = await client.Leases.GrantAsync(TimeSpan.FromSeconds(5), cancellationToken: Cancelled);   // nobody renews it; long enough to be seen
        await client.PutAsync("conclave-live/default/mq/a", "mq-a", new PutOptions { LeaseId = lease.Id }, Cancelled);
        await TestNode.EventuallyAsync("it came", async () => await node.ValueAsync("c1", "nova", "hosts") == "[\"mq-a\"]");
        await TestNode.EventuallyAsync("it left", async () => await node.ValueAsync("c1", "nova", "hosts") == "[]");
    }

    /// <summary>None of these names the keys that it takes.</summary>
    [Fact]
    public async Task Members_leave_the_documents_when_a_transaction_deletes_a_range_that_they_are_in()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        TestNode node = cluster.Any();
        await node.AddNodesAsync(("c1", "compute"));
        await node.SetAsync("nova", "hosts", "%{live:mq}");
        object range = new { request_delete_range = new { key = TestNode.Base64("b"), range_end = TestNode.Base64("d") } };
        object rest = new { request_delete_range = new { key = TestNode.Base64("b"), range_end = TestNode.Base64("\0") } };
        object never = new { key = TestNode.Base64("x"), target = "CREATE", result = "GREATER", create_revision = "0" };
        foreach (object transaction in (object[])
        [
            new { success = new[] { range } }, new { success = new[] { rest } }, new { compare = new[] { never }, failure = new[] { range } },
            new { success = new[] { new { request_txn = new { success = new[] { range } } } } },
        ])
        {
            await node.PutAsync("conclave-live/default/mq/a", "mq-a");
            await TestNode.EventuallyAsync("it came", async () => await node.ValueAsync("c1", "nova", "hosts") == "[\"mq-a\"]");
            (System.Net.HttpStatusCode status, System.Text.Json.JsonElement body) = await node.PostAsync("/v3/kv/txn", transaction);
            Assert.True(status == System.Net.HttpStatusCode.OK, body.GetRawText());
            await TestNode.EventuallyAsync($"it left with {transaction}", async () => await node.ValueAsync("c1", "nova", "hosts") == "[]");
        }
    }

    /// <summary>As in a rolling restart: the new process registers first, and the old one takes the key away when it ends.</summary>
    [Fact]
    public async Task Who_is_alive_registers_again_when_somebody_else_has_deleted_its_key()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        await using ConclaveClient client = ClientOf(cluster.Any());
        LiveRegistration old = await client.RegisterAsync("mq", "a", "mq-old", TimeSpan.FromSeconds(2), cancellationToken: Cancelled);
        await using LiveRegistration next = await client.RegisterAsync("mq", "a", "mq-new", TimeSpan.FromSeconds(2), cancellationToken: Cancelled);

        await old.DisposeAsync();
        await client.DeleteAsync(next.Key, cancellationToken: Cancelled);

        await TestNode.EventuallyAsync("it is back", async () => (await client.GetAsync(next.Key, cancellationToken: Cancelled))?.Value == (Bytes)"mq-new");
    }

    [Fact]
    public async Task Who_is_alive_does_not_decide_whether_a_change_can_be_published_and_survives_a_start()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        TestNode node = cluster.Any();
        await node.AddNodesAsync(("c1", "compute"));
        await node.PutAsync("conclave-live/default/mq/a", "mq-a");   // any client of etcd can
        await node.PutAsync("conclave-live/other/mq/a", "mq-other");
        await node.PutAsync("conclave-live/default/mq", "no instance");
        await node.PublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "first", "%{live:mq#/0}"), ConfigCalls.Set("nova", "second", "%{live:mq#/1}") } });
        await TestNode.EventuallyAsync("it came", async () => await node.ValueAsync("c1", "nova", "first") == "\"mq-a\"");
        Assert.Contains("W_FACT", (await node.AskAsync("get", new { subject = new { node = "c1" }, document = "nova" })).GetRawText(), StringComparison.Ordinal);
        await cluster.StopAsync("n1");
        node = await cluster.StartAsync("n1");
        await TestNode.EventuallyAsync("it is known", async () => await node.ValueAsync("c1", "nova", "first") == "\"mq-a\"");
        await node.PostAsync("/v3/kv/deleterange", new { key = TestNode.Base64("conclave-live/"), range_end = TestNode.Base64("conclave-live0") });
        await TestNode.EventuallyAsync("it left", async () => await node.ValueAsync("c1", "nova", "first") is null);
    }
}
