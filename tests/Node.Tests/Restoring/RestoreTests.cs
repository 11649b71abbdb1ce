using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Conclave.Node.Options;
using Conclave.Node.Restoring;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Restoring;

public sealed class RestoreTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_new_cluster_starts_from_the_backup_of_an_old_one()
    {
        NodeOptions alone = TestNode.Alone(_directory) with { DataDir = PathOf("old") };
        string oldCluster;
        await using (TestNode old = await TestNode.StartAsync(alone))
        {
            for (int i = 0; i < 20; i++) await old.PutAsync($"k{i % 3}", $"v{i}");
            Assert.Equal(HttpStatusCode.OK, (await old.PostAsync("/v3/lease/grant", new { ID = "77", TTL = 600 })).Status);
            await old.PostAsync("/v3/kv/put", new { key = TestNode.Base64("leased"), value = "", lease = "77" });
            await old.PostAsync("/v3/kv/compaction", new { revision = "5" });
            await old.PostAsync("/v3/maintenance/alarm", new { action = "ACTIVATE", memberID = "1", alarm = "NOSPACE" });
            oldCluster = await ClusterIdAsync(old);
            await SaveAsync(old, PathOf("backup"));
        }

        BackupFile backup = BackupFile.Open(PathOf("backup"));
        Assert.Equal(64, backup.Sha256.Length);
        NodeOptions[] members = [.. TestNode.Cluster(3, _directory)];
        foreach (NodeOptions member in members) ClusterRestore.Run(member, backup);
        List<TestNode> nodes = [];
        try
        {
            foreach (NodeOptions member in members) nodes.Add(await TestNode.StartAsync(member));
            Assert.Equal("v19", await nodes[0].GetAsync("k1"));
            Assert.NotEqual(oldCluster, await ClusterIdAsync(nodes[0]));
            (_, JsonElement past) = await nodes[1].PostAsync("/v3/kv/range", new { key = TestNode.Base64("k0"), revision = "6" });   // the history came too
            Assert.Equal("v3", System.Text.Encoding.UTF8.GetString(past.GetProperty("kvs")[0].GetProperty("value").GetBytesFromBase64()));
            Assert.Equal(22, TestNode.Revision(past));
            Assert.Equal(23, await nodes[2].PutAsync("after", "restore"));   // also: the alarm of the old cluster is not this one's
            foreach (TestNode node in nodes) await TestNode.EventuallyAsync("all have it", async () => await node.GetAsync("after", serializable: true) == "restore");
            (_, JsonElement leases) = await nodes[0].PostAsync("/v3/lease/timetolive", new { ID = "77", keys = true });
            Assert.Equal(TestNode.Base64("leased"), leases.GetProperty("keys")[0].GetString());
        }
        finally
        {
            foreach (TestNode node in nodes) await node.DisposeAsync();
        }

        // Once more, as an operator restarts it, and with the word that joiners use.
        await using TestNode again = await TestNode.StartAsync(members[0] with { InitialClusterState = ClusterState.Existing });
        await using TestNode other = await TestNode.StartAsync(members[1]);
        Assert.Equal("restore", await again.GetAsync("after"));
    }

    [Fact]
    public async Task What_is_not_a_whole_backup_is_refused_and_leaves_nothing_behind()
    {
        string path = PathOf("backup");
        await using (TestNode node = await TestNode.StartAsync(TestNode.Alone(_directory) with { DataDir = PathOf("old") }))
        {
            for (int i = 0; i < 30; i++) await node.PutAsync($"key {i}", new string('v', 100));
            await SaveAsync(node, path);
        }

        byte[] whole = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        Assert.True(whole.Length > 1200);
        foreach (int at in (int[])[0, 9, whole.Length / 2, whole.Length - 33, whole.Length - 1])
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 1;
            Assert.Contains("is damaged", Refusal(damaged));
        }

        foreach (int length in (int[])[0, 31, 32, 544, whole.Length - 512, whole.Length - 1])
            Assert.Matches("cut short|is damaged", Refusal(whole[..length]));
        Assert.Contains("etcd", Refusal([.. new byte[16], 0xED, 0xDA, 0x0C, 0xED, .. new byte[2000]]));
        Assert.Contains("not a saved Conclave state", Refusal(Sealed(new byte[512])));
        byte[] newer = whole[..^32];
        newer[8] = 99;   // the format
        Assert.Contains("format 99", Refusal(Sealed(newer)));
        Assert.Contains("cannot be read", Assert.Throws<BackupException>(() => BackupFile.Open(PathOf("nothing"))).Message);
        Assert.False(Directory.Exists(PathOf("new")));
    }

    [Fact]
    public async Task A_directory_that_holds_something_is_left_alone()
    {
        NodeOptions options = TestNode.Alone(_directory) with { DataDir = PathOf("old") };
        await using (TestNode node = await TestNode.StartAsync(options)) await SaveAsync(node, PathOf("backup"));
        BackupFile backup = BackupFile.Open(PathOf("backup"));
        Assert.Contains("is not empty: it holds member", Assert.Throws<BackupException>(() => ClusterRestore.Run(options, backup)).Message);
        Directory.CreateDirectory(PathOf("empty"));
        ClusterRestore.Run(options with { DataDir = PathOf("empty") }, backup);
        Assert.Contains("is not empty", Assert.Throws<BackupException>(() => ClusterRestore.Run(options with { DataDir = PathOf("empty") }, backup)).Message);
    }

    [Fact]
    public async Task The_command_needs_no_more_than_the_file_the_name_and_the_members()
    {
        await using (TestNode node = await TestNode.StartAsync(TestNode.Alone(_directory) with { DataDir = PathOf("old") }))
        {
            await node.PutAsync("k", "v");
            await SaveAsync(node, PathOf("backup"));
        }

        (int code, string text) = Run(PathOf("backup"), "--check");
        Assert.Equal(0, code);
        Assert.Contains("revision 2, 1 keys, 0 leases", text);
        (code, text) = Run(PathOf("backup"), "--name", "b", "--data-dir", PathOf("b"), "--initial-cluster=a=http://127.0.0.1:1,b=http://127.0.0.1:2,c=http://127.0.0.1:3");
        Assert.True(code == 0, text);
        Assert.True(Directory.Exists(PathOf("b/member")));
        (code, text) = Run(PathOf("backup"), "--name", "d", "--data-dir", PathOf("d"), "--initial-cluster=a=http://127.0.0.1:1,b=http://127.0.0.1:2,c=http://127.0.0.1:3");
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains("does not name this member", text);
        Assert.Equal(ExitCodes.Usage, Run().Code);
        Assert.Equal(ExitCodes.Data, Run(PathOf("nothing"), "--check").Code);
    }

    internal static async Task SaveAsync(TestNode node, string path)
    {
        using var http = new HttpClient { BaseAddress = node.Options.ListenClientUrls[0] };
        using HttpResponseMessage response = await http.PostAsJsonAsync("/v3/maintenance/snapshot", new { }, TestContext.Current.CancellationToken);
        string[] lines = (await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await using FileStream file = File.Create(path);
        foreach (string line in lines) file.Write(JsonDocument.Parse(line).RootElement.GetProperty("result").GetProperty("blob").GetBytesFromBase64());
    }

    private static async Task<string> ClusterIdAsync(TestNode node) =>
        (await node.PostAsync("/v3/maintenance/status", new { })).Body.GetProperty("header").GetProperty("cluster_id").GetString()!;

    private static (int Code, string Text) Run(params string[] arguments)
    {
        using var text = new StringWriter();
        return (RestoreCommand.Run(arguments, [], text, text), text.ToString());
    }

    /// <summary>With the right checksum behind it.</summary>
    private static byte[] Sealed(byte[] content) => [.. content, .. System.Security.Cryptography.SHA256.HashData(content)];

    private string Refusal(byte[] content)
    {
        string path = PathOf("damaged");
        File.WriteAllBytes(path, content);
        return Assert.Throws<BackupException>(() => ClusterRestore.Run(new NodeOptions { DataDir = PathOf("new") }, BackupFile.Open(path))).Message;
    }

    private string PathOf(string name) => Path.Combine(_directory.Path, name);
}
