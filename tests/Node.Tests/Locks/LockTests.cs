using System.Net;
using System.Text.Json;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Locks;

public sealed class LockTests
{
    [Fact]
    public async Task Turns_are_given_in_the_order_of_arrival()
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        foreach (long lease in (long[])[0x4d2, 0xab, -2]) await node.GrantAsync(lease, 60);

        Assert.Equal("l/4d2", await node.LockAsync("l", 0x4d2));
        using LockCalls.HangingCall second = node.BeginLock("l", 0xab);
        await node.QueuesAsync("l", "l/4d2", "l/ab");
        using LockCalls.HangingCall third = node.BeginLock("l", -2);
        await node.QueuesAsync("l", "l/4d2", "l/ab", "l/-2");

        Assert.Equal("l/4d2", await node.LockAsync("l", 0x4d2));   // again, while others wait
        await node.UnlockAsync("l/4d2");
        Assert.Equal("l/ab", await second.Answer);
        Assert.False(third.Answer.IsCompleted);
        await node.UnlockAsync("l/ab");
        Assert.Equal("l/-2", await third.Answer);
    }

    [Fact]
    public async Task Names_that_begin_alike_do_not_meet()
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        await node.GrantAsync(1, 60);
        Assert.Equal("l/1", await node.LockAsync("l", 1));
        Assert.Equal("ll/1", await node.LockAsync("ll", 1));
        Assert.Equal("/1", await node.LockAsync("", 1));
    }

    [Fact]
    public async Task Who_hangs_up_leaves_the_queue()
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        foreach (long lease in (long[])[1, 2, 3]) await node.GrantAsync(lease, 60);
        await node.LockAsync("l", 1);
        using LockCalls.HangingCall second = node.BeginLock("l", 2);
        await node.QueuesAsync("l", "l/1", "l/2");
        using LockCalls.HangingCall third = node.BeginLock("l", 3);
        await node.QueuesAsync("l", "l/1", "l/2", "l/3");

        second.HangUp();
        await node.QueuesAsync("l", "l/1", "l/3");
        await node.UnlockAsync("l/1");
        Assert.Equal("l/3", await third.Answer);
    }

    [Fact]
    public async Task A_waiter_whose_lease_ended_is_told_so_and_not_that_it_holds()
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        foreach (long lease in (long[])[1, 2]) await node.GrantAsync(lease, 60);
        await node.LockAsync("l", 1);
        using LockCalls.HangingCall waiter = node.BeginLock("l", 2);
        await node.QueuesAsync("l", "l/1", "l/2");
        await node.RevokeAsync(2);
        Assert.Equal("mutex: session is expired", await waiter.Answer);
        await node.QueuesAsync("l", "l/1");
    }

    [Fact]
    public async Task A_holder_whose_lease_runs_out_is_followed_by_the_next()
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        await node.GrantAsync(1, 2);
        await node.GrantAsync(2, 60);
        await node.LockAsync("l", 1);
        Assert.Equal("l/2", await node.LockAsync("l", 2));
    }

    [Fact]
    public async Task A_lease_that_is_not_there_is_refused_and_0_means_one_of_the_servers()
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        Assert.Equal("etcdserver: requested lease not found", await node.LockAsync("l", 77));
        Assert.StartsWith("l/", await node.LockAsync("l", 0), StringComparison.Ordinal);
        (_, JsonElement leases) = await node.PostAsync("/v3/lease/leases", new { });
        string id = leases.GetProperty("leases")[0].GetProperty("ID").GetString()!;
        (_, JsonElement lease) = await node.PostAsync("/v3/lease/timetolive", new { ID = id });
        Assert.Equal("60", lease.GetProperty("grantedTTL").GetString());
        Assert.Equal(HttpStatusCode.BadRequest, (await node.PostAsync("/v3/lock/unlock", new { })).Status);
    }

    [Fact]
    public async Task Who_gives_up_waiting_with_a_lease_of_the_servers_leaves_no_lease_behind()
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        await node.GrantAsync(1, 60);
        await node.LockAsync("l", 1);
        using LockCalls.HangingCall waiter = node.BeginLock("l", 0);
        await TestNode.EventuallyAsync("two queue", async () => (await node.QueueAsync("l")).Length == 2);
        waiter.HangUp();
        await node.QueuesAsync("l", "l/1");
        (_, JsonElement leases) = await node.PostAsync("/v3/lease/leases", new { });
        Assert.Equal(1, leases.GetProperty("leases").GetArrayLength());
    }

    [Fact]
    public async Task A_call_that_was_replaced_by_another_does_not_take_its_key_away()
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        foreach (long lease in (long[])[1, 2]) await node.GrantAsync(lease, 60);
        await node.LockAsync("l", 1);
        using LockCalls.HangingCall first = node.BeginLock("l", 2);
        await node.QueuesAsync("l", "l/1", "l/2");
        using LockCalls.HangingCall again = node.BeginLock("l", 2);
        await TestNode.EventuallyAsync("the second call has come", async () => await VersionAsync(node, "l/2") == "2");

        first.HangUp();
        await node.UnlockAsync("l/1");
        Assert.Equal("l/2", await again.Answer);
        await node.QueuesAsync("l", "l/2");
    }

    [Fact]
    public async Task The_last_call_for_a_key_takes_it_away()
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        foreach (long lease in (long[])[1, 2]) await node.GrantAsync(lease, 60);
        await node.LockAsync("l", 1);
        using LockCalls.HangingCall first = node.BeginLock("l", 2);
        await node.QueuesAsync("l", "l/1", "l/2");
        using LockCalls.HangingCall again = node.BeginLock("l", 2);
        await TestNode.EventuallyAsync("the second call has come", async () => await VersionAsync(node, "l/2") == "2");
        again.HangUp();
        await node.QueuesAsync("l", "l/1");
        Assert.Equal("mutex: session is expired", await first.Answer);
    }

    [Fact]
    public async Task A_compaction_while_somebody_waits_loses_nothing()
    {
        using var directory = new TemporaryDirectory();
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(directory));
        foreach (long lease in (long[])[1, 2]) await node.GrantAsync(lease, 60);
        await node.LockAsync("l", 1);
        using LockCalls.HangingCall waiter = node.BeginLock("l", 2);
        await node.QueuesAsync("l", "l/1", "l/2");
        for (int i = 0; i < 20; i++) await node.PutAsync("k", $"{i}");
        long revision = await node.PutAsync("k", "last");
        Assert.Equal(HttpStatusCode.OK, (await node.PostAsync("/v3/kv/compaction", new { revision = $"{revision}", physical = true })).Status);
        Assert.False(waiter.Answer.IsCompleted);
        await node.UnlockAsync("l/1");
        Assert.Equal("l/2", await waiter.Answer);
    }

    [Fact]
    public async Task A_stopping_member_ends_the_wait_and_the_place_in_the_queue_stays()
    {
        using var directory = new TemporaryDirectory();
        var options = TestNode.Alone(directory);
        LockCalls.HangingCall waiter;
        await using (TestNode node = await TestNode.StartAsync(options))
        {
            foreach (long lease in (long[])[1, 2]) await node.GrantAsync(lease, 60);
            await node.LockAsync("l", 1);
            waiter = node.BeginLock("l", 2);
            await node.QueuesAsync("l", "l/1", "l/2");
        }

        Assert.Equal("etcdserver: server stopped", await waiter.Answer);
        waiter.Dispose();
        await using TestNode again = await TestNode.StartAsync(options);
        await again.QueuesAsync("l", "l/1", "l/2");
        await again.UnlockAsync("l/1");
        Assert.Equal("l/2", await again.LockAsync("l", 2));
    }

    private static async Task<string> VersionAsync(TestNode node, string key)
    {
        (_, JsonElement body) = await node.PostAsync("/v3/kv/range", new { key = TestNode.Base64(key) });
        return body.GetProperty("kvs")[0].GetProperty("version").GetString()!;
    }
}
