namespace Conclave.Simulator;

/// <summary>Clients that wait for locks in the server's queue.</summary>
internal sealed class QueueLoad(SimWorld world)
{
    private const int FirstStream = 9_000;

    private readonly LockCheck _check = new(world);
    private readonly List<QueueClient> _clients = [];

    public void Start()
    {
        if (!world.Plan.RealStore) return;
        for (int i = 0; i < world.Plan.Waiters; i++) _clients.Add(new QueueClient(world, world.Streams.Client(FirstStream + i), _check, $"waiter {i}"));
        foreach (QueueClient client in _clients) client.Start();
    }

    public void OnNodeGone(SimNode node)
    {
        foreach (QueueClient client in _clients) client.OnNodeGone(node);
    }
}
