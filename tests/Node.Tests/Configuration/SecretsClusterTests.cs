using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Conclave.Layers.Serving.Secrets;
using Conclave.Node.Configuration;
using Conclave.Node.Options;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Configuration;

[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]   // as are the modes of files
public class SecretsClusterTests
{
    private static readonly string First = SecretKeyRing.LineOf(RandomNumberGenerator.GetBytes(SecretKeyRing.KeyBytes)), Second = SecretKeyRing.LineOf(RandomNumberGenerator.GetBytes(SecretKeyRing.KeyBytes));

    private static string KeyFile(TemporaryDirectory directory, string member, params string[] keys)
    {
        string path = Path.Combine(directory.Path, member + ".key");
        File.WriteAllLines(path, keys);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return path;
    }

    private static Task<MemberCluster> ThreeAsync() => MemberCluster.StartAsync(3, (o, d) => o with { SecretsKeyFile = KeyFile(d, o.Name, First) });

    private static object Reveal(string key = "password") => new { subject = new { node = "c1" }, document = "nova", keys = new[] { key }, reveal = true };

    private static async Task WriteAsync(TestNode node)
    {
        await node.AddNodesAsync(("c1", "compute"));
        await node.AskAsync("putsecret", new { name = "mq", value = "\"rabbit\"" });
        await node.PublishAsync(new { schemas = new[] { new { document = "nova", key = "password", schema = "{\"secret\":true}" } } });
        await node.PublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "password", "hunter2"), ConfigCalls.Set("nova", "url", "mq://%{secret:mq}@mq"), ConfigCalls.Set("glance", "n", 1) } });
    }

    private static async Task<string?> RevealedAsync(TestNode node, string key = "password") => ConfigCalls.List(await node.AskAsync("get", Reveal(key)), "items")[0].GetProperty("value").GetString();

    [Fact]
    public async Task Keys_are_rotated_on_a_cluster_that_runs_and_nothing_is_lost()
    {
        await using MemberCluster cluster = await ThreeAsync();
        await WriteAsync(cluster.Node("n1"));
        string hash = await cluster.Node("n2").DocumentAsync("c1", "nova");
        foreach (string name in (string[])["n1", "n2", "n3"])   // first everybody can open with both, the new one in front
        {
            await cluster.StopAsync(name);
            cluster.Reconfigure(name, o => o with { SecretsKeyFile = KeyFile(cluster.Directory, name, Second, First) });
            await cluster.StartAsync(name);
            await TestNode.EventuallyAsync("it opens", async () => (await cluster.Node(name).PostAsync("/v1/config/get", Reveal())).Status == HttpStatusCode.OK);
        }

        JsonElement rotated = await cluster.Node("n2").AskAsync("rotatesecrets", new { space = "*" });
        Assert.Equal(2, ConfigCalls.Number(rotated, "rewrapped"));
        Assert.Equal(0, ConfigCalls.Number(await cluster.Node("n1").AskAsync("rotatesecrets", new { }), "rewrapped"));
        foreach (string name in (string[])["n1", "n2", "n3"])
        {
            await cluster.StopAsync(name);
            cluster.Reconfigure(name, o => o with { SecretsKeyFile = KeyFile(cluster.Directory, name, Second) });
            await cluster.StartAsync(name);
            await TestNode.EventuallyAsync("it opens", async () => (await cluster.Node(name).PostAsync("/v1/config/get", Reveal())).Status == HttpStatusCode.OK);
            Assert.Equal(("\"hunter2\"", "\"mq://rabbit@mq\""), (await RevealedAsync(cluster.Node(name)), await RevealedAsync(cluster.Node(name), "url")));
        }

        Assert.Equal(hash, await cluster.Node("n3").DocumentAsync("c1", "nova"));
    }

    [Fact]
    public async Task A_member_without_the_key_says_so_and_serves_everything_else()
    {
        await using MemberCluster cluster = await ThreeAsync();
        await WriteAsync(cluster.Node("n1"));
        await cluster.StopAsync("n3");
        cluster.Reconfigure("n3", o => o with { SecretsKeyFile = KeyFile(cluster.Directory, "n3", Second) });
        TestNode other = await cluster.StartAsync("n3");
        await TestNode.EventuallyAsync("it serves", async () => (await other.PostAsync("/v1/config/get", new { subject = new { node = "c1" }, document = "nova" })).Status == HttpStatusCode.OK);
        (HttpStatusCode status, JsonElement body) = await other.PostAsync("/v1/config/get", Reveal());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("which this member does not have. Add that key to the file of --secrets-key-file", ConfigCalls.MessageOf(body), StringComparison.Ordinal);
        (status, body) = await other.PostAsync("/v1/config/render", new { subject = new { node = "c1" }, document = "nova", reveal = true });
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        (status, body) = await other.PostAsync("/v1/config/rotatesecrets", new { });
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("2 cannot be opened here", ConfigCalls.MessageOf(body), StringComparison.Ordinal);
        Assert.Equal(await cluster.Node("n1").DocumentAsync("c1", "nova"), await other.DocumentAsync("c1", "nova"));
        await using (WatchedNode watched = await WatchedNode.StartAsync(other, "c1", "glance"))
        {
            await watched.NextAsync();
            Assert.Equal("1", watched.Values["n"]);
        }

        await other.SetAsync("glance", "n", 2);
        Assert.Equal("\"hunter2\"", await RevealedAsync(cluster.Node("n1")));
    }

    [Fact]
    public async Task Without_keys_secrets_are_refused_with_what_to_do_and_the_rest_works()
    {
        await using MemberCluster cluster = await MemberCluster.StartAsync(3);
        TestNode node = cluster.Any();
        await node.AddNodesAsync(("c1", "compute"));
        await node.PublishAsync(new { schemas = new[] { new { document = "nova", key = "password", schema = "{\"secret\":true}" } } });
        (HttpStatusCode status, JsonElement body) = await node.TryPublishAsync(new { entries = new[] { ConfigCalls.Set("nova", "password", "hunter2") } });
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("conclave keygen secrets FILE", ConfigCalls.MessageOf(body), StringComparison.Ordinal);
        (status, body) = await node.PostAsync("/v1/config/putsecret", new { name = "mq", value = "1" });
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("conclave keygen secrets FILE", ConfigCalls.MessageOf(body), StringComparison.Ordinal);
        await node.SetAsync("nova", "plain", 1);
    }

    [Fact]
    public async Task Members_that_start_again_open_what_was_sealed_before()
    {
        await using MemberCluster cluster = await ThreeAsync();
        await WriteAsync(cluster.Node("n1"));
        foreach (string name in (string[])["n1", "n2", "n3"]) await cluster.StopAsync(name);
        await Task.WhenAll(((string[])["n1", "n2", "n3"]).Select(cluster.StartAsync));
        await TestNode.EventuallyAsync("it serves", async () => (await cluster.Node("n2").PostAsync("/v1/config/get", Reveal())).Status == HttpStatusCode.OK);
        Assert.Equal("\"hunter2\"", await RevealedAsync(cluster.Node("n2")));
    }

    [Fact]
    public async Task A_watcher_at_another_member_gets_a_new_version()
    {
        await using MemberCluster cluster = await ThreeAsync();
        await WriteAsync(cluster.Node("n1"));
        await cluster.Node("n2").DocumentAsync("c1", "nova");
        await using WatchedNode watched = await WatchedNode.StartAsync(cluster.Node("n2"), "c1", "nova");
        await watched.NextAsync();
        await cluster.Node("n3").AskAsync("putsecret", new { name = "mq", value = "\"hare\"" });
        while (watched.Values["url"] != "\"mq://hare@mq\"") await watched.NextAsync();
        Assert.False(watched.WasWhole);
    }

    [Fact]
    public void A_key_file_that_others_can_read_or_that_is_none_is_refused()
    {
        using var directory = new TemporaryDirectory();
        NodeOptions options = TestNode.Alone(directory);
        Assert.Null(SecretsKeyFile.Open(TestNode.Cluster(3, directory)[0]));
        SecretKeyRing made = SecretsKeyFile.Open(options)!;
        Assert.Equal(made.ActiveId, SecretsKeyFile.Open(options)!.ActiveId);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(directory.Path, SecretsKeyFile.OwnName)));

        string file = KeyFile(directory, "x", First);
        Assert.NotNull(SecretsKeyFile.Open(options with { SecretsKeyFile = file }));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.Contains("chmod 600", Assert.Throws<SecretsKeyException>(() => SecretsKeyFile.Open(options with { SecretsKeyFile = file })).Message, StringComparison.Ordinal);
        file = KeyFile(directory, "y", "rubbish");
        SecretsKeyException refused = Assert.Throws<SecretsKeyException>(() => SecretsKeyFile.Open(options with { SecretsKeyFile = file }));
        Assert.DoesNotContain("rubbish", refused.Message, StringComparison.Ordinal);
        Assert.Contains("keygen", Assert.Throws<SecretsKeyException>(() => SecretsKeyFile.Open(options with { SecretsKeyFile = "/nowhere" })).Message, StringComparison.Ordinal);
    }
}
