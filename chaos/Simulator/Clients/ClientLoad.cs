using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>Everybody who uses the cluster: clients that write and read at random, here, and those with a purpose of their own.</summary>
internal sealed class ClientLoad
{
    private readonly SimWorld _world;
    private Client[] _clients = [];

    public ClientLoad(SimWorld world)
    {
        _world = world;
        Requests = new ClientRequests(world);
        Watches = new WatchLoad(world);
        Locks = new LockLoad(world);
        Queues = new QueueLoad(world);
        Registers = new RegisterLoad(world);
        Sessions = new SessionLoad(world);
        Config = new ConfigLoad(world);
    }

    /// <summary>New work is taken up; off while the cluster heals.</summary>
    public bool Active { get; set; } = true;

    /// <summary>Nobody begins anything before: what a fault leaves behind must not need another write to be noticed.</summary>
    public long QuietUntil { get; set; }

    public ClientRequests Requests { get; }
    public WatchLoad Watches { get; }
    public LockLoad Locks { get; }
    public QueueLoad Queues { get; }
    public RegisterLoad Registers { get; }
    public SessionLoad Sessions { get; }
    public ConfigLoad Config { get; }

    private sealed class Client
    {
        public required RandomStream Random;
        public int Node;
        public int Pending; // operations of the present turn
    }

    public void Start()
    {
        _clients = new Client[_world.Plan.Clients];
        for (int i = 0; i < _clients.Length; i++)
        {
            var client = _clients[i] = new Client { Random = _world.Streams.Client(i) };
            client.Node = AnyNode(client.Random).Slot;
            _world.Call(client.Random.Between(0, _world.Plan.ThinkMaxUs), () => Turn(client));
        }
        Watches.Start();
        Locks.Start();
        Queues.Start();
        Registers.Start();
        Sessions.Start();
        Config.Start();
    }

    public bool WasRefused(ulong operation) => Requests.WasRefused(operation);

    /// <summary>One write at the node, whatever the clients do; its id.</summary>
    public ulong Probe(SimNode node)
    {
        Proposal proposal = Requests.Create(_world.Streams.Client(-1));
        Requests.Send(node, [proposal], done: null);
        return proposal.Id;
    }

    /// <summary>One read at the node, whatever the clients do; its id.</summary>
    public ulong ProbeRead(SimNode node) => Requests.SendRead(node, done: null);

    public bool IsUnderWay(ulong id) => Requests.IsUnderWay(id);

    public void OnNodeGone(SimNode node)
    {
        Watches.OnNodeGone(node);
        Config.OnNodeGone(node);
        Queues.OnNodeGone(node);
        Requests.OnNodeGone(node);
    }

    public SimNode AnyNode(RandomStream random)
    {
        IReadOnlyList<SimNode> nodes = _world.Serving ?? _world.Nodes;
        return nodes[random.Below(nodes.Count)];
    }

    private void Turn(Client client)
    {
        if (!Active) return;
        if (_world.Now < QuietUntil)
        {
            _world.Call(QuietUntil - _world.Now + client.Random.Between(1, _world.Plan.ThinkMaxUs), () => Turn(client));
            return;
        }
        SimNode node = _world.Nodes[client.Node];
        if (!node.IsUp)
        {
            client.Node = AnyNode(client.Random).Slot;
            Next(client);
            return;
        }
        bool write = client.Random.Permille(_world.Plan.WritePermille);
        int burst = client.Pending = 1 + client.Random.Below(_world.Plan.BurstMax);
        if (write)
        {
            var batch = new Proposal[burst];
            for (int i = 0; i < burst; i++) batch[i] = Requests.Create(client.Random);
            Requests.Send(node, batch, result => OnWritten(client, result));
        }
        else
        {
            for (int i = 0; i < burst; i++) Requests.SendRead(node, served => OnRead(client, served));
        }
    }

    private void OnWritten(Client client, in WriteResult result)
    {
        if (result.End == WriteEnd.Refused) client.Node = result.Leader == NodeId.None ? AnyNode(client.Random).Slot : _world[result.Leader].Slot;
        if (result.End == WriteEnd.Unknown) client.Node = AnyNode(client.Random).Slot;
        Finish(client);
    }

    private void OnRead(Client client, SimNode? served)
    {
        if (served is not null) _world.Checker.Contents?.Read(served, StoreCommands.DrawRange(_world, client.Random));
        else client.Node = AnyNode(client.Random).Slot;
        Finish(client);
    }

    private void Finish(Client client)
    {
        if (--client.Pending > 0) return;
        if (client.Random.Below(8) == 0) client.Node = AnyNode(client.Random).Slot;
        Next(client);
    }

    private void Next(Client client) => _world.Call(client.Random.Between(1, _world.Plan.ThinkMaxUs), () => Turn(client));
}
