using System.Net;
using System.Text.Json;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Configuration;

public class SecretsServiceTests
{
    private static async Task<MemberCluster> OneAsync()
    {
        MemberCluster cluster = await MemberCluster.StartAsync(1);
        await cluster.Any().AddNodesAsync(("c1", "compute"));
        return cluster;
    }

    private static object SecretKey(string key) => new { document = "nova", key, schema = "{\"type\":\"string\",\"secret\":true}" };

    private static Task<JsonElement> PutAsync(TestNode node, string name, string value) => node.AskAsync("putsecret", new { name, value = JsonSerializer.Serialize(value) });

    private static async Task<string?> RevealedAsync(TestNode node, string key)
    {
        JsonElement body = await node.AskAsync("get", new { subject = new { node = "c1" }, document = "nova", keys = new[] { key }, reveal = true });
        return ConfigCalls.List(body, "items").Select(i => i.GetProperty("value").GetString()).SingleOrDefault();
    }

    /// <summary>The hash of a document has secrets by name and version only. The other one is of what came; that it is right is looked at with each message.</summary>
    [Fact]
    public async Task What_a_stream_brings_can_be_checked_also_where_it_has_secrets()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await PutAsync(node, "mq", "one");
        await node.PublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "url", "mq://%{secret:mq}@%{program:HOST}"), ConfigCalls.Set("nova", "plain", new object[] { 1.5, "\u20ac" }), ConfigCalls.Set("glance", "plain", 1) } });
        await using WatchedNode nova = await WatchedNode.StartAsync(node, "c1", "nova"), glance = await WatchedNode.StartAsync(node, "c1", "glance"), asks = await WatchedNode.StartAsync(node, "c1", "glance", wantsItemsHash: true);
        await nova.NextAsync();
        await glance.NextAsync();
        await asks.NextAsync();
        Assert.Equal((true, false, true), (nova.ItemsHash.Length > 0, glance.ItemsHash.Length > 0, asks.ItemsHash.Length > 0));
        string first = nova.ItemsHash;
        await PutAsync(node, "mq", "two");
        await nova.NextAsync();
        Assert.Equal((true, false), (nova.ItemsHash.Length > 0, nova.WasWhole));
        Assert.NotEqual(first, nova.ItemsHash);
        await node.SetAsync("glance", "other", 2);
        await asks.NextAsync();
        Assert.Equal((true, false), (asks.ItemsHash.Length > 0, asks.WasWhole));
    }

    [Fact]
    public async Task A_secret_by_name_is_written_listed_referred_to_and_dropped_when_nobody_uses_it()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        (HttpStatusCode status, JsonElement body) = await node.TryPublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "url", "mq://%{secret:mq/nova}@mq") } });
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("there is no secret mq/nova", ConfigCalls.MessageOf(body), StringComparison.Ordinal);

        Assert.Equal(1, ConfigCalls.Number(await PutAsync(node, "mq/nova", "one"), "version"));
        await node.SetAsync("nova", "url", "mq://%{secret:mq/nova}@mq");
        await node.PublishAsync(new { entries = new[] { new { document = "nova", scope = "*", key = "port", op = "set", value = "1" } } });
        Assert.Equal("\"mq://one@mq\"", await RevealedAsync(node, "url"));
        Assert.Matches("^\"mq://<secret [0-9a-f]{8}>@mq\"$", (await node.ValueAsync("c1", "nova", "url"))!);
        Assert.Equal(2, ConfigCalls.Number(await PutAsync(node, "mq/nova", "two"), "version"));
        Assert.Equal("\"mq://two@mq\"", await RevealedAsync(node, "url"));

        JsonElement info = Assert.Single(ConfigCalls.List(await node.AskAsync("secrets", new { }), "secrets"));
        Assert.Equal(("mq/nova", "nova url"), (info.GetProperty("name").GetString(), Assert.Single(ConfigCalls.List(info, "used_by")).GetString()));
        Assert.Equal(HttpStatusCode.Conflict, (await node.PostAsync("/v1/config/putsecret", new { name = "mq/nova", value = "1", if_missing = true })).Status);
        (status, body) = await node.PostAsync("/v1/config/dropsecret", new { name = "mq/nova" });
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("is used by nova url", ConfigCalls.MessageOf(body), StringComparison.Ordinal);
        await node.PublishAsync(new { entries = new[] { new { document = "nova", scope = "*", key = "url" } } });
        await node.AskAsync("dropsecret", new { name = "mq/nova" });
        Assert.Empty(ConfigCalls.List(await node.AskAsync("secrets", new { }), "secrets"));
        (status, body) = await node.PostAsync("/v1/config/rollback", new { to = 2, reason = "it used the secret" });
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("there is no secret mq/nova", ConfigCalls.MessageOf(body), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watcher_hears_of_a_new_version_and_not_of_a_rotation()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await PutAsync(node, "mq", "one");
        await node.PublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "url", "mq://%{secret:mq}@mq"), ConfigCalls.Set("nova", "n", 1) } });
        await using WatchedNode watched = await WatchedNode.StartAsync(node, "c1", "nova");
        await watched.NextAsync();
        Assert.Equal("\"mq://one@mq\"", watched.Values["url"]);
        string before = watched.Hash;
        await PutAsync(node, "mq", "two");
        await watched.NextAsync();
        Assert.Equal("\"mq://two@mq\"", watched.Values["url"]);
        Assert.False(watched.WasWhole);
        Assert.NotEqual(before, watched.Hash);
        await node.AskAsync("rotatesecrets", new { });
        await node.SetAsync("nova", "n", 2);
        await watched.NextAsync();
        Assert.Equal(("2", 3), (watched.Values["n"], watched.Messages));

        // Dropped and written again it is another secret, though its version is 1 as before.
        await node.PublishAsync(new { entries = new[] { new { document = "nova", scope = "*", key = "url" } } });
        await node.AskAsync("dropsecret", new { name = "mq" });
        Assert.Equal(1, ConfigCalls.Number(await PutAsync(node, "mq", "three"), "version"));
        await node.SetAsync("nova", "url", "mq://%{secret:mq}@mq");
        while (watched.Values.GetValueOrDefault("url") != "\"mq://three@mq\"") await watched.NextAsync();
    }

    [Fact]
    public async Task A_rollback_brings_the_old_secret_back()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await node.PublishAsync(new { schemas = new[] { SecretKey("password") } });
        long first = await node.SetAsync("nova", "password", "old");
        await node.SetAsync("nova", "password", "new");
        Assert.Equal("\"new\"", await RevealedAsync(node, "password"));
        string diff = (await node.AskAsync("diff", new { from = first })).GetRawText();
        Assert.Matches("set \\\\\"<secret [0-9a-f]{8}>", diff.Replace("\\u0022", "\\\"", StringComparison.Ordinal).Replace("\\u003C", "<", StringComparison.Ordinal));
        await node.AskAsync("rollback", new { to = first, reason = "back" });
        Assert.Equal("\"old\"", await RevealedAsync(node, "password"));
        JsonElement past = await node.AskAsync("get", new { subject = new { node = "c1" }, document = "nova", reveal = true, at = new { release = first + 1 } });
        Assert.Equal("\"new\"", ConfigCalls.List(past, "items")[0].GetProperty("value").GetString());
    }

    [Fact]
    public async Task Setting_a_secret_to_what_it_is_makes_no_release()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await node.PublishAsync(new { schemas = new[] { SecretKey("password") } });
        long release = await node.SetAsync("nova", "password", "same");
        Assert.Equal(release, await node.SetAsync("nova", "password", "same"));
        Assert.Equal(release + 1, await node.SetAsync("nova", "password", "other"));
    }

    [Fact]
    public async Task A_draft_seals_its_secrets_and_takes_them_with_it_when_it_is_dropped()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await node.AskAsync("putdraft", new { name = "d", change = new { schemas = new[] { SecretKey("password") }, entries = new[] { ConfigCalls.Set("nova", "password", "hunter2") } } });
        Assert.DoesNotContain("hunter", (await node.GetAsync("/conclave/default/d/d"))!, StringComparison.Ordinal);
        Assert.Single(ConfigCalls.List(await node.AskAsync("secrets", new { prefix = "entry/" }), "secrets"));
        await node.AskAsync("dropdraft", new { name = "d" });
        Assert.Empty(ConfigCalls.List(await node.AskAsync("secrets", new { prefix = "entry/" }), "secrets"));

        await node.AskAsync("putdraft", new { name = "d", change = new { schemas = new[] { SecretKey("password") } } });
        await node.AskAsync("putdraft", new { name = "d", change = new { entries = new[] { ConfigCalls.Set("nova", "password", "hunter3") } }, merge = true });
        await node.AskAsync("putdraft", new { name = "d", change = new { entries = new[] { ConfigCalls.Set("nova", "plain", "p") } }, merge = true });
        await node.PublishAsync(new { }, draft: "d");
        Assert.Equal("\"hunter3\"", await RevealedAsync(node, "password"));
        await node.AskAsync("putdraft", new { name = "e", change = new { entries = new[] { ConfigCalls.Set("nova", "password", "hunter3") } } });
        await node.AskAsync("dropdraft", new { name = "e" });
        Assert.Equal("\"hunter3\"", await RevealedAsync(node, "password"));   // the draft shared it, and did not take it away
    }

    [Fact]
    public async Task A_draft_that_was_put_on_another_release_takes_its_secrets_with_it_but_none_of_a_release()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await node.PublishAsync(new { schemas = new[] { SecretKey("password"), SecretKey("other") } });
        await node.AskAsync("putdraft", new { name = "d", change = new { entries = new[] { ConfigCalls.Set("nova", "password", "a mistake") } } });
        await node.SetAsync("nova", "other", "shared");
        await node.AskAsync("putdraft", new { name = "d", merge = true, change = new { entries = new[] { ConfigCalls.Set("nova", "other", "shared") } } });   // the same secret
        long moved = await node.SetAsync("nova", "other", "changed");   // now it is of a release that is past
        Assert.Equal(moved, ConfigCalls.Number(await node.AskAsync("rebasedraft", new { name = "d" }), "to"));
        Assert.Equal(3, ConfigCalls.List(await node.AskAsync("secrets", new { prefix = "entry/" }), "secrets").Length);
        await node.AskAsync("dropdraft", new { name = "d" });
        Assert.Equal(2, ConfigCalls.List(await node.AskAsync("secrets", new { prefix = "entry/" }), "secrets").Length);
        await node.AskAsync("rollback", new { to = moved - 1, reason = "back" });
        Assert.Equal("\"shared\"", await RevealedAsync(node, "other"));
    }

    [Fact]
    public async Task A_draft_that_was_changed_since_it_was_looked_at_is_not_put_on_another_release()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await node.SetAsync("nova", "k", "1");
        await node.AskAsync("putdraft", new { name = "d", author = "amy", change = new { entries = new[] { ConfigCalls.Set("nova", "k", "2") } } });
        long looked = await TimeAsync();
        await node.AskAsync("putdraft", new { name = "d", author = "bob", merge = true, change = new { entries = new[] { ConfigCalls.Set("nova", "l", "2") } } });
        Assert.True(await TimeAsync() > looked);   // also within one millisecond
        long head = await node.SetAsync("nova", "l", "1");
        foreach (bool preview in new[] { true, false })
        {
            (HttpStatusCode status, JsonElement body) = await node.PostAsync("/v1/config/rebasedraft", new { name = "d", to = head, unix_ms = looked, preview });
            Assert.NotEqual(HttpStatusCode.OK, status);
            Assert.Contains("E_CONFLICT Draft d was changed by bob", ConfigCalls.MessageOf(body), StringComparison.Ordinal);
        }

        Assert.Equal(head, ConfigCalls.Number(await node.AskAsync("rebasedraft", new { name = "d", to = head, unix_ms = await TimeAsync() }), "to"));
        await node.SetAsync("nova", "l", "3");
        Assert.Equal(head + 1, ConfigCalls.Number(await node.AskAsync("rebasedraft", new { name = "d" }), "to"));   // as an older sender asks

        async Task<long> TimeAsync() => ConfigCalls.Number(ConfigCalls.List(await node.AskAsync("drafts", new { name = "d" }), "drafts")[0], "unix_ms");
    }

    [Fact]
    public async Task A_key_that_becomes_secret_is_sealed_by_that_release_and_the_plan_warns_of_history()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await node.SetAsync("nova", "password", "clear");
        object change = new { schemas = new[] { SecretKey("password") } };
        JsonElement plan = await node.AskAsync("plan", new { change });
        Assert.Contains("W_SECRET", plan.GetRawText(), StringComparison.Ordinal);
        long release = await node.PublishAsync(change);
        Assert.DoesNotContain("clear", (await node.GetAsync($"/conclave/default/r/{release:x16}"))!, StringComparison.Ordinal);
        Assert.Contains("clear", (await node.GetAsync($"/conclave/default/r/{release - 1:x16}"))!, StringComparison.Ordinal);   // as the plan said
        Assert.Equal("\"clear\"", await RevealedAsync(node, "password"));
        Assert.Matches("^\"<secret [0-9a-f]{8}>\"$", (await node.ValueAsync("c1", "nova", "password"))!);
        Assert.Single(ConfigCalls.List(await node.AskAsync("secrets", new { prefix = "entry/" }), "secrets"));
    }

    [Fact]
    public async Task What_is_exported_with_reveal_can_be_published_again_and_is_the_same()
    {
        await using MemberCluster cluster = await OneAsync();
        TestNode node = cluster.Any();
        await PutAsync(node, "mq", "one");
        await node.PublishAsync(new { schemas = new[] { SecretKey("password"), SecretKey("named") } });
        await node.PublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "password", "a%%{b"), ConfigCalls.Set("nova", "named", "%{secret:mq}") } });
        string hidden = (await node.AskAsync("export", new { })).GetProperty("result").GetRawText();
        Assert.Contains("%{secret:mq}", hidden, StringComparison.Ordinal);   // a name is no secret
        Assert.DoesNotContain("\"key\":\"password\",\"op\"", hidden, StringComparison.Ordinal);
        JsonElement all = (await node.AskAsync("export", new { reveal = true })).GetProperty("result").GetProperty("change");
        (HttpStatusCode status, JsonElement body) = await node.TryPublishAsync(all);
        Assert.True(status == HttpStatusCode.OK && body.GetProperty("unchanged").GetBoolean(), body.GetRawText());
        Assert.Equal("\"a%{b\"", await RevealedAsync(node, "password"));
    }

    [Fact]
    public async Task Secrets_of_spaces_are_apart_and_a_space_may_have_secrets_before_it_has_releases()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1);
        TestNode node = cluster.Any();
        await node.AskAsync("putsecret", new { space = "one", name = "mq", value = "1" });
        await node.AskAsync("putsecret", new { space = "two", name = "mq", value = "2" });
        Assert.Single(ConfigCalls.List(await node.AskAsync("secrets", new { space = "one" }), "secrets"));
        Assert.Equal(2, ConfigCalls.Number(await node.AskAsync("putsecret", new { space = "one", name = "mq", value = "3" }), "version"));
        Assert.Empty(ConfigCalls.List(await node.AskAsync("secrets", new { }), "secrets"));
        await node.AskAsync("dropsecret", new { space = "one", name = "mq" });
        Assert.Empty(ConfigCalls.List(await node.AskAsync("secrets", new { space = "one" }), "secrets"));
        Assert.Equal(0, ConfigCalls.Number(await node.AskAsync("rotatesecrets", new { space = "*" }), "rewrapped"));
    }
}
