namespace Conclave.Client.Tests.Locks;

public class LockTests(SharedEtcd etcd)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_holds_at_a_time_and_tokens_rise()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        IDistributedLock one = client.Lock("locks/one"), same = client.Lock("locks/one", new LockOptions { Value = "me" });
        IDistributedLockHandle first = await one.AcquireAsync(cancellationToken: Cancelled);
        Assert.True(first.IsHeld);
        KeyValue? key = await client.GetAsync(first.Key, cancellationToken: Cancelled);
        Assert.Equal((first.FencingToken, $"locks/one/{key!.LeaseId:x}"), (key.CreateRevision, first.Key.ToString()));

        Assert.Null(await same.TryAcquireAsync(cancellationToken: Cancelled));
        Assert.Null(await same.TryAcquireAsync(TimeSpan.FromMilliseconds(200), Cancelled));
        await Assert.ThrowsAsync<TimeoutException>(async () => await same.AcquireAsync(TimeSpan.FromMilliseconds(200), Cancelled));
        Assert.Single((await client.RangeAsync(KeyRange.Prefix("locks/one/"), cancellationToken: Cancelled)).Items);   // who gave up has left the line

        ValueTask<IDistributedLockHandle> waiting = same.AcquireAsync(Patience, Cancelled);
        await first.DisposeAsync();
        await using IDistributedLockHandle second = await waiting;
        Assert.True(second.FencingToken > first.FencingToken);
        Assert.Equal("me", (await client.GetAsync(second.Key, cancellationToken: Cancelled))!.Value.ToString());
    }

    [Fact]
    public async Task A_lock_that_nobody_wants_is_taken_without_waiting()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        await using IDistributedLockHandle? held = await client.Lock("locks/free").TryAcquireAsync(cancellationToken: Cancelled);
        Assert.NotNull(held);
    }

    [Fact]
    public async Task A_transaction_finds_out_that_another_one_holds_by_now()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        IDistributedLock shared = client.Lock("locks/fenced");
        IDistributedLockHandle first = await shared.AcquireAsync(cancellationToken: Cancelled);
        Assert.True((await client.Txn().When(first.StillHeld).Then(Operation.Put("fenced", "1")).CommitAsync(Cancelled)).Succeeded);
        await first.DisposeAsync();
        await using IDistributedLockHandle second = await shared.AcquireAsync(cancellationToken: Cancelled);
        Assert.False((await client.Txn().When(first.StillHeld).Then(Operation.Put("fenced", "2")).CommitAsync(Cancelled)).Succeeded);
        Assert.True((await client.Txn().When(second.StillHeld).Then(Operation.Put("fenced", "3")).CommitAsync(Cancelled)).Succeeded);
    }

    [Fact]
    public async Task A_holder_hears_that_its_lease_was_taken_away()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        await using IDistributedLockHandle held = await client.Lock("locks/revoked", new LockOptions { Ttl = TimeSpan.FromSeconds(5) }).AcquireAsync(cancellationToken: Cancelled);
        await client.Leases.RevokeAsync((await client.GetAsync(held.Key, cancellationToken: Cancelled))!.LeaseId, Cancelled);
        await FiresAsync(held.HandleLostToken);
        Assert.False(held.IsHeld);
    }

    [Fact]
    public async Task A_waiter_whose_lease_was_taken_away_queues_again()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        IDistributedLock shared = client.Lock("locks/again", new LockOptions { Ttl = TimeSpan.FromSeconds(5) });
        IDistributedLockHandle first = await shared.AcquireAsync(cancellationToken: Cancelled);
        ValueTask<IDistributedLockHandle> waiting = shared.AcquireAsync(Patience, Cancelled);
        KeyValue place = await QueuedAsync(client, "locks/again/", 2);
        await client.Leases.RevokeAsync(place.LeaseId, Cancelled);
        await QueuedAsync(client, "locks/again/", 2);
        await first.DisposeAsync();
        await using IDistributedLockHandle second = await waiting;
        Assert.NotEqual(place.Key, second.Key);
    }

    [Fact]
    public async Task A_holder_that_reaches_nobody_counts_its_lock_as_lost_before_the_lease_can_end()
    {
        await using EtcdServer server = await EtcdServer.StartAsync(SharedEtcd.Ports);
        await using ConclaveClient client = new(server.Endpoint);
        await using IDistributedLockHandle held = await client.Lock("l", new LockOptions { Ttl = TimeSpan.FromSeconds(3) }).AcquireAsync(cancellationToken: Cancelled);
        await server.KillAsync();
        await FiresAsync(held.HandleLostToken);
        Assert.False(held.IsHeld);
    }

    [Fact]
    public async Task A_holder_that_was_paused_knows_by_its_clock()
    {
        var time = new ManualTime();
        await using ConclaveClient client = new(new ConclaveClientOptions { Endpoints = [etcd.Endpoint], Time = time });
        await using IDistributedLockHandle held = await client.Lock("locks/paused", new LockOptions { Ttl = TimeSpan.FromMinutes(1) }).AcquireAsync(cancellationToken: Cancelled);
        time.Advance(TimeSpan.FromSeconds(53));
        Assert.True(held.IsHeld);
        time.Advance(TimeSpan.FromSeconds(2));   // nothing ran meanwhile that could have renewed it
        Assert.False(held.IsHeld);
    }

    [Fact]
    public async Task A_waiter_gets_its_turn_from_a_cluster_that_lost_members_meanwhile()
    {
        EtcdServer[] servers = await EtcdServer.StartClusterAsync(3, SharedEtcd.Ports);
        try
        {
            await using ConclaveClient client = new(new ConclaveClientOptions { Endpoints = [.. servers.Select(s => s.Endpoint)], EndpointChoice = EndpointChoice.RoundRobin });
            IDistributedLock shared = client.Lock("l", new LockOptions { Ttl = TimeSpan.FromSeconds(20) });
            IDistributedLockHandle first = await shared.AcquireAsync(cancellationToken: Cancelled);
            ValueTask<IDistributedLockHandle> waiting = shared.AcquireAsync(Patience, Cancelled);
            await QueuedAsync(client, "l/", 2);
            await servers[0].KillAsync();
            await servers[0].RestartAsync();
            await servers[1].KillAsync();
            await first.DisposeAsync();
            await using IDistributedLockHandle second = await waiting;
            Assert.True(second.FencingToken > first.FencingToken);
        }
        finally
        {
            foreach (EtcdServer server in servers) await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task Giving_up_leaves_neither_key_nor_lease()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        IDistributedLock shared = client.Lock("locks/cancelled");
        await using IDistributedLockHandle first = await shared.AcquireAsync(cancellationToken: Cancelled);
        using var cancel = new CancellationTokenSource();
        ValueTask<IDistributedLockHandle> waiting = shared.AcquireAsync(cancellationToken: cancel.Token);
        KeyValue place = await QueuedAsync(client, "locks/cancelled/", 2);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
        await QueuedAsync(client, "locks/cancelled/", 1);
        Assert.Null(await client.Leases.TimeToLiveAsync(place.LeaseId, cancellationToken: Cancelled));
    }

    [Fact]
    public void A_time_to_live_that_makes_no_sense_is_refused()
    {
        using ConclaveClient client = new("127.0.0.1:1");
        Assert.Throws<ArgumentException>(() => client.Lock("l", new LockOptions { Ttl = TimeSpan.FromMilliseconds(1) }));
        Assert.Throws<ArgumentException>(() => client.Lock(""));
    }

    /// <summary>Waits until so many are in line, and returns the last.</summary>
    internal static async Task<KeyValue> QueuedAsync(ConclaveClient client, string prefix, int count)
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        while (true)
        {
            RangeResult line = await client.RangeAsync(KeyRange.Prefix(prefix), new ReadOptions { SortBy = SortBy.CreateRevision, SortOrder = SortOrder.Ascending }, Cancelled);
            if (line.Count == count) return line.Items[^1];
            Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(start) < Patience, $"There are {line.Count} in line, not {count}.");
            await Task.Delay(20, Cancelled);
        }
    }

    internal static async Task FiresAsync(CancellationToken token)
    {
        TaskCompletionSource fired = new();
        await using CancellationTokenRegistration registration = token.Register(fired.SetResult);
        await fired.Task.WaitAsync(Patience, Cancelled);
    }
}
