namespace Conclave.Simulator;

/// <summary>Layered configuration: publishers that make releases, and agents that follow their documents from member to member (I26 to I28).</summary>
internal sealed class ConfigLoad(SimWorld world)
{
    private const int FirstAgent = 5_000, FirstPublisher = 6_000, FirstNode = 7_000;

    private ConfigAgent[] _agents = [];

    public ConfigHistory History { get; } = new();

    /// <summary>The newest release that a publisher was told of. Who asks for at least that gets nothing older.</summary>
    public long Acknowledged { get; set; }

    public IEnumerable<string> NodeNames => _agents.Select(agent => agent.Name);

    public bool IsOn => world.Plan.RealStore && world.Plan.ConfigAgents > 0;

    /// <summary>Chance for what a node does beside the log for its agents.</summary>
    public RandomStream RandomOf(SimNode node) => world.Streams.Client(FirstNode + node.Slot);

    public void Start()
    {
        if (!IsOn) return;
        _agents = [.. Enumerable.Range(0, world.Plan.ConfigAgents).Select(i => new ConfigAgent(world, this, world.Streams.Client(FirstAgent + i), $"n{i + 1}"))];
        foreach (ConfigAgent agent in _agents) agent.Start();
        for (int i = 0; i < world.Plan.ConfigPublishers; i++) new ConfigPublisher(world, this, world.Streams.Client(FirstPublisher + i)).Start();
    }

    public void OnCommitted(StoreRequest? request, string answer)
    {
        if (request is not ServerTxnRequest { Configuration: { } write } || !answer.StartsWith("txn True", StringComparison.Ordinal)) return;
        History.OnCommitted(write);
        if (write is ConfigRelease) world.Statistics.ReleasesPublished++;
    }

    public void OnNodeGone(SimNode node)
    {
        foreach (ConfigAgent agent in _agents) agent.OnNodeGone(node);
    }

    /// <summary>I27, I28 at the end: every agent has what the newest release says, and every member knows that it has. Asked when the cluster has converged.</summary>
    public bool IsComplete => History.Release == 0 || Array.TrueForAll(_agents, agent => agent.IsComplete && Members().All(agent.IsKnownAt));

    public string Describe() => string.Join("; ", _agents.Select(agent => agent.Describe(Members())).Where(text => text.Length > 0));

    private IEnumerable<SimNode> Members() => world.Leader is { } leader ? leader.Core.Membership.Members().Select(id => world[id]) : [];
}
