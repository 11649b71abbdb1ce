using Conclave.Wire.Grpc;

namespace Conclave.Client.Tests.Leases;

public class LeaseTests(SharedEtcd etcd)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lease_can_be_granted_looked_at_listed_and_revoked_with_its_keys()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        Lease lease = await client.Leases.GrantAsync(TimeSpan.FromSeconds(60), cancellationToken: Cancelled);
        await client.PutAsync("lease/a", "1", new PutOptions { LeaseId = lease.Id }, Cancelled);

        LeaseState? state = await client.Leases.TimeToLiveAsync(lease.Id, withKeys: true, Cancelled);
        Assert.Contains(lease.Id, await client.Leases.ListAsync(Cancelled));
        await client.Leases.RevokeAsync(lease.Id, Cancelled);

        Assert.Equal((TimeSpan.FromSeconds(60), "lease/a"), (state!.Granted, state.Keys.Single().ToString()));
        Assert.Null(await client.GetAsync("lease/a", cancellationToken: Cancelled));
        Assert.Null(await client.Leases.TimeToLiveAsync(lease.Id, cancellationToken: Cancelled));
        Assert.Equal(GrpcCode.NotFound, (await Assert.ThrowsAsync<ConclaveException>(async () => await client.Leases.RevokeAsync(lease.Id, Cancelled))).Code);
    }

    [Fact]
    public async Task Renewing_a_lease_that_is_gone_says_that_it_is_gone()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        Assert.Null(await client.Leases.RenewAsync(4711, Cancelled));
    }

    [Fact]
    public async Task A_kept_lease_outlives_its_time_and_reports_its_end()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        Lease lease = await client.Leases.GrantAsync(TimeSpan.FromSeconds(2), cancellationToken: Cancelled);
        List<TimeSpan> renewals = [];

        await foreach (LeaseRenewal renewal in client.Leases.KeepAliveAsync(lease.Id, Cancelled))
        {
            renewals.Add(renewal.Ttl);
            if (renewals.Count == 5) await client.Leases.RevokeAsync(lease.Id, Cancelled);   // 2.7 s after the first
        }

        Assert.Equal(Enumerable.Repeat(lease.Ttl, 5), renewals);
    }

    [Fact]
    public async Task A_keeper_tells_when_its_lease_is_gone()
    {
        await using ConclaveClient client = new(etcd.Endpoint);
        Lease lease = await client.Leases.GrantAsync(TimeSpan.FromSeconds(2), cancellationToken: Cancelled);
        await using LeaseKeeper keeper = client.Leases.Keep(lease.Id);
        TaskCompletionSource lost = new();
        await using CancellationTokenRegistration registration = keeper.Lost.Register(lost.SetResult);

        await client.Leases.RevokeAsync(lease.Id, Cancelled);

        await lost.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancelled);
        Assert.Null(keeper.Reason);
    }

    [Fact]
    public async Task A_keeper_gives_up_when_nobody_could_be_reached_for_the_leases_time()
    {
        await using EtcdServer server = await EtcdServer.StartAsync(SharedEtcd.Ports);
        await using ConclaveClient client = new(server.Endpoint);
        Lease lease = await client.Leases.GrantAsync(TimeSpan.FromSeconds(2), cancellationToken: Cancelled);
        await using LeaseKeeper keeper = client.Leases.Keep(lease.Id);
        TaskCompletionSource lost = new();
        await using CancellationTokenRegistration registration = keeper.Lost.Register(lost.SetResult);

        await server.KillAsync();

        await lost.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancelled);
        Assert.IsType<UnavailableException>(keeper.Reason);
    }
}
