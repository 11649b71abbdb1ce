using System.Globalization;
using System.Net;
using System.Text.Json;
using Conclave.Node.Options;
using Conclave.Storage;

namespace Conclave.Node.Tests.Nodes;

/// <summary>A cluster of nodes in this process whose members come and go; every call goes to a member that runs.</summary>
internal sealed class MemberCluster : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Dictionary<string, NodeOptions> _options = [];
    private readonly SortedDictionary<string, TestNode> _running = [];
    private readonly HashSet<string> _joining = [];
    private Func<string, IFileSystem>? _disks;

    /// <summary>What a member list says of a member.</summary>
    public sealed record Listed(string Id, string Name, bool IsLearner, string[] PeerUrls);

    public TemporaryDirectory Directory => _directory;

    /// <param name="members">How many.</param>
    /// <param name="change">Flags of one.</param>
    /// <param name="disks">The disk of one, by name; the same one for each start. Null is the real one.</param>
    public static async Task<MemberCluster> StartAsync(int members, Func<NodeOptions, TemporaryDirectory, NodeOptions>? change = null, Func<string, IFileSystem>? disks = null)
    {
        var cluster = new MemberCluster { _disks = disks };
        foreach (NodeOptions options in TestNode.Cluster(members, cluster._directory)) cluster._options.Add(options.Name, change?.Invoke(options, cluster._directory) ?? options);
        foreach (string name in cluster._options.Keys) await cluster.StartAsync(name);
        await cluster.Any().PutAsync("started", "yes");
        return cluster;
    }

    public NodeOptions Options(string name) => _options[name];

    /// <summary>Other flags from the next start on.</summary>
    public void Reconfigure(string name, Func<NodeOptions, NodeOptions> change) => _options[name] = change(_options[name]);

    public TestNode Node(string name) => _running[name];

    /// <summary>A member that votes and has said its name.</summary>
    public TestNode Any() => _running.First(m => !_joining.Contains(m.Key)).Value;

    /// <summary>As <see cref="Any"/>, but not this one.</summary>
    public TestNode Other(string name) => _running.First(m => m.Key != name && !_joining.Contains(m.Key)).Value;

    public async Task<TestNode> StartAsync(string name) => _running[name] = await TestNode.StartAsync(_options[name], _disks?.Invoke(name));

    public async Task StopAsync(string name)
    {
        if (_running.Remove(name, out TestNode? node)) await node.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (TestNode node in _running.Values) await node.DisposeAsync();
        _directory.Dispose();
    }

    public async Task<Listed[]> ListAsync(TestNode? asked = null)
    {
        (HttpStatusCode status, JsonElement body) = await (asked ?? Any()).PostAsync("/v3/cluster/member/list", new { });
        Assert.Equal(HttpStatusCode.OK, status);
        return Read(body);
    }

    public async Task<string> IdOfAsync(string name) => (await ListAsync()).Single(m => m.Name == name).Id;

    public async Task<string> LeaderAsync()
    {
        string? leader = null;
        await TestNode.EventuallyAsync("there is a leader", async () =>
        {
            foreach ((string name, TestNode node) in _running)
            {
                (_, JsonElement status) = await node.PostAsync("/v3/maintenance/status", new { });
                if (status.TryGetProperty("leader", out JsonElement id) && id.GetString() == status.GetProperty("header").GetProperty("member_id").GetString()) leader = name;
            }

            return leader is not null;
        });
        return leader!;
    }

    /// <summary>Moves the leadership there, wherever it is.</summary>
    public async Task LeadAsync(string name)
    {
        await IsListedAsync(name);
        string id = await IdOfAsync(name);
        await TestNode.EventuallyAsync($"{name} leads", async () =>
        {
            string leader = await LeaderAsync();
            return leader == name || (await Node(leader).PostAsync("/v3/maintenance/transfer-leadership", new { targetID = id })).Status == HttpStatusCode.OK;
        });
    }

    public async Task<string> FollowerAsync()
    {
        string leader = await LeaderAsync();
        return _running.Keys.First(name => name != leader);
    }

    /// <summary>Adds a member and starts it.</summary>
    public async Task<TestNode> JoinAsync(string name, bool isLearner = false)
    {
        (HttpStatusCode status, JsonElement body) = await AddAsync(name, isLearner);
        Assert.True(status == HttpStatusCode.OK, body.GetRawText());
        _joining.Add(name);
        return await StartAsync(name);
    }

    /// <summary>Adds a member that does not run yet.</summary>
    public Task<(HttpStatusCode Status, JsonElement Body)> AddAsync(string name, bool isLearner)
    {
        _options[name] = TestNode.Joiner(name, _directory, _options.Values.Where(o => _running.ContainsKey(o.Name)));
        return Any().PostAsync("/v3/cluster/member/add", new { peerURLs = _options[name].ListenPeerUrls.Select(NodeOptions.Plain), isLearner });
    }

    /// <summary>A change that has to succeed; tried again while the cluster says that it is busy with something else.</summary>
    public async Task<Listed[]> ChangeAsync(string what, string name)
    {
        await IsListedAsync(name);
        string id = await IdOfAsync(name);
        JsonElement answer = default;
        await TestNode.EventuallyAsync($"{what} {name}", async () =>
        {
            (HttpStatusCode status, answer) = await Any().PostAsync($"/v3/cluster/member/{what}", new { ID = id });
            return status == HttpStatusCode.OK;
        });
        return Read(answer);
    }

    /// <summary>Waits until all agree that it votes, itself included.</summary>
    public async Task IsVoterAsync(string name)
    {
        await TestNode.EventuallyAsync($"{name} votes", async () => (await ListAsync()).Any(m => m.Name == name && !m.IsLearner));
        await TestNode.EventuallyAsync($"{name} knows that it votes", async () => (await Node(name).PostAsync("/v3/cluster/member/list", new { })).Status == HttpStatusCode.OK);
        _joining.Remove(name);
    }

    /// <summary>Once a member has said its name, it has caught up far enough to be a member for everybody.</summary>
    public Task IsListedAsync(string name) => TestNode.EventuallyAsync($"{name} is in the list", async () => (await ListAsync()).Any(m => m.Name == name));

    public Task ReadsAsync(string name, string key, string value) => TestNode.EventuallyAsync($"{name} has {key}={value}", async () =>
        (await Node(name).PostAsync("/v3/kv/range", new { key = TestNode.Base64(key), serializable = true })).Body.TryGetProperty("kvs", out JsonElement kvs)
        && kvs[0].GetProperty("value").GetString() == TestNode.Base64(value));

    public static string MessageOf(JsonElement answer) => answer.GetProperty("message").GetString()!;

    public static ulong Number(string id) => ulong.Parse(id, CultureInfo.InvariantCulture);

    private static Listed[] Read(JsonElement answer) =>
    [
        .. answer.GetProperty("members").EnumerateArray().Select(m => new Listed(
            m.GetProperty("ID").GetString()!,
            m.TryGetProperty("name", out JsonElement name) ? name.GetString()! : "",
            m.TryGetProperty("isLearner", out JsonElement learner) && learner.GetBoolean(),
            [.. m.GetProperty("peerURLs").EnumerateArray().Select(url => url.GetString()!)])),
    ];
}
