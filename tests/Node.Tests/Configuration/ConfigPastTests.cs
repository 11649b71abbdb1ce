using System.Net;
using System.Text.Json;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Configuration;

/// <summary>Releases whose changes are not kept at hand any more, because later ones are larger than what is.</summary>
public class ConfigPastTests
{
    private const int LargeBytes = 1_000_000;

    /// <summary>So many that what was before is not at hand: each has the value and the one before it.</summary>
    private static readonly int Large = (int)(Layers.Limits.HistoryBytesMax / LargeBytes / 2) + 3;

    private static async Task<string> AtAsync(TestNode node, object at) =>
        ConfigCalls.List(await node.AskAsync("get", new { subject = new { node = "c1" }, document = "nova", keys = new[] { "k" }, at }), "items")[0].GetProperty("value").GetString()!;

    [Fact]
    public async Task Every_release_can_be_read_compared_and_returned_to_after_a_compaction_and_a_start()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        TestNode node = cluster.Any();
        await node.AddNodesAsync(("c1", "compute"), ("c2", "control"));
        long first = await node.PublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "k", "first"), ConfigCalls.Set("nova", "gone", 1, "role=compute") }, schemas = new[] { new { document = "nova", key = "k", schema = "{\"type\":\"string\"}" } } });
        long time = ConfigCalls.Number(ConfigCalls.List(await node.AskAsync("releases", new { limit = 1 }), "releases")[0], "unix_ms");
        await TestNode.EventuallyAsync("the clock moves on", () => Task.FromResult(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() > time));
        string before = await node.DocumentAsync("c1", "nova");
        string export = await ExportAsync(node, first);
        await node.AskAsync("putdraft", new { name = "old", change = new { entries = new[] { ConfigCalls.Set("nova", "k", "drafted") } } });
        long second = await node.PublishAsync(new
        {
            entries = new object[] { ConfigCalls.Set("nova", "k", "second"), new { document = "nova", scope = "role=compute", key = "gone" } },
            schemas = new[] { new { document = "nova", key = "k" } },
            nodes = new object[] { new { node = "c2", delete = true } },
        });
        for (int i = 0; i < Large; i++) await node.SetAsync("large", "filler", $"{i} ".PadRight(LargeBytes, 'x'));
        await LookAsync();
        JsonElement head = (await node.PostAsync("/v3/kv/range", new { key = TestNode.Base64("none") })).Body.GetProperty("header");
        Assert.Equal(HttpStatusCode.OK, (await node.PostAsync("/v3/kv/compaction", new { revision = head.GetProperty("revision"), physical = true })).Status);
        await LookAsync();
        await cluster.StopAsync("n1");
        node = await cluster.StartAsync("n1");
        await LookAsync();

        // What others did is shown to a draft of then, too.
        JsonElement moved = await node.AskAsync("rebasedraft", new { name = "old" });
        Assert.Equal(["set \"first\" -> set \"second\""], ConfigCalls.List(moved, "changes").Select(c => $"{c.GetProperty("before").GetString()} -> {c.GetProperty("after").GetString()}"));

        JsonElement back = await node.AskAsync("rollback", new { to = first, reason = "it was better" });
        long last = ConfigCalls.Number(back, "release");
        Assert.Equal(before.Replace($"r{first} ", $"r{last} ", StringComparison.Ordinal), await node.DocumentAsync("c1", "nova"));
        Assert.Equal(export, await ExportAsync(node, last));

        async Task LookAsync()
        {
            Assert.Equal(("\"first\"", "\"second\"", "\"first\""), (await AtAsync(node, new { release = first }), await AtAsync(node, new { release = second }), await AtAsync(node, new { unix_ms = time })));
            Assert.Equal(export, await ExportAsync(node, first));
            JsonElement diff = await node.AskAsync("diff", new { from = first, to = second });
            Assert.Equal(["gone", "k"], ConfigCalls.List(diff, "changes").Select(c => c.GetProperty("key").GetString()).Order());
            Assert.Equal((1, 1), (ConfigCalls.List(diff.GetProperty("change"), "nodes").Length, ConfigCalls.List(diff.GetProperty("change"), "schemas").Length));
            JsonElement[] log = ConfigCalls.List(await node.AskAsync("releases", new { document = "nova" }), "releases");
            Assert.Equal([second, first], log.Select(r => ConfigCalls.Number(r, "release")));
            Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), ((await GetAsync(-1)).Status, (await GetAsync(second + Large + 1)).Status));
        }

        Task<(HttpStatusCode Status, JsonElement Body)> GetAsync(long release) => node.PostAsync("/v1/config/get", new { subject = new { node = "c1" }, document = "nova", at = new { release } });

        // Without what is large, and without the numbers of releases.
        static async Task<string> ExportAsync(TestNode node, long release) =>
            (await node.AskAsync("export", new { at = new { release } })).GetProperty("result").GetProperty("change").GetRawText();
    }
}
