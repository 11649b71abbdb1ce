using System.Security.Cryptography;
using System.Text;
using Conclave.Client;
using Conclave.Node.Tests.Nodes;
using Conclave.Wire.V1;

namespace Conclave.Node.Tests.Configuration;

/// <summary>Goes over all methods of the service: secrets that were written come out of none of them, unless they are asked for by who may.</summary>
public class RedactionTests
{
    private static readonly string[] Secrets = [.. Enumerable.Range(0, 6).Select(_ => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12)))];

    private static string Entry => Secrets[0];     // the literal of a secret key
    private static string Named => Secrets[1];     // a secret by name, used by a key that is not secret
    private static string Drafted => Secrets[2];   // in a draft
    private static string Nested => Secrets[3];    // in a list of a secret key
    private static string Overtaken => Secrets[4]; // in clear until its key became secret
    private static string Refused => Secrets[5];   // in changes that are refused

    private static readonly object Node = new { node = "c1" };

    /// <summary>By method: what is asked. Each request that could reveal something is there without reveal.</summary>
    private static readonly Dictionary<string, object[]> Requests = new()
    {
        ["Get"] = [new { subject = Node, document = "nova" }, new { subject = new { }, document = "nova" }, new { subject = Node, document = "nova", at = new { draft = "d" } }, new { subject = Node, document = "nova", at = new { release = 3 } }],
        ["Explain"] = [.. new[] { "password", "url", "list", "late", "other", "derived" }.Select(key => new { subject = Node, document = "nova", key })],
        ["Compare"] = [new { a = Node, b = new { }, document = "nova" }, new { a = Node, b = new { node = "c2" } }],
        ["Search"] = [new { text = "a" }, new { text = Entry }, new { text = Named }, new { text = "%{" }],
        ["Documents"] = [new { }, new { document = "nova" }],
        ["WhoUses"] = [new { document = "nova", key = "password" }],
        ["Render"] = [.. new[] { "oslo-ini", "json", "yaml", "env-shell" }.Select(format => new { subject = Node, document = "nova", format })],
        ["Plan"] =
        [
            new { draft = "d" }, new { change = new { entries = new[] { ConfigCalls.Set("nova", "password", Drafted) } } }, new { change = new { entries = new[] { ConfigCalls.Set("nova", "short", Refused) } } },
            new { change = new { entries = new[] { ConfigCalls.Set("nova", "password", $"%{{{Refused}}}") } } }, new { change = new { entries = new[] { ConfigCalls.Set("nova", "other", "%{key:password}"), ConfigCalls.Set("nova", "typed", "%{key:password}") } } },
            new { change = new { schemas = new[] { new { document = "nova", key = "password", schema = "{}" } } } }, new { change = new { schemas = new[] { new { document = "nova", key = "password", schema = "{\"type\":\"integer\"}" } } } },
        ],
        ["Publish"] =
        [
            new { reason = "r", change = new { entries = new[] { ConfigCalls.Set("nova", "short", Refused) } } }, new { reason = "r", change = new { entries = new[] { ConfigCalls.Set("nova", "password", Refused + "%{x") } } },
            new { reason = "r", change = new { entries = new[] { new { document = "nova", scope = "*", key = "password", op = "set", value = Refused } } } }, new { reason = "r", @base = 1, change = new { entries = new[] { ConfigCalls.Set("nova", "password", Refused) } } },
            new { reason = "r", change = new { entries = new[] { ConfigCalls.Set("nova", "password", Entry) } } },
        ],
        ["Rollback"] = [new { to = 99, reason = "r" }],
        ["Releases"] = [new { }],
        ["Diff"] = [new { from = 2 }, new { from = 4, to = 5 }],
        ["Export"] = [new { }, new { documents = new[] { "nova" } }],
        ["PutDraft"] = [new { name = "e", change = new { entries = new[] { ConfigCalls.Set("nova", "password", Drafted) } } }, new { name = "e", change = new { entries = new[] { ConfigCalls.Set("nova", "short", Refused) } } }],
        ["Drafts"] = [new { }, new { name = "d" }],
        ["RebaseDraft"] = [new { name = "d", preview = true }],
        ["DropDraft"] = [new { name = "e" }],
        ["Nodes"] = [new { }],
        ["Watch"] = [],   // a node gets its secrets: see the test below
        ["Acknowledge"] = [new { node = "c1", states = new[] { new { document = "nova", state = "applied", release = 4 } } }],
        ["Fleet"] = [new { }],
        ["Rollouts"] = [new { }],
        ["SteerRollout"] = [new { release = 5, action = "pause" }],
        ["PutSecret"] = [new { name = "mq/nova", value = Refused }, new { name = "mq/nova", value = $"\"{Named}\"" }, new { name = "entry/x", value = $"\"{Refused}\"" }],
        ["Secrets"] = [new { }, new { prefix = "entry/" }],
        ["DropSecret"] = [new { name = "mq/nova" }, new { name = "none" }],
        ["RotateSecrets"] = [new { }],
    };

    [Fact]
    public void Every_method_of_the_service_is_decided() =>
        Assert.Equal(ConfigReflection.Descriptor.Services.Single().Methods.Select(m => m.Name).Order(StringComparer.Ordinal), Requests.Keys.Order(StringComparer.Ordinal));

    [Fact]
    public async Task No_answer_log_file_or_backup_has_a_secret_in_it()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(1, (o, _) => o with { SnapshotCount = 40 });
        TestNode node = cluster.Any();
        await WriteAsync(node);
        var asked = new StringBuilder();
        foreach ((string method, object[] requests) in Requests)
        {
            foreach (object request in requests)
            {
                (_, System.Text.Json.JsonElement answer) = await node.PostAsync("/v1/config/" + method.ToLowerInvariant(), request);
                Expect.Nothing(answer.GetRawText(), $"{method} {request}");
                asked.Append(method);
            }
        }

        Assert.Contains("RotateSecrets", asked.ToString(), StringComparison.Ordinal);
        await using var users = new ConfigUsers(node);
        await users.EnableAsync();
        await users.AddAsync("reader", "r:/conclave/default/e/", "w:/conclave/default/e/", "w:/conclave/default/s/");
        foreach ((string method, object[] requests) in Requests)
        {
            foreach (object request in requests) Expect.Nothing((await users.AskAsync("reader", method.ToLowerInvariant(), request)).Text, $"{method} {request} by who may not reveal");
        }

        foreach ((string method, object request) in Revealing)
        {
            Assert.Equal(System.Net.HttpStatusCode.Forbidden, (await users.AskAsync("reader", method, request)).Status);
            string answer = (await users.AskAsync("root", method, request)).Text;
            Assert.True(Expect.FormsOf(Entry).Any(answer.Contains), $"{method} does not reveal: {answer}");   // or all this would show nothing
        }

        for (int i = 0; i < 100; i++) await users.Root.PutAsync("filler", $"{i}", cancellationToken: TestContext.Current.CancellationToken);   // snapshots
        MemberStatus status = await users.Root.Maintenance.StatusAsync(cancellationToken: TestContext.Current.CancellationToken);
        await users.Root.CompactAsync(status.Header.Revision, physical: true, TestContext.Current.CancellationToken);
        using var backup = new MemoryStream();
        await users.Root.Maintenance.SnapshotAsync(backup, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(backup.Length > 1000);
        Expect.Nothing(Encoding.Latin1.GetString(backup.ToArray()), "the backup");
        Expect.Nothing(await node.GetTextAsync("/metrics"), "the metrics");
        Expect.Nothing(string.Join('\n', node.LogLines), "the log");
        Assert.Contains(node.LogLines, l => l.Contains("secrets revealed: user \"root\", /conclave.v1.Config/Render \"/conclave/default/e/nova/\"", StringComparison.Ordinal));
        Assert.Contains(node.LogLines, l => l.Contains("denied: user \"reader\", /conclave.v1.Config/Get", StringComparison.Ordinal));
        await cluster.StopAsync("n1");
        string[] files = Directory.GetFiles(cluster.Directory.Path, "*", SearchOption.AllDirectories);
        Assert.Contains(files, f => f.Contains("snap", StringComparison.OrdinalIgnoreCase));
        foreach (string file in files) Expect.Nothing(Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)), file);
    }

    private static readonly (string Method, object Request)[] Revealing =
    [
        ("get", new { subject = Node, document = "nova", reveal = true }),
        ("render", new { subject = Node, document = "nova", reveal = true }),
        ("export", new { reveal = true }),
        ("watch", new { node = "c1", documents = new[] { "nova" } }),
    ];

    private static async Task WriteAsync(TestNode node)
    {
        await node.AddNodesAsync(("c1", "compute"), ("c2", "control"));
        await node.PublishAsync(new
        {
            schemas = new[]
            {
                new { document = "nova", key = "password", schema = "{\"type\":\"string\",\"secret\":true}" },
                new { document = "nova", key = "list", schema = "{\"type\":\"list\",\"secret\":true,\"merge\":\"append\"}" },
                new { document = "nova", key = "short", schema = "{\"type\":\"string\",\"secret\":true,\"lengthMax\":3,\"choices\":[\"a\",\"b\"]}" },
                new { document = "nova", key = "typed", schema = "{\"type\":\"integer\"}" },
            },
        });
        await node.AskAsync("putsecret", new { name = "mq/nova", value = $"\"{Named}\"" });
        await node.PublishAsync(new
        {
            entries = new[]
            {
                ConfigCalls.Set("nova", "password", Entry), ConfigCalls.Set("nova", "list", new[] { Nested, "b" }), ConfigCalls.Set("nova", "url", "mq://nova:%{secret:mq/nova}@mq/"),
                ConfigCalls.Set("nova", "other", "x"), ConfigCalls.Set("nova", "derived", "p=%{key:password}"), ConfigCalls.Set("nova", "late", "x"), ConfigCalls.Set("nova", "password", Nested, "host=c2"),
            },
        });
        await node.PublishAsync(new { schemas = new[] { new { document = "nova", key = "late", schema = "{\"type\":\"string\",\"secret\":true}" } } });
        await node.SetAsync("nova", "late", Overtaken);
        await node.AskAsync("putdraft", new { name = "d", change = new { entries = new[] { ConfigCalls.Set("nova", "password", Drafted) } } });
    }

    private static class Expect
    {
        public static void Nothing(string text, string where)
        {
            foreach (string secret in Secrets)
            {
                foreach (string form in FormsOf(secret)) Assert.False(text.Contains(form, StringComparison.OrdinalIgnoreCase), $"secret {Array.IndexOf(Secrets, secret)} is in {where}: {(text.Length < 4000 ? text : "")}");
            }
        }

        /// <summary>As it is, as hex, and in base64 wherever it may begin.</summary>
        public static IEnumerable<string> FormsOf(string secret)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(secret);
            yield return secret;
            yield return Convert.ToHexStringLower(bytes);
            for (int before = 0; before < 3; before++)
            {
                string text = Convert.ToBase64String([.. new byte[before], .. bytes]);
                yield return text[(before == 0 ? 0 : before + 1)..(text.Length - 4)];
            }
        }
    }
}
