namespace Conclave.Client.Tests.Locks;

public class SemaphoreTests(SharedEtcd etcd)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task As_many_hold_as_there_are_slots_and_the_next_when_any_of_them_leaves()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        IDistributedSemaphore shared = client.Semaphore("sem/two", slots: 2);
        IDistributedLockHandle first = await shared.AcquireAsync(cancellationToken: Cancelled), second = await shared.AcquireAsync(cancellationToken: Cancelled);
        Assert.True(second.FencingToken > first.FencingToken);
        Assert.Null(await shared.TryAcquireAsync(cancellationToken: Cancelled));
        Assert.Null(await shared.TryAcquireAsync(TimeSpan.FromMilliseconds(200), Cancelled));
        Assert.Equal(2, (await client.RangeAsync(KeyRange.Prefix("sem/two/"), cancellationToken: Cancelled)).Items.Length);   // who gave up has left the line

        ValueTask<IDistributedLockHandle> waiting = shared.AcquireAsync(Patience, Cancelled);
        await first.DisposeAsync();   // not the one right before it in the line
        IDistributedLockHandle third = await waiting;
        Assert.True(second.IsHeld && third.IsHeld);
        await second.DisposeAsync();
        await third.DisposeAsync();
    }

    [Fact]
    public async Task Never_more_hold_than_there_are_slots()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        (int held, int most) = (0, 0);
        await Parallel.ForEachAsync(Enumerable.Range(0, 12), new ParallelOptions { MaxDegreeOfParallelism = 12, CancellationToken = Cancelled }, async (_, stop) =>
        {
            await using IDistributedLockHandle slot = await client.Semaphore("sem/many", slots: 3).AcquireAsync(Patience, stop);
            int now = Interlocked.Increment(ref held);
            for (int seen = most; now > seen; seen = most) Interlocked.CompareExchange(ref most, now, seen);
            await Task.Delay(20, stop);
            Interlocked.Decrement(ref held);
        });
        Assert.Equal(3, most);
    }

    [Fact]
    public async Task A_slot_whose_lease_ended_is_free()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        IDistributedSemaphore shared = client.Semaphore("sem/lost", slots: 2);
        await using IDistributedLockHandle first = await shared.AcquireAsync(cancellationToken: Cancelled), second = await shared.AcquireAsync(cancellationToken: Cancelled);
        ValueTask<IDistributedLockHandle> waiting = shared.AcquireAsync(Patience, Cancelled);
        await client.Leases.RevokeAsync((await client.GetAsync(first.Key, cancellationToken: Cancelled))!.LeaseId, Cancelled);
        await using IDistributedLockHandle third = await waiting;
        Assert.True(third.FencingToken > second.FencingToken);
    }
}
