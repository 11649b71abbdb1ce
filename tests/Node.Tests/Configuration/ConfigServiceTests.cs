using System.Net;
using System.Text.Json;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Configuration;

public class ConfigServiceTests
{
    private static Task<MemberCluster> OneAsync() => MemberCluster.StartAsync(1);

    [Fact]
    public async Task Keys_of_the_configuration_are_refused_to_clients_and_free_to_read()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await node.AddNodesAsync(("c1", "compute"));
        (HttpStatusCode status, JsonElement body) = await node.PostAsync("/v3/kv/put", new { key = TestNode.Base64("/conclave/default/head"), value = TestNode.Base64("9") });
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Equal("conclave: keys below /conclave/ are written by publishing a release; see conclave publish", ConfigCalls.MessageOf(body));
        Assert.Equal(HttpStatusCode.Forbidden, (await node.PostAsync("/v3/kv/deleterange", new { key = TestNode.Base64("\0"), range_end = TestNode.Base64("\0") })).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await node.PostAsync("/v3/kv/txn", new { success = new[] { new { requestDeleteRange = new { key = TestNode.Base64("/conclave/default/head") } } } })).Status);
        Assert.Equal(HttpStatusCode.OK, (await node.PostAsync("/v3/kv/deleterange", new { key = TestNode.Base64("/d"), range_end = TestNode.Base64("/e") })).Status);
        Assert.Equal("1", await node.GetAsync("/conclave/default/head"));
    }

    [Fact]
    public async Task A_rollback_gives_back_exactly_what_was_there()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await node.AddNodesAsync(("c1", "compute"), ("c2", "control"));
        long good = await node.PublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "a", 1), ConfigCalls.Set("nova", "b", "x", "role=compute") } });
        string before = await node.DocumentAsync("c1", "nova");
        string export = (await node.AskAsync("export", new { })).GetProperty("result").GetProperty("change").GetRawText();
        await node.PublishAsync(new { entries = new object[] { ConfigCalls.Set("nova", "a", 2), new { document = "nova", scope = "role=compute", key = "b" }, ConfigCalls.Set("nova", "c", 3) }, nodes = new object[] { new { node = "c2", delete = true } } });
        await node.SetAsync("glance", "k", 1);
        JsonElement rolled = await node.AskAsync("rollback", new { to = good, reason = "it was better" });
        Assert.Equal(good + 3, ConfigCalls.Number(rolled, "release"));
        Assert.Equal(before.Replace($"r{good} ", $"r{good + 3} ", StringComparison.Ordinal), await node.DocumentAsync("c1", "nova"));
        Assert.Equal(export, (await node.AskAsync("export", new { })).GetProperty("result").GetProperty("change").GetRawText());
        JsonElement diff = await node.AskAsync("diff", new { from = good, to = good + 3 });
        Assert.Empty(ConfigCalls.List(diff, "changes"));
        Assert.Equal(HttpStatusCode.BadRequest, (await node.PostAsync("/v1/config/rollback", new { reason = "no release named" })).Status);
    }

    [Fact]
    public async Task A_draft_is_planned_published_and_gone()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await node.AddNodesAsync(("c1", "compute"), ("c2", "control"));
        await node.SetAsync("nova", "host", "a");
        await node.SetAsync("nova", "host", "own", "host=c2");
        await node.AskAsync("putdraft", new { name = "move", change = new { entries = new[] { ConfigCalls.Set("nova", "host", "b") } }, merge = true });
        await node.AskAsync("putdraft", new { name = "move", change = new { entries = new[] { ConfigCalls.Set("nova", "port", 1) } }, merge = true });
        JsonElement plan = await node.AskAsync("plan", new { draft = "move" });
        Assert.Equal(["host set \"a\" -> set \"b\"", "port  -> set 1"], ConfigCalls.List(plan, "changes").Select(c => $"{c.GetProperty("key")} {(c.TryGetProperty("before", out JsonElement b) ? b.GetString() : "")} -> {c.GetProperty("after")}"));
        Assert.Equal("\"a\"", await node.ValueAsync("c1", "nova", "host"));
        JsonElement at = await node.AskAsync("get", new { subject = new { node = "c1" }, document = "nova", keys = new[] { "host" }, at = new { draft = "move" } });
        Assert.Equal("\"b\"", ConfigCalls.List(at, "items")[0].GetProperty("value").GetString());
        await node.PublishAsync(new { }, draft: "move");
        Assert.Equal("\"b\"", await node.ValueAsync("c1", "nova", "host"));
        Assert.Equal("\"own\"", await node.ValueAsync("c2", "nova", "host"));
        Assert.Empty(ConfigCalls.List(await node.AskAsync("drafts", new { }), "drafts"));
        Assert.Equal(HttpStatusCode.NotFound, (await node.TryPublishAsync(new { }, draft: "move")).Status);
    }

    [Fact]
    public async Task What_breaks_a_schema_is_refused_with_all_its_problems()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await node.AddNodesAsync(("c1", "compute"));
        await node.PublishAsync(new { schemas = new[] { new { document = "nova", key = "port", schema = "{\"type\":\"integer\",\"maximum\":9}" }, new { document = "nova", key = "on", schema = "{\"type\":\"boolean\"}" } } });
        (HttpStatusCode status, JsonElement body) = await node.TryPublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "port", 10), ConfigCalls.Set("nova", "on", "yes") } });
        Assert.Equal(HttpStatusCode.BadRequest, status);
        string[] lines = ConfigCalls.MessageOf(body).Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.All(lines, line => Assert.StartsWith("E_SCHEMA ", line, StringComparison.Ordinal));
        Assert.Equal(2, ConfigCalls.Number(await node.AskAsync("releases", new { }), "head"));
    }

    [Fact]
    public async Task A_secret_is_shown_as_a_fingerprint_and_a_fingerprint_is_not_taken_for_a_secret()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await node.AddNodesAsync(("c1", "compute"));
        await node.PublishAsync(new { schemas = new[] { new { document = "nova", key = "password", schema = "{\"type\":\"string\",\"secret\":true}" } } });
        await node.PublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "password", "hunter2"), ConfigCalls.Set("nova", "url", "mq://nova:%{key:password}@mq/") } });
        await node.AskAsync("putdraft", new { name = "d", change = new { entries = new[] { ConfigCalls.Set("nova", "password", "hunter3") } } });
        foreach ((string method, object request) in new (string, object)[]
        {
            ("get", new { subject = new { node = "c1" }, document = "nova" }), ("explain", new { subject = new { node = "c1" }, document = "nova", key = "password" }), ("explain", new { subject = new { node = "c1" }, document = "nova", key = "url" }),
            ("search", new { text = "password" }), ("diff", new { from = 1 }), ("export", new { }), ("drafts", new { name = "d" }), ("plan", new { draft = "d" }), ("render", new { subject = new { node = "c1" }, document = "nova" }),
            ("compare", new { a = new { node = "c1" }, b = new { }, document = "nova" }), ("whouses", new { document = "nova", key = "password" }),
        })
        {
            string answer = (await node.AskAsync(method, request)).GetRawText();
            Assert.DoesNotContain("hunter", answer, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToBase64String("hunter"u8)[..8], answer, StringComparison.Ordinal);
        }

        string shown = (await node.ValueAsync("c1", "nova", "password"))!;
        Assert.Matches("^\"<secret [0-9a-f]{8}>\"$", shown);
        JsonElement revealed = await node.AskAsync("get", new { subject = new { node = "c1" }, document = "nova", reveal = true });
        Assert.Equal(["\"hunter2\"", "\"mq://nova:hunter2@mq/\""], ConfigCalls.List(revealed, "items").Select(i => i.GetProperty("value").GetString()));
        (HttpStatusCode status, _) = await node.TryPublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "password", JsonSerializer.Deserialize<string>(shown)!) } });
        Assert.Equal(HttpStatusCode.BadRequest, status);
    }

    [Fact]
    public async Task Facts_are_values_and_reports_say_who_runs_what()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        TestNode node = cluster.Node("n1");
        await node.AddNodesAsync(("c1", "compute"), ("c2", "compute"));
        await node.SetAsync("nova", "my_ip", "%{fact:ip}");
        await node.AskAsync("acknowledge", new { node = "c1", has_facts = true, facts = new { ip = "\"10.0.0.1\"" } });
        await TestNode.EventuallyAsync("the fact is a value", async () => await node.ValueAsync("c1", "nova", "my_ip") == "\"10.0.0.1\"");
        JsonElement now = await node.AskAsync("get", new { subject = new { node = "c1" }, document = "nova" });
        var report = new { node = "c1", states = new[] { new { document = "nova", release = ConfigCalls.Number(now, "release"), state = "applied", hash = now.GetProperty("hash").GetString() } } };
        foreach (string name in (string[])["n1", "n2", "n3"])
        {
            await TestNode.EventuallyAsync($"{name} knows who runs what", async () =>
            {
                await node.AskAsync("acknowledge", report);   // as an agent does, again and again: a member that is not connected yet does not hear of it
                JsonElement fleet = await cluster.Node(name).AskAsync("fleet", new { });
                return ConfigCalls.List(fleet, "nodes").Select(n => $"{n.GetProperty("node")} {n.GetProperty("state")}").SequenceEqual(["c1 current", "c2 silent"]);
            });
        }

        await node.SetAsync("nova", "k", 1);
        JsonElement behind = await node.AskAsync("fleet", new { state = "behind" });
        Assert.Equal(["c1"], ConfigCalls.List(behind, "nodes").Select(n => n.GetProperty("node").GetString()));
        Assert.Equal(HttpStatusCode.NotFound, (await node.PostAsync("/v1/config/acknowledge", new { node = "nobody" })).Status);
    }

    [Fact]
    public async Task The_fleet_is_read_in_pages_and_a_space_that_is_not_there_is_an_error()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await node.AddNodesAsync([.. Enumerable.Range(0, 9).Select(i => ($"c{i}", "compute"))]);
        await node.SetAsync("nova", "k", 1);
        foreach (int i in (int[])[1, 4, 7])
        {
            object[] states = [new { document = "nova", state = "waiting", message = "no version of it has come yet" }, new { document = "glance", state = "failed", release = 1, since_unix_ms = 1000 }];
            await node.AskAsync("acknowledge", new { node = $"c{i}", run = Convert.ToBase64String(new byte[16]), sequence = 2, lists_all = true, states });
        }

        await node.AskAsync("acknowledge", new { node = "c1", run = Convert.ToBase64String(new byte[16]), sequence = 1, states = new[] { new { document = "nova", state = "applied", release = 2 } } });   // came late
        Assert.Equal(HttpStatusCode.BadRequest, (await node.PostAsync("/v1/config/acknowledge", new { node = "c1", run = Convert.ToBase64String(new byte[17]) })).Status);
        string[] expected = ["c0  silent", "c1 glance failed", "c1 nova waiting", "c2  silent", "c3  silent", "c4 glance failed", "c4 nova waiting", "c5  silent", "c6  silent", "c7 glance failed", "c7 nova waiting", "c8  silent"];
        foreach (int limit in (int[])[1, 2, 5, 11, 12, 0])
            Assert.Equal(expected, await RowsAsync(limit, ""));
        Assert.Equal(["c1 nova waiting", "c4 nova waiting", "c7 nova waiting"], await RowsAsync(2, "waiting"));
        JsonElement first = await node.AskAsync("fleet", new { limit = 2, state = "silent" });
        Assert.Equal(("3", "3", "6"), (Count(first, "failed"), Count(first, "waiting"), Count(first, "silent")));
        JsonElement one = ConfigCalls.List(await node.AskAsync("fleet", new { document = "glance", state = "failed" }), "nodes")[0];
        Assert.Equal(1000, ConfigCalls.Number(one, "since_unix_ms"));
        Assert.Equal(HttpStatusCode.NotFound, (await node.PostAsync("/v1/config/fleet", new { space = "typo" })).Status);

        static string Count(JsonElement answer, string state) => answer.GetProperty("counts").GetProperty(state).ToString();

        async Task<string[]> RowsAsync(int limit, string state)
        {
            var rows = new List<string>();
            (string node, string document) after = ("", "");
            while (true)
            {
                JsonElement page = await node.AskAsync("fleet", new { limit, state, after_node = after.node, after_document = after.document });
                foreach (JsonElement row in ConfigCalls.List(page, "nodes"))
                {
                    after = (Text(row, "node"), Text(row, "document"));
                    rows.Add($"{after.node} {after.document} {Text(row, "state")}");
                }

                if (!page.TryGetProperty("more", out JsonElement more) || !more.GetBoolean()) return [.. rows];
                Assert.Equal(limit, ConfigCalls.List(page, "nodes").Length);
            }
        }

        static string Text(JsonElement row, string name) => row.TryGetProperty(name, out JsonElement text) ? text.GetString()! : "";
    }

    [Fact]
    public async Task The_past_is_read_by_release_and_by_time()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await node.AddNodesAsync(("c1", "compute"));
        long first = await node.SetAsync("nova", "k", "old");
        long time = ConfigCalls.Number(ConfigCalls.List(await node.AskAsync("releases", new { limit = 1 }), "releases")[0], "unix_ms");
        await TestNode.EventuallyAsync("the clock moves on", () => Task.FromResult(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() > time));
        await node.SetAsync("nova", "k", "new");
        foreach (object at in (object[])[new { release = first }, new { unix_ms = time }])
        {
            JsonElement then = await node.AskAsync("get", new { subject = new { node = "c1" }, document = "nova", at });
            Assert.Equal((first, "\"old\""), (ConfigCalls.Number(then, "release"), ConfigCalls.List(then, "items")[0].GetProperty("value").GetString()));
        }

        Assert.Equal(HttpStatusCode.BadRequest, (await node.PostAsync("/v1/config/get", new { subject = new { node = "c1" }, document = "nova", at = new { release = 99 } })).Status);
    }
}
