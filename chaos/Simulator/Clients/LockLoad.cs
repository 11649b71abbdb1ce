namespace Conclave.Simulator;

/// <summary>Clients that want a lock, hold it under a lease, and let it go, or forget to.</summary>
internal sealed class LockLoad(SimWorld world)
{
    private const int FirstStream = 2_000;

    private readonly LockCheck _check = new(world);

    public void Start()
    {
        if (!world.Plan.RealStore) return;
        for (int i = 0; i < world.Plan.Lockers; i++) new LockClient(world, world.Streams.Client(FirstStream + i), _check, $"locker {i}").Start();
    }
}
