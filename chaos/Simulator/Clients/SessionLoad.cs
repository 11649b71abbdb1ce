namespace Conclave.Simulator;

/// <summary>Clients with sessions: what ends unknown is sent again under the same number, until there is an answer (I17).</summary>
internal sealed class SessionLoad(SimWorld world)
{
    private const int FirstStream = 4_000;

    public void Start()
    {
        if (!world.Plan.RealStore) return;
        for (int i = 0; i < world.Plan.SessionClients; i++) new SessionClient(world, world.Streams.Client(FirstStream + i)).Start();
    }
}
