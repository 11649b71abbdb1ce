using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Conclave.Client;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Configuration;

/// <summary>For each rule of who may do what with the configuration: somebody who may, and somebody who may nearly.</summary>
public class ConfigAccessTests
{
    private const string Space = "/conclave/default/";

    private static object Publish(params object[] entries) => new { reason = "r", change = new { entries } };

    private static readonly object Node = new { node = "c1" };

    /// <summary>What is asked; permissions that are enough; permissions that are not, each nearly so.</summary>
    private static readonly (string Method, object Request, string[] Enough, string[] NotEnough)[] Rules =
    [
        ("get", new { subject = Node, document = "nova" }, [$"r:{Space}e/nova/"], [$"r:{Space}e/glance/", $"w:{Space}e/nova/"]),
        ("get", new { subject = Node, document = "nova" }, [$"r:{Space}e/"], [$"r:{Space}e/nova/*/"]),
        ("get", new { subject = Node, document = "nova", reveal = true }, [$"r:{Space}e/nova/", $"w:{Space}k/"], [$"r:{Space}e/nova/", $"r:{Space}k/", $"w:{Space}k/mq/"]),
        ("get", new { subject = Node, document = "nova", reveal = true }, [$"r:{Space}e/nova/", $"w:{Space}k/"], [$"w:{Space}k/"]),
        ("explain", new { subject = Node, document = "nova", key = "plain" }, [$"r:{Space}e/nova/"], [$"r:{Space}e/glance/"]),
        ("render", new { subject = Node, document = "nova" }, [$"r:{Space}e/nova/"], [$"r:{Space}e/glance/"]),
        ("render", new { subject = Node, document = "nova", reveal = true }, [$"r:{Space}e/nova/", $"w:{Space}k/"], [$"r:{Space}e/nova/"]),
        ("compare", new { a = Node, b = Node, document = "nova" }, [$"r:{Space}e/nova/"], [$"r:{Space}e/glance/"]),
        ("compare", new { a = Node, b = Node }, [$"r:{Space}e/"], [$"r:{Space}e/nova/"]),
        ("documents", new { document = "nova" }, [$"r:{Space}e/nova/"], [$"r:{Space}e/glance/", $"w:{Space}e/nova/"]),
        ("search", new { text = "x" }, [$"r:{Space}e/"], [$"r:{Space}e/nova/"]),
        ("whouses", new { document = "nova", key = "plain" }, [$"r:{Space}e/"], [$"r:{Space}e/nova/"]),
        ("releases", new { document = "nova" }, [$"r:{Space}e/nova/"], [$"r:{Space}e/glance/"]),
        ("releases", new { }, [$"r:{Space}e/"], [$"r:{Space}e/nova/"]),
        ("diff", new { from = 2 }, [$"r:{Space}e/"], [$"r:{Space}e/nova/", $"r:{Space}e/glance/"]),
        ("export", new { documents = new[] { "nova" } }, [$"r:{Space}e/nova/"], [$"r:{Space}e/glance/"]),
        ("export", new { reveal = true }, [$"r:{Space}e/", $"w:{Space}k/"], [$"r:{Space}e/", $"r:{Space}k/"]),
        ("drafts", new { }, [$"r:{Space}e/"], [$"r:{Space}e/nova/"]),
        ("plan", new { change = new { entries = new[] { ConfigCalls.Set("nova", "plain", 5) } } }, [$"r:{Space}e/nova/"], [$"w:{Space}e/nova/"]),
        ("fleet", new { document = "nova" }, [$"r:{Space}e/nova/"], [$"r:{Space}e/glance/"]),
        ("watch", new { node = "c1", documents = new[] { "nova" } }, [$"r:{Space}n/c1", $"r:{Space}e/nova/"], [$"r:{Space}n/c2", $"r:{Space}e/nova/"]),
        ("watch", new { node = "c1", documents = new[] { "nova" } }, [$"r:{Space}n/", $"r:{Space}e/nova/"], [$"r:{Space}n/c1", $"r:{Space}e/glance/"]),
        ("acknowledge", new { node = "c1" }, [$"w:{Space}f/c1"], [$"w:{Space}f/c2", $"r:{Space}f/c1", $"w:{Space}n/", $"w:{Space}e/"]),
        ("acknowledge", new { node = "c1", has_facts = true, facts = new { ip = "\"10.0.0.1\"" } }, [$"w:{Space}f/"], [$"w:{Space}n/c1"]),
        ("publish", Publish(ConfigCalls.Set("nova", "mine/a", 1, "host=c1")), [$"w:{Space}e/nova/host=c1/mine/"], [$"w:{Space}e/nova/host=c2/", $"w:{Space}e/nova/host=c1/theirs/", $"r:{Space}e/nova/"]),
        ("publish", Publish(ConfigCalls.Set("nova", "a", 1), ConfigCalls.Set("glance", "a", 1)), [$"w:{Space}e/nova/", $"w:{Space}e/glance/"], [$"w:{Space}e/nova/"]),
        ("publish", new { reason = "r", change = new { schemas = new[] { new { document = "nova", key = "typed", schema = "{}" } } } }, [$"w:{Space}s/nova/typed"], [$"w:{Space}e/nova/", $"w:{Space}s/nova/other"]),
        ("publish", new { reason = "r", change = new { nodes = new[] { new { node = "c9" } } } }, [$"w:{Space}n/c9"], [$"w:{Space}n/c1", $"w:{Space}e/", $"w:{Space}f/", $"r:{Space}n/"]),
        ("publish", new { reason = "r", change = new { dimensions = new { dimensions = new[] { new { name = "role" }, new { name = "region" }, new { name = "host" } }, node_dimension = "host" } } }, [$"w:{Space}dims"], [$"w:{Space}n/", $"w:{Space}e/"]),
        ("publish", Publish(ConfigCalls.Set("nova", "uses", "%{secret:mq/nova}")), [$"w:{Space}e/nova/", $"r:{Space}k/mq/"], [$"w:{Space}e/nova/", $"r:{Space}k/db/"]),
        ("publish", Publish(ConfigCalls.Set("nova", "uses2", "%{secret:mq/nova}")), [$"w:{Space}e/nova/", $"w:{Space}k/mq/nova"], [$"w:{Space}e/nova/"]),
        ("rollback", new { to = 3, reason = "r" }, [$"w:{Space}e/", $"w:{Space}s/", $"w:{Space}n/", $"w:{Space}dims"], [$"w:{Space}e/nova/"]),
        ("putsecret", new { name = "mq/nova", value = "1" }, [$"w:{Space}k/mq/"], [$"w:{Space}k/db/", $"r:{Space}k/mq/"]),
        ("secrets", new { }, [$"r:{Space}k/"], [$"r:{Space}k/mq/", $"r:{Space}e/"]),
        ("secrets", new { }, [$"w:{Space}k/"], [$"w:{Space}k/mq/"]),
        ("rotatesecrets", new { }, [$"w:{Space}k/"], [$"w:{Space}k/mq/", $"r:{Space}k/"]),
        ("rotatesecrets", new { space = "*" }, ["w:/conclave/"], [$"w:{Space}k/"]),
        ("dropsecret", new { name = "mq/unused" }, [$"w:{Space}k/mq/"], [$"w:{Space}k/db/", $"r:{Space}k/mq/"]),
    ];

    private static async Task<(MemberCluster Cluster, ConfigUsers Users)> StartAsync()
    {
        MemberCluster cluster = await MemberCluster.StartAsync(1, (o, _) => o with { PasswordCost = 4 });
        TestNode node = cluster.Any();
        await node.AddNodesAsync(("c1", "compute"), ("c2", "compute"));
        await node.AskAsync("putsecret", new { name = "mq/nova", value = "\"rabbit\"" });
        await node.AskAsync("putsecret", new { name = "mq/unused", value = "\"x\"" });
        await node.PublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "plain", 1), ConfigCalls.Set("glance", "uses", "%{doc:nova/plain}") } });
        await node.SetAsync("nova", "plain", 2);
        var users = new ConfigUsers(node);
        await users.EnableAsync();
        return (cluster, users);
    }

    [Fact]
    public async Task Each_rule_lets_through_who_has_what_it_asks_for_and_nobody_who_has_less()
    {
        (MemberCluster cluster, ConfigUsers users) = await StartAsync();
        await using var _ = cluster;
        await using var __ = users;
        var known = new Dictionary<string, string>();   // a password costs time on purpose
        var wrong = new List<string>();
        foreach ((string method, object request, string[] enough, string[] notEnough) in Rules)
        {
            string may = await WhoHasAsync(enough), mayNot = await WhoHasAsync(notEnough);
            (HttpStatusCode status, string text) = await users.AskAsync(mayNot, method, request);
            if (status != HttpStatusCode.Forbidden && !text.Contains("permission denied", StringComparison.Ordinal)) wrong.Add($"{method} {JsonSerializer.Serialize(request)} with {string.Join(' ', notEnough)}: {text}");
            (status, text) = await users.AskAsync(may, method, request);
            if (status != HttpStatusCode.OK || text.Contains("permission denied", StringComparison.Ordinal)) wrong.Add($"{method} {JsonSerializer.Serialize(request)} with {string.Join(' ', enough)}: {text}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        async Task<string> WhoHasAsync(string[] permissions)
        {
            if (known.TryGetValue(string.Join(' ', permissions), out string? user)) return user;
            known[string.Join(' ', permissions)] = user = $"user{known.Count}";
            await users.AddAsync(user, permissions);
            return user;
        }
    }

    [Fact]
    public async Task Who_is_refused_is_told_what_he_lacks_and_with_that_he_is_let_through()
    {
        (MemberCluster cluster, ConfigUsers users) = await StartAsync();
        await using var _ = cluster;
        await using var __ = users;
        foreach (((string method, object request, string[] _, string[] notEnough), int n) in Rules.Select((r, i) => (r, i)))
        {
            string user = $"asks{n}";
            await users.AddAsync(user, notEnough);
            (HttpStatusCode status, string text) = await users.AskAsync(user, method, request);
            for (int granted = 0; granted < 4 && IsRefused(status, text); granted++)
            {
                Match named = Regex.Match(text, "this takes (read|write|read or write) permission on (/[^ \"]*[^ \",}])( and all below it)?");
                if (method == "rollback" || (!named.Success && text.Contains("read or write permission on each secret", StringComparison.Ordinal))) break;   // not named: see the next test
                Assert.True(named.Success, $"{method} {JsonSerializer.Serialize(request)}: {text}");
                KeyRange range = named.Groups[3].Success ? KeyRange.Prefix(named.Groups[2].Value) : KeyRange.Single(named.Groups[2].Value);
                await users.Root.Auth.GrantPermissionAsync($"of-{user}", new Permission(named.Groups[1].Value == "read" ? PermissionKind.Read : PermissionKind.Write, range), TestContext.Current.CancellationToken);
                (status, text) = await users.AskAsync(user, method, request);
            }

            if (IsRefused(status, text)) Assert.Contains("this takes ", text, StringComparison.Ordinal);
            else Assert.Equal(HttpStatusCode.OK, status);
        }

        static bool IsRefused(HttpStatusCode status, string text) => status == HttpStatusCode.Forbidden || text.Contains("permission denied", StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_others_wrote_is_not_named_to_who_may_not_read_it()
    {
        (MemberCluster cluster, ConfigUsers users) = await StartAsync();
        await using var _ = cluster;
        await using var __ = users;
        await users.AddAsync("amy", $"w:{Space}e/hush/");
        await users.AddAsync("bob", $"w:{Space}e/nova/", $"w:{Space}d/");
        object hushed = new { entries = new[] { ConfigCalls.Set("hush", "quiet", 7, "role=compute") } };
        Assert.Equal(HttpStatusCode.OK, (await users.AskAsync("amy", "putdraft", new { name = "move", change = hushed })).Status);
        (HttpStatusCode status, string staged) = await users.AskAsync("amy", "publish", new { reason = "r", change = hushed, strategy = new { preset = "canary" } });
        Assert.True(status == HttpStatusCode.OK, staged);
        string release = JsonDocument.Parse(staged).RootElement.GetProperty("release").ToString();
        (string Method, object Request, string Says)[] asked =
        [
            ("publish", new { reason = "r", draft = "move" }, "all that draft move edits"),
            ("plan", new { draft = "move" }, "all documents that draft move edits"),
            ("rebasedraft", new { name = "move" }, "all documents that draft move edits"),
            ("putdraft", new { name = "move", merge = true, change = new { entries = new[] { ConfigCalls.Set("nova", "plain", 7) } } }, "all that draft move edits"),
            ("rollback", new { to = 1, reason = "r" }, "changed since release 1"),
            ("rollouts", new { release }, $"all documents of release {release}"),
            ("steerrollout", new { release, action = "pause" }, $"each document of release {release}"),
            ("compare", new { a = Node, b = Node }, $"{Space}e/ and all below it"),
        ];
        foreach ((string method, object request, string says) in asked)
        {
            (HttpStatusCode denied, string text) = await users.AskAsync("bob", method, request);
            Assert.True(denied == HttpStatusCode.Forbidden, $"{method}: {text}");
            Assert.Contains(says, text, StringComparison.Ordinal);
            Assert.DoesNotContain("hush", text, StringComparison.Ordinal);
            Assert.DoesNotContain("quiet", text, StringComparison.Ordinal);
        }

        // A list is not refused: it is shorter.
        Assert.DoesNotContain("hush", (await users.AskAsync("bob", "documents", new { })).Text, StringComparison.Ordinal);
        Assert.Contains("hush", (await users.AskAsync("root", "documents", new { })).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_may_report_for_a_node_may_not_move_it_to_where_other_secrets_are()
    {
        (MemberCluster cluster, ConfigUsers users) = await StartAsync();
        await using var _ = cluster;
        await using var __ = users;
        await users.AskAsync("root", "publish", Publish(ConfigCalls.Set("nova", "password", "%{secret:mq/nova}", "role=controller")));
        await users.AddAsync("agent-c1", $"r:{Space}n/c1", $"w:{Space}f/c1", $"r:{Space}e/");   // what an agent needs
        object watch = new { node = "c1", documents = new[] { "nova" } };
        Assert.Equal(HttpStatusCode.OK, (await users.AskAsync("agent-c1", "acknowledge", new { node = "c1", has_facts = true, facts = new { role = "\"controller\"" }, states = new[] { new { document = "nova", state = "applied", release = 3 } } })).Status);
        foreach (object change in (object[])[new { nodes = new[] { new { node = "c1", assigned = new[] { new { dimension = "role", value = "controller" } } } } }, new { nodes = new[] { new { node = "c1", delete = true } } }])
        {
            Assert.Equal(HttpStatusCode.Forbidden, (await users.AskAsync("agent-c1", "publish", new { reason = "r", change })).Status);
            Assert.Equal(HttpStatusCode.Forbidden, (await users.AskAsync("agent-c1", "putdraft", new { name = "move", change })).Status);
        }

        (HttpStatusCode status, string text) = await users.AskAsync("agent-c1", "watch", watch);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("plain", text, StringComparison.Ordinal);
        Assert.DoesNotContain("rabbit", text, StringComparison.Ordinal);
        // What it is kept from: with the permission to move, it would have had the password.
        await users.AddAsync("mover", $"w:{Space}n/c1");
        Assert.Equal(HttpStatusCode.OK, (await users.AskAsync("mover", "publish", new { reason = "r", change = new { nodes = new[] { new { node = "c1", assigned = new[] { new { dimension = "role", value = "controller" } } } } } })).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await users.AskAsync("mover", "acknowledge", new { node = "c1" })).Status);
        Assert.Contains("rabbit", (await users.AskAsync("agent-c1", "watch", watch)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_draft_is_changed_and_dropped_by_its_author_or_by_who_may_write_drafts()
    {
        (MemberCluster cluster, ConfigUsers users) = await StartAsync();
        await using var _ = cluster;
        await using var __ = users;
        await users.AddAsync("amy", $"w:{Space}e/nova/");
        await users.AddAsync("bob", $"w:{Space}e/nova/");
        await users.AddAsync("chief", $"w:{Space}e/nova/", $"w:{Space}d/");
        object draft = new { name = "move", change = new { entries = new[] { ConfigCalls.Set("nova", "plain", 7) } } };
        Assert.Equal(HttpStatusCode.OK, (await users.AskAsync("amy", "putdraft", draft)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await users.AskAsync("bob", "putdraft", draft)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await users.AskAsync("bob", "putdraft", new { name = "move", merge = true, change = new { entries = new[] { ConfigCalls.Set("nova", "other", 7) } } })).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await users.AskAsync("bob", "dropdraft", new { name = "move" })).Status);
        Assert.Equal(HttpStatusCode.OK, (await users.AskAsync("amy", "putdraft", draft)).Status);
        Assert.Equal(HttpStatusCode.OK, (await users.AskAsync("chief", "putdraft", draft)).Status);   // it is the chief's now
        Assert.Equal(HttpStatusCode.Forbidden, (await users.AskAsync("amy", "dropdraft", new { name = "move" })).Status);
        Assert.Equal(HttpStatusCode.OK, (await users.AskAsync("root", "dropdraft", new { name = "move" })).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await users.AskAsync("amy", "putdraft", new { name = "x", change = new { entries = new[] { ConfigCalls.Set("glance", "plain", 7) } } })).Status);
    }

    [Fact]
    public async Task A_stream_ends_with_the_next_change_when_its_user_may_not_have_it_any_more()
    {
        (MemberCluster cluster, ConfigUsers users) = await StartAsync();
        await using var _ = cluster;
        await using var __ = users;
        CancellationToken cancelled = TestContext.Current.CancellationToken;
        var changes = new (string User, Func<Task> Change)[]
        {
            ("role", async () => await users.Root.Auth.RevokePermissionAsync("of-role", KeyRange.Prefix($"{Space}e/nova/"), cancelled)),
            ("node", async () => await users.Root.Auth.RevokePermissionAsync("of-node", KeyRange.Single($"{Space}n/c1"), cancelled)),
            ("grant", async () => await users.Root.Auth.RevokeRoleAsync("grant", "of-grant", cancelled)),
            ("gone", async () => await users.Root.Auth.DeleteUserAsync("gone", cancelled)),
            ("password", async () => await users.Root.Auth.ChangePasswordAsync("password", "other", cancelled)),
        };
        await users.AddAsync("stays", $"r:{Space}n/c1", $"r:{Space}e/nova/");
        foreach (string user in changes.Select(c => c.User)) await users.AddAsync(user, $"r:{Space}n/c1", $"r:{Space}e/nova/");
        var streams = new Dictionary<string, StreamReader>();
        foreach (string user in changes.Select(c => c.User).Append("stays"))
        {
            streams[user] = await users.OpenAsync(user, "watch", new { node = "c1", documents = new[] { "nova" } });
            Assert.Contains("\"plain\"", await NextAsync(user), StringComparison.Ordinal);
        }

        foreach (Func<Task> change in changes.Select(c => c.Change)) await change();
        (HttpStatusCode status, string text) = await users.AskAsync("root", "publish", Publish(ConfigCalls.Set("nova", "plain", "news")));
        Assert.True(status == HttpStatusCode.OK, text);
        foreach (string user in changes.Select(c => c.User))
        {
            string last = await NextAsync(user);
            Assert.True(last.Contains("permission denied", StringComparison.Ordinal) && !last.Contains("news", StringComparison.Ordinal), $"{user}: {last}");
        }

        Assert.Contains("news", await NextAsync("stays"), StringComparison.Ordinal);
        foreach (StreamReader stream in streams.Values) stream.Dispose();

        async Task<string> NextAsync(string user) => await streams[user].ReadLineAsync(cancelled).AsTask().WaitAsync(TimeSpan.FromSeconds(60), cancelled) ?? "";
    }

    [Fact]
    public async Task A_stream_of_nobody_ends_when_access_control_is_switched_on()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1, (o, _) => o with { PasswordCost = 4 });
        TestNode node = cluster.Any();
        await node.AddNodesAsync(("c1", "compute"));
        await node.SetAsync("nova", "plain", 1);
        await using var users = new ConfigUsers(node);
        using StreamReader stream = await users.OpenAsync("nobody", "watch", new { node = "c1", documents = new[] { "nova" } });
        Assert.Contains("\"plain\"", await stream.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        await users.EnableAsync();
        await users.AskAsync("root", "publish", Publish(ConfigCalls.Set("nova", "plain", "news")));
        Assert.Contains("user name is empty", await stream.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Documents_that_somebody_may_not_read_are_not_named_to_him()
    {
        (MemberCluster cluster, ConfigUsers users) = await StartAsync();
        await using var _ = cluster;
        await using var __ = users;
        await users.AddAsync("amy", $"r:{Space}e/nova/", $"r:{Space}k/");
        object why = new { subject = Node, document = "nova", key = "plain" };
        Assert.Contains("glance", (await users.AskAsync("root", "explain", why)).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("glance", (await users.AskAsync("amy", "explain", why)).Text, StringComparison.Ordinal);
        Assert.Contains("glance", (await users.AskAsync("root", "releases", new { document = "nova" })).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("glance", (await users.AskAsync("amy", "releases", new { document = "nova" })).Text, StringComparison.Ordinal);
        await users.AskAsync("root", "publish", Publish(ConfigCalls.Set("glance", "s", "%{secret:mq/nova}"), ConfigCalls.Set("nova", "s", "%{secret:mq/nova}")));
        Assert.Contains("glance s", (await users.AskAsync("root", "secrets", new { })).Text, StringComparison.Ordinal);
        string listed = (await users.AskAsync("amy", "secrets", new { })).Text;
        Assert.Contains("nova s", listed, StringComparison.Ordinal);
        Assert.DoesNotContain("glance", listed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sealed_value_of_one_key_is_not_taken_to_another_by_who_may_not_use_secrets()
    {
        (MemberCluster cluster, ConfigUsers users) = await StartAsync();
        await using var _ = cluster;
        await using var __ = users;
        await users.AskAsync("root", "publish", new { reason = "r", change = new { schemas = new[] { new { document = "nova", key = "password", schema = "{\"secret\":true}" } }, entries = new[] { ConfigCalls.Set("nova", "password", "hunter2") } } });
        string name = JsonDocument.Parse((await users.AskAsync("root", "secrets", new { prefix = "entry/" })).Text).RootElement.GetProperty("secrets")[0].GetProperty("name").GetString()!;
        await users.AddAsync("amy", $"w:{Space}e/");
        Assert.Equal(HttpStatusCode.Forbidden, (await users.AskAsync("amy", "publish", Publish(ConfigCalls.Set("nova", "plain", $"%{{secret:{name}}}")))).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await users.AskAsync("amy", "putdraft", new { name = "d", change = new { entries = new[] { ConfigCalls.Set("nova", "plain", $"%{{secret:{name}}}") } } })).Status);
        Assert.Equal(HttpStatusCode.OK, (await users.AskAsync("amy", "publish", Publish(ConfigCalls.Set("nova", "password", $"%{{secret:{name}}}", "host=c1")))).Status);
        Assert.Equal(HttpStatusCode.OK, (await users.AskAsync("amy", "publish", Publish(ConfigCalls.Set("nova", "password", "hunter3")))).Status);
    }

    [Fact]
    public async Task An_earlier_sealed_value_of_a_key_does_not_reach_who_knows_its_name_by_a_reference_to_that_key()
    {
        (MemberCluster cluster, ConfigUsers users) = await StartAsync();
        await using var _ = cluster;
        await using var __ = users;
        await users.AskAsync("root", "publish", new { reason = "r", change = new { schemas = new[] { new { document = "app", key = "pass", schema = "{\"secret\":true}" } }, entries = new[] { ConfigCalls.Set("app", "pass", "hunter1") } } });
        string name = JsonDocument.Parse((await users.AskAsync("root", "secrets", new { prefix = "entry/" })).Text).RootElement.GetProperty("secrets")[0].GetProperty("name").GetString()!;
        await users.AskAsync("root", "publish", Publish(ConfigCalls.Set("app", "pass", "hunter2")));
        await users.AddAsync("amy", $"r:{Space}e/app/", $"w:{Space}e/app/");
        object[] both = [ConfigCalls.Set("app", "pass", $"%{{secret:{name}}}"), ConfigCalls.Set("app", "url", "u:%{key:pass}")];
        Assert.Equal(HttpStatusCode.Forbidden, (await users.AskAsync("amy", "publish", Publish(both))).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await users.AskAsync("amy", "putdraft", new { name = "d", change = new { entries = both } })).Status);
        await users.AskAsync("root", "putdraft", new { name = "roots", change = new { entries = both } });
        Assert.Equal(HttpStatusCode.OK, (await users.AskAsync("root", "publish", new { reason = "r", draft = "roots" })).Status);
    }

    [Fact]
    public async Task What_somebody_may_not_read_or_use_does_not_reach_him_by_a_reference_to_a_key()
    {
        (MemberCluster cluster, ConfigUsers users) = await StartAsync();
        await using var _ = cluster;
        await using var __ = users;
        await PublishAsync(ConfigCalls.Set("nova", "password", "%{secret:mq/nova}", "host=c2"), ConfigCalls.Set("nova", "url", "amqp://%{key:password|none}"), ConfigCalls.Set("mid", "hop", "%{doc:nova/url}"),
            ConfigCalls.Set("mid", "map", new Dictionary<string, string> { ["open"] = "1", ["hidden"] = "%{secret:mq/nova}" }), ConfigCalls.Set("app", "was", "%{doc:nova/plain}"), ConfigCalls.Set("app", "own", "%{secret:mq/nova}"));
        await users.AddAsync("amy", $"r:{Space}e/app/", $"w:{Space}e/app/", $"r:{Space}n/c1");
        await users.AddAsync("bob", $"r:{Space}e/", $"w:{Space}e/app/");
        await users.AddAsync("cat", $"r:{Space}e/app/", $"w:{Space}e/app/", $"r:{Space}k/mq/");
        await users.AddAsync("dan", $"r:{Space}e/", $"w:{Space}e/app/", $"r:{Space}k/mq/");
        var wrong = new List<string>();
        foreach ((string value, string may) in new[]
        {
            ("%{doc:nova/plain}", "bob dan"), ("at %{text:node:c2/nova/plain|0}", "bob dan"), ("%{doc:nova/absent|x}", "bob dan"),
            ("%{doc:nova/password|x}", "dan"), ("%{node:c2/nova/url}", "dan"), ("%{doc:mid/hop}", "dan"), ("%{doc:mid/map#/open}", "dan"),
            ("%{key:own}", "cat dan"), ("%{key:was}", "amy bob cat dan"),
        })
        {
            foreach (string user in new[] { "amy", "bob", "cat", "dan" })
            {
                bool isAllowed = may.Contains(user, StringComparison.Ordinal);
                object entry = ConfigCalls.Set("app", "x", value, "host=c1");
                await ExpectAsync(user, "putdraft", new { name = "by-" + user, change = new { entries = new[] { entry } } }, isAllowed);
                await ExpectAsync(user, "publish", Publish(entry), isAllowed);
                if (isAllowed) await PublishAsync(ConfigCalls.Set("app", "x", "", "host=c1"));   // else it would not be new for the next one
                if (value == "%{doc:nova/plain}") await ExpectAsync(user, "plan", new { change = new { entries = new[] { entry } } }, isAllowed);
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        // What is there already stays; another part of the same value is something else.
        await PublishAsync(ConfigCalls.Set("app", "y", "%{doc:nova/plain}"));
        await ExpectAsync("amy", "publish", Publish(ConfigCalls.Set("app", "y", "and %{doc:nova/plain|0}")), isAllowed: true);
        await ExpectAsync("amy", "publish", Publish(ConfigCalls.Set("app", "y", "%{doc:nova/plain#/0|0}")), isAllowed: false);
        // A draft that has both the value and the reference to it is its author's, also when it was sealed meanwhile.
        await users.AskAsync("root", "publish", new { reason = "r", change = new { schemas = new[] { new { document = "app", key = "pass", schema = "{\"secret\":true}" } } } });
        await ExpectAsync("amy", "putdraft", new { name = "both", change = new { entries = new[] { ConfigCalls.Set("app", "pass", "hunter2"), ConfigCalls.Set("app", "url", "u:%{key:pass}") } } }, isAllowed: true);
        await ExpectAsync("amy", "publish", new { reason = "r", draft = "both" }, isAllowed: true);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        async Task PublishAsync(params object[] entries)
        {
            (HttpStatusCode status, string text) = await users.AskAsync("root", "publish", Publish(entries));
            Assert.True(status == HttpStatusCode.OK, text);
        }

        async Task ExpectAsync(string user, string method, object request, bool isAllowed)
        {
            (HttpStatusCode status, string text) = await users.AskAsync(user, method, request);
            if (status != (isAllowed ? HttpStatusCode.OK : HttpStatusCode.Forbidden)) wrong.Add($"{user} {method} {JsonSerializer.Serialize(request)}: {text}");
        }
    }
}
