using System.Net;
using System.Text.Json;
using Conclave.Storage;

namespace Conclave.Node.Tests.Nodes;

/// <summary>The leader's disk stalls or fails, and the others go on. With the driver, the threads and the sockets that a server has.</summary>
public sealed class FailingDiskTests : IAsyncLifetime
{
    private readonly Dictionary<string, LockedFileSystem> _disks = [];
    private MemberCluster? _started;

    private MemberCluster Cluster => _started ?? throw new InvalidOperationException("It has not started.");

    public async ValueTask InitializeAsync()
    {
        for (int i = 1; i <= 3; i++) _disks.Add($"n{i}", new LockedFileSystem(new SimulatedFileSystem(seed: (ulong)i)));
        _started = await MemberCluster.StartAsync(3, disks: name => _disks[name]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (LockedFileSystem disk in _disks.Values) disk.ReleaseSyncs();
        if (_started is not null) await _started.DisposeAsync();
    }

    [Fact]
    public async Task A_leader_whose_disk_stalls_lets_another_one_lead_and_follows_it_when_the_disk_goes_on()
    {
        string stalled = await Cluster.LeaderAsync();
        _disks[stalled].HoldSyncs();
        Task<(HttpStatusCode Status, JsonElement Body)> begun = Cluster.Node(stalled).PostAsync("/v3/kv/put", new { key = TestNode.Base64("begun"), value = TestNode.Base64("yes") });

        string other = _disks.Keys.First(name => name != stalled);
        await TestNode.EventuallyAsync("another one leads", async () => await LeaderSeenByAsync(other) is { } leader && leader != await IdOfAsync(stalled));
        await Cluster.Node(other).PutAsync("meanwhile", "yes");
        // It hears the new leader although nothing it was asked to write is on its disk.
        await TestNode.EventuallyAsync("the stalled one follows", async () => await LeaderSeenByAsync(stalled) == await LeaderSeenByAsync(other));

        _disks[stalled].ReleaseSyncs();
        await begun;
        await Cluster.ReadsAsync(stalled, "meanwhile", "yes");
        await Cluster.ReadsAsync(stalled, "begun", "yes");   // it was in the log of a majority before the hand-over
        Assert.Null(Cluster.Node(stalled).Fatal);
    }

    [Fact]
    public async Task A_write_is_not_answered_before_it_is_on_the_disks_of_a_majority()
    {
        string leader = await Cluster.LeaderAsync();
        string[] followers = [.. _disks.Keys.Where(name => name != leader)];
        foreach (string held in (string[])[leader, followers[0]]) _disks[held].HoldSyncs();

        Task<(HttpStatusCode Status, JsonElement Body)> begun = Cluster.Node(leader).PostAsync("/v3/kv/put", new { key = TestNode.Base64("begun"), value = TestNode.Base64("yes") });
        await Task.WhenAny(begun, Task.Delay(TimeSpan.FromMilliseconds(500), TestContext.Current.CancellationToken));   // an answer would come within a few
        Assert.False(begun.IsCompleted);
        Assert.Null(await Cluster.Node(followers[1]).GetAsync("begun", serializable: true));

        foreach (LockedFileSystem disk in _disks.Values) disk.ReleaseSyncs();
        if ((await begun).Status != HttpStatusCode.OK) return;   // on a busy machine another one may have been elected meanwhile
        foreach (string name in _disks.Keys) await Cluster.ReadsAsync(name, "begun", "yes");
    }

    [Theory]
    [InlineData(DiskOperation.Sync)]
    [InlineData(DiskOperation.Write)]
    public async Task The_first_write_or_sync_of_the_log_that_fails_ends_the_node_and_the_next_start_goes_on(DiskOperation operation)
    {
        await Cluster.Any().PutAsync("before", "yes");
        string failing = await Cluster.LeaderAsync();
        _disks[failing].With(disk => { disk.Faults.Fail(operation, nameContains: "wal-"); return 0; });
        Task<(HttpStatusCode Status, JsonElement Body)> begun = Cluster.Node(failing).PostAsync("/v3/kv/put", new { key = TestNode.Base64("begun"), value = TestNode.Base64("yes") });

        await TestNode.EventuallyAsync("the node says that it cannot go on", () => Task.FromResult(Cluster.Node(failing).Fatal is not null));
        StorageException cause = Assert.IsType<StorageException>(Cluster.Node(failing).Fatal);
        Assert.Contains("wal-", cause.Message, StringComparison.Ordinal);
        Assert.Contains("disk", cause.Remedy, StringComparison.OrdinalIgnoreCase);

        // The process ends here, with exit code 74.
        await Cluster.StopAsync(failing);
        await ((Task)begun).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);   // who asked it is left without an answer
        await Cluster.Any().PutAsync("after", "yes");
        await Cluster.StartAsync(failing);
        await Cluster.ReadsAsync(failing, "before", "yes");
        await Cluster.ReadsAsync(failing, "after", "yes");
    }

    private async Task<string> IdOfAsync(string name) => (await StatusAsync(name)).GetProperty("header").GetProperty("member_id").GetString()!;

    /// <returns>Null while it knows none.</returns>
    private async Task<string?> LeaderSeenByAsync(string name) => (await StatusAsync(name)).TryGetProperty("leader", out JsonElement leader) ? leader.GetString() : null;

    private async Task<JsonElement> StatusAsync(string name) => (await Cluster.Node(name).PostAsync("/v3/maintenance/status", new { })).Body;
}
