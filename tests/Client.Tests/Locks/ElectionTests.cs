using Conclave.Wire.Grpc;

namespace Conclave.Client.Tests.Locks;

public class ElectionTests(SharedEtcd etcd)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Candidates_lead_one_after_another_and_observers_see_each()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        await using IAsyncEnumerator<LeaderInfo?> observed = client.Election("elections/e").ObserveAsync(Cancelled).GetAsyncEnumerator(Cancelled);
        Assert.Null(await NextAsync(observed));

        ILeadership first = await client.Election("elections/e", new LockOptions { Value = "one" }).CampaignAsync(Cancelled);
        Assert.Equal(new LeaderInfo(first.Key, "one", first.Term), await NextAsync(observed));
        ValueTask<ILeadership> campaign = client.Election("elections/e", new LockOptions { Value = "two" }).CampaignAsync(Cancelled);
        await LockTests.QueuedAsync(client, "elections/e/", 2);

        await first.ProclaimAsync("uno", Cancelled);
        Assert.Equal(new LeaderInfo(first.Key, "uno", first.Term), await NextAsync(observed));
        await first.ResignAsync(Cancelled);
        ILeadership second = await campaign;
        Assert.Equal(new LeaderInfo(second.Key, "two", second.Term), await NextAsync(observed));
        Assert.True(second.Term > first.Term);

        Assert.Equal(GrpcCode.FailedPrecondition, (await Assert.ThrowsAsync<ConclaveException>(async () => await first.ProclaimAsync("late", Cancelled))).Code);
        await second.DisposeAsync();
        Assert.Null(await NextAsync(observed));
    }

    private static async Task<LeaderInfo?> NextAsync(IAsyncEnumerator<LeaderInfo?> observed)
    {
        Assert.True(await observed.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60), Cancelled));
        return observed.Current;
    }
}
