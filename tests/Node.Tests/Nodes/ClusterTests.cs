using System.Text.Json;
using Conclave.Node.Options;

namespace Conclave.Node.Tests.Nodes;

public sealed class ClusterTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private readonly TestNode?[] _nodes = new TestNode?[3];
    private NodeOptions[] _options = [];

    public async ValueTask InitializeAsync()
    {
        // Every hundred entries a snapshot, so that a member that was away for longer needs one.
        _options = [.. TestNode.Cluster(3, _directory).Select(o => o with { SnapshotCount = 100 })];
        for (int i = 0; i < 3; i++) _nodes[i] = await TestNode.StartAsync(_options[i]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (TestNode? node in _nodes)
        {
            if (node is not null) await node.DisposeAsync();
        }

        _directory.Dispose();
    }

    private TestNode Node(int i) => _nodes[i] ?? throw new InvalidOperationException($"Node {i} is stopped.");

    private async Task StopAsync(int i)
    {
        await Node(i).DisposeAsync();
        _nodes[i] = null;
    }

    [Fact]
    public async Task A_write_through_any_member_is_read_through_every_other()
    {
        for (int writer = 0; writer < 3; writer++)
        {
            await Node(writer).PutAsync("a", $"from {writer}");
            for (int reader = 0; reader < 3; reader++) Assert.Equal($"from {writer}", await Node(reader).GetAsync("a"));
        }
    }

    [Fact]
    public async Task The_member_that_answered_a_write_shows_it_to_a_local_read_at_once()
    {
        for (int i = 0; i < 30; i++)
        {
            await Node(i % 3).PutAsync("a", $"{i}");
            Assert.Equal($"{i}", await Node(i % 3).GetAsync("a", serializable: true));
        }
    }

    [Fact]
    public async Task The_cluster_goes_on_without_its_leader_and_the_leader_comes_back()
    {
        await Node(0).PutAsync("a", "1");
        int leader = await LeaderAsync();

        await StopAsync(leader);
        int other = (leader + 1) % 3;
        await Node(other).PutAsync("a", "2");
        _nodes[leader] = await TestNode.StartAsync(_options[leader]);

        Assert.Equal("2", await Node(leader).GetAsync("a"));
    }

    [Fact]
    public async Task A_member_that_fell_behind_the_log_catches_up_by_a_snapshot()
    {
        await Node(0).PutAsync("a", "1");
        int behind = (await LeaderAsync() + 1) % 3, writer = (behind + 1) % 3;
        await StopAsync(behind);
        string large = new('x', 200_000);
        // More bytes than are kept behind a snapshot.
        for (int i = 0; i < 300; i++) await Node(writer).PutAsync($"k{i % 100}", $"{i} {large}");

        _nodes[behind] = await TestNode.StartAsync(_options[behind]);

        for (int key = 0; key < 100; key += 9) Assert.Equal($"{key + 200} {large}", await Node(behind).GetAsync($"k{key}"));
        Assert.Equal(await HashAsync(writer), await HashAsync(behind));
    }

    [Fact]
    public async Task A_member_whose_snapshot_holds_everything_reads_without_waiting_for_a_write()
    {
        await Node(0).PutAsync("a", "1");
        int follower = (await LeaderAsync() + 1) % 3;
        // Its every entry becomes a snapshot, so after the next start there is nothing left in the log to apply.
        await StopAsync(follower);
        _nodes[follower] = await TestNode.StartAsync(_options[follower] with { SnapshotCount = 1 });
        await Node(follower).PutAsync("a", "2");
        await StopAsync(follower);
        _nodes[follower] = await TestNode.StartAsync(_options[follower]);

        Assert.Equal("2", await Node(follower).GetAsync("a"));
    }

    [Fact]
    public async Task All_members_know_each_other_by_name_and_client_address()
    {
        await Node(0).PutAsync("a", "1");
        for (int i = 0; i < 3; i++)
        {
            await TestNode.EventuallyAsync("the members have published their addresses", async () =>
                (await Node(i).PostAsync("/v3/cluster/member/list", new { })).Body is var list && list.TryGetProperty("members", out JsonElement members)
                && members.EnumerateArray().All(m => m.TryGetProperty("clientURLs", out _) && m.TryGetProperty("name", out _)));
        }
    }

    private async Task<int> LeaderAsync()
    {
        int leader = -1;
        await TestNode.EventuallyAsync("there is a leader", async () =>   // another one may just be elected
        {
            for (int i = 0; i < 3; i++)
            {
                (_, JsonElement status) = await Node(i).PostAsync("/v3/maintenance/status", new { });
                if (status.TryGetProperty("leader", out JsonElement id) && id.GetString() == status.GetProperty("header").GetProperty("member_id").GetString()) leader = i;
            }

            return leader >= 0;
        });
        return leader;
    }

    private async Task<string> HashAsync(int i)
    {
        await Node(i).GetAsync("a");   // linearizable: the state is as new as the others'
        (_, JsonElement hash) = await Node(i).PostAsync("/v3/maintenance/hashkv", new { });
        return hash.GetProperty("hash").GetRawText();
    }
}
