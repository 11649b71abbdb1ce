using Conclave.Store;

namespace Conclave.Simulator;

/// <summary>The lease behind a session: granted, and renewed by asking one node after another until the leader is met.</summary>
internal sealed class SessionLease(SimWorld world, RandomStream random)
{
    private const long TtlSeconds = 3, FirstId = 1_000_000;

    public long Id { get; private set; }

    /// <summary>As far as the client knows.</summary>
    public bool IsValid { get; private set; }

    public void Grant(Action<bool> done)
    {
        SimNode node = world.Clients.AnyNode(random);
        if (!node.IsUp)
        {
            world.Call(1, () => done(false));
            return;
        }
        long id = 0;
        world.Clients.Requests.Send(node, [world.Clients.Requests.Create(random, number => new LeaseGrantRequest(id = FirstId + (long)number, TtlSeconds))], result =>
        {
            IsValid = result.End == WriteEnd.Acknowledged && result.Outcome.Error == StoreError.None;
            if (IsValid)
            {
                Id = id;
                RenewLater(id);
            }
            done(IsValid);
        });
    }

    private void RenewLater(long id) => world.Call(random.Between(1, 1_000_000), () => Renew(id));

    private void Renew(long id)
    {
        if (id != Id || !IsValid) return;
        SimNode node = world.Clients.AnyNode(random);
        if (node.Services is { } services)
        {
            services.Leases.Renew(id, renewed =>
            {
                if (renewed == false && id == Id) IsValid = false;
            });
        }
        RenewLater(id);
    }
}
