using System.Net;
using System.Text.Json;
using Conclave.Node.Options;
using Conclave.Storage;

namespace Conclave.Node.Tests.Nodes;

/// <summary>A disk that fills up while writes come as fast as they can, and gets room again.</summary>
public class FullDiskTests
{
    [Fact]
    public async Task A_full_disk_keeps_reads_and_deletes_alive_and_writes_go_on_when_there_is_room()
    {
        using var directory = new TemporaryDirectory();
        var disk = new LockedFileSystem(new SimulatedFileSystem(seed: 5));
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory), disk);
        await node.PutAsync("kept", "value");
        await node.PutAsync("dropped", "value");
        disk.With(files => files.Faults.SpaceBytesMax = files.UsedBytes);

        string large = TestNode.Base64(new string('x', 500_000));
        HttpStatusCode[] last = await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => FillAsync(node, $"{writer}/", large)));
        Assert.All(last, status => Assert.Equal(HttpStatusCode.TooManyRequests, status));
        Assert.Null(node.Fatal);
        await TestNode.EventuallyAsync("the alarm shows", async () => await AlarmsAsync(node) == 1);
        Assert.Equal("value", await node.GetAsync("kept"));
        Assert.Equal(HttpStatusCode.OK, (await node.PostAsync("/v3/kv/deleterange", new { key = TestNode.Base64("dropped") })).Status);
        Assert.Null(await node.GetAsync("dropped"));
        Assert.Equal(HttpStatusCode.TooManyRequests, (await node.PostAsync("/v3/lease/grant", new { TTL = 10 })).Status);

        disk.With(files => files.Faults.SpaceBytesMax = null);
        await TestNode.EventuallyAsync("writes go on", async () => (await PutAsync(node, "later", large)) == HttpStatusCode.OK);
        await TestNode.EventuallyAsync("the alarm is gone", async () => await AlarmsAsync(node) == 0);
        Assert.Equal("value", await node.GetAsync("kept"));
        Assert.Null(node.Fatal);
    }

    [Fact]
    public async Task An_alarm_for_a_full_disk_goes_by_itself_when_the_member_is_restarted_with_room()
    {
        using var directory = new TemporaryDirectory();
        var disk = new LockedFileSystem(new SimulatedFileSystem(seed: 7));
        NodeOptions options = TestNode.Alone(directory);
        await using (TestNode node = await TestNode.StartAsync(options, disk))
        {
            await node.PutAsync("kept", "value");
            disk.With(files => files.Faults.SpaceBytesMax = files.UsedBytes);
            await FillAsync(node, "fill/", TestNode.Base64(new string('x', 1_000_000)));
            await TestNode.EventuallyAsync("the alarm shows", async () => await AlarmsAsync(node) == 1);
        }

        await using (TestNode still = await TestNode.StartAsync(options, disk))
        {
            await TestNode.EventuallyAsync("the alarm is read from the log", async () => await AlarmsAsync(still) == 1);
            Assert.NotEqual(HttpStatusCode.OK, await PutAsync(still, "later", "eA=="));
        }

        disk.With(files => files.Faults.SpaceBytesMax = null);
        await using TestNode again = await TestNode.StartAsync(options, disk);
        await TestNode.EventuallyAsync("writes go on", async () => await PutAsync(again, "later", "eA==") == HttpStatusCode.OK);
        await TestNode.EventuallyAsync("the alarm is gone", async () => await AlarmsAsync(again) == 0);
        Assert.Null(again.Fatal);
    }

    [Fact]
    public async Task An_alarm_for_the_quota_stays_over_a_restart_until_somebody_disarms_it()
    {
        const string Mark = "quota-alarm";
        using var directory = new TemporaryDirectory();
        NodeOptions options = TestNode.Alone(directory) with { QuotaBackendBytes = 2_000_000 };
        string member = System.IO.Path.Combine(directory.Path, "member");
        await using (TestNode node = await TestNode.StartAsync(options))
        {
            await node.PostAsync("/v3/lease/grant", new { ID = "7", TTL = "2" });
            await FillAsync(node, "fill/", TestNode.Base64(new string('x', 300_000)));
            await TestNode.EventuallyAsync("the alarm shows", async () => await AlarmsAsync(node) == 1);
            await node.PostAsync("/v3/kv/deleterange", new { key = TestNode.Base64("fill/"), range_end = TestNode.Base64("fill0") });
            (_, JsonElement now) = await node.PostAsync("/v3/kv/range", new { key = TestNode.Base64("fill/") });
            await node.PostAsync("/v3/kv/compaction", new { revision = TestNode.Revision(now), physical = true });
            Assert.True(System.IO.File.Exists(System.IO.Path.Combine(member, Mark)));
        }

        await using TestNode again = await TestNode.StartAsync(options);
        // The same pass that ends the lease looks at the space.
        await TestNode.EventuallyAsync("the lease ends", async () => !(await again.PostAsync("/v3/lease/leases", new { })).Body.TryGetProperty("leases", out JsonElement leases) || leases.GetArrayLength() == 0);
        await TestNode.EventuallyAsync("a write is answered", async () => (await again.PostAsync("/v3/kv/deleterange", new { key = "eA==" })).Status == HttpStatusCode.OK);
        Assert.Equal(1, await AlarmsAsync(again));
        Assert.Equal(HttpStatusCode.TooManyRequests, await PutAsync(again, "later", "eA=="));

        (_, JsonElement active) = await again.PostAsync("/v3/maintenance/alarm", new { action = "GET" });
        await again.PostAsync("/v3/maintenance/alarm", new { action = "DEACTIVATE", alarm = "NOSPACE", memberID = active.GetProperty("alarms")[0].GetProperty("memberID").GetString() });
        Assert.Equal(HttpStatusCode.OK, await PutAsync(again, "later", "eA=="));
        await TestNode.EventuallyAsync("nothing is left of it", () => Task.FromResult(!System.IO.File.Exists(System.IO.Path.Combine(member, Mark))));
    }

    [Fact]
    public async Task An_alarm_for_snapshots_without_room_stays_over_a_restart_until_one_is_written()
    {
        using var directory = new TemporaryDirectory();
        var disk = new LockedFileSystem(new SimulatedFileSystem(seed: 8));
        NodeOptions options = TestNode.Alone(directory) with { SnapshotCount = 20, LogBytesUnsavedMax = 1_000_000 };
        disk.With(files => { files.Faults.Fail(DiskOperation.Write, FileError.TooLarge, nameContains: "snapshot-", times: int.MaxValue); return 0; });
        string large = TestNode.Base64(new string('x', 100_000));
        await using (TestNode node = await TestNode.StartAsync(options, disk))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, await FillAsync(node, "fill/", large));
            await TestNode.EventuallyAsync("the alarm shows", async () => await AlarmsAsync(node) == 1);
            Assert.Null(node.Fatal);
        }

        await using (TestNode still = await TestNode.StartAsync(options with { SnapshotCount = 100_000 }, disk))
        {
            await TestNode.EventuallyAsync("the alarm is read from the log", async () => await AlarmsAsync(still) == 1);
            for (int i = 0; i < 10; i++)
            {
                Assert.Equal(HttpStatusCode.TooManyRequests, await PutAsync(still, "later", "eA=="));
                await Task.Delay(100, TestContext.Current.CancellationToken);
            }

            Assert.NotNull(await still.GetAsync("fill/0"));
            Assert.Null(still.Fatal);
        }

        disk.With(files => { files.Faults.Heal(); return 0; });
        await using TestNode again = await TestNode.StartAsync(options with { SnapshotCount = 100_000 }, disk);
        await TestNode.EventuallyAsync("writes go on", async () => await PutAsync(again, "later", "eA==") == HttpStatusCode.OK);
        await TestNode.EventuallyAsync("the alarm is gone", async () => await AlarmsAsync(again) == 0);
    }

    [Fact]
    public async Task A_log_without_any_room_left_waits_and_loses_nothing()
    {
        using var directory = new TemporaryDirectory();
        var disk = new LockedFileSystem(new SimulatedFileSystem(seed: 6));
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory), disk);
        await node.PutAsync("kept", "value");
        disk.With(files => files.Faults.SpaceBytesMax = files.UsedBytes);
        await FillAsync(node, "fill/", TestNode.Base64(new string('x', 1_000_000)));

        // Deletions are never refused: they use up what was set aside.
        string longKey = TestNode.Base64(new string('k', 1_000_000));
        List<Task<(HttpStatusCode Status, JsonElement Body)>> deletions = [.. Enumerable.Range(0, 24).Select(_ => node.PostAsync("/v3/kv/deleterange", new { key = longKey }))];
        await TestNode.EventuallyAsync("some wait", async () =>
        {
            await Task.Delay(100, TestContext.Current.CancellationToken);
            return deletions.Count(d => d.IsCompleted) is > 5 and < 24;
        });
        Assert.Equal("value", await node.GetAsync("kept", serializable: true));
        Assert.Null(node.Fatal);

        disk.With(files => files.Faults.SpaceBytesMax = null);
        await Task.WhenAll(deletions);
        await TestNode.EventuallyAsync("writes go on", async () => (await PutAsync(node, "later", TestNode.Base64("value"))) == HttpStatusCode.OK);
        Assert.Null(node.Fatal);
    }

    /// <summary>Puts until one is refused.</summary>
    private static async Task<HttpStatusCode> FillAsync(TestNode node, string prefix, string value)
    {
        for (int i = 0; i < 200; i++)
        {
            HttpStatusCode status = await PutAsync(node, $"{prefix}{i}", value);
            if (status != HttpStatusCode.OK) return status;
        }

        return HttpStatusCode.OK;
    }

    private static async Task<HttpStatusCode> PutAsync(TestNode node, string key, string value) =>
        (await node.PostAsync("/v3/kv/put", new { key = TestNode.Base64(key), value })).Status;

    private static async Task<int> AlarmsAsync(TestNode node)
    {
        (HttpStatusCode status, JsonElement body) = await node.PostAsync("/v3/maintenance/alarm", new { action = "GET" });
        Assert.Equal(HttpStatusCode.OK, status);
        return body.TryGetProperty("alarms", out JsonElement alarms) ? alarms.GetArrayLength() : 0;
    }
}
