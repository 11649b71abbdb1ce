namespace Conclave.Simulator;

/// <summary>Layered configuration: publishers that make releases, and agents that follow their documents from member to member (I26 to I30).</summary>
internal sealed class ConfigLoad(SimWorld world)
{
    private const int FirstAgent = 5_000, FirstPublisher = 6_000, FirstNode = 7_000, FirstSteerer = 8_000;

    public static readonly string[] Documents = ["app", "web"];

    private ConfigAgent[] _agents = [];

    public ConfigHistory History { get; } = new();

    public RolloutCheck Rollouts => field ??= new RolloutCheck(world, History);

    /// <summary>Whether some releases reach their nodes in stages.</summary>
    public bool HasRollouts => IsOn && world.Plan.ConfigRolloutsPermille > 0;

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
        if (HasRollouts) new ConfigSteerer(world, world.Streams.Client(FirstSteerer)).Start();
    }

    public void OnCommitted(StoreRequest? request, string answer)
    {
        if (request is not ServerTxnRequest { Configuration: { } write } || !answer.StartsWith("txn True", StringComparison.Ordinal)) return;
        History.OnCommitted(write, world.Oracle!.Revision); // it is the oracle's answer
        if (write is ConfigRelease) world.Statistics.ReleasesPublished++;
        if (write is ConfigRelease { Strategy: not null }) world.Statistics.RolloutsBegun++;
        if (write is not ConfigRolloutMove move) return;
        world.Statistics.RolloutMoves++;
        if (move.Phase == HistoryRollout.Done) world.Statistics.RolloutsDone++;
        if (move.TakenBackBy > 0) world.Statistics.RolloutsTakenBack++;
    }

    public void OnNodeGone(SimNode node)
    {
        foreach (ConfigAgent agent in _agents) agent.OnNodeGone(node);
    }

    /// <summary>The documents that the agent of a node follows.</summary>
    /// <param name="node">The node.</param>
    /// <param name="namesThem">False when it takes whatever there is.</param>
    public string[] DocumentsOf(string node, out bool namesThem) => _agents.First(a => a.Name == node).Documents(out namesThem);

    /// <summary>I27, I28 at the end: every agent has what the newest release says, and every member knows that it has. Asked when the cluster has converged.</summary>
    public bool IsComplete => History.Release == 0 || (Array.TrueForAll(_agents, agent => agent.IsComplete && Members().All(agent.IsKnownAt)) && !Stuck.Any());

    /// <summary>Rollouts that nobody moves on, though nothing holds them; a clock on a wall that was set back makes a stage as much longer.</summary>
    private IEnumerable<long> Stuck => world.Nodes.Exists(n => n.WallClockOffsetMs != 0) ? [] : History.Running;

    public string Describe() => string.Join("; ", _agents.Select(agent => agent.Describe(Members())).Where(text => text.Length > 0).Concat(Stuck.Select(release => $"the rollout of release {release} neither ends nor pauses")));

    private IEnumerable<SimNode> Members() => world.Leader is { } leader ? leader.Core.Membership.Members().Select(id => world[id]) : [];
}
