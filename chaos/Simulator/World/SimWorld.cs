using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>The clock, the events that are still to come, and everything they happen to. One thread, one seed.</summary>
internal sealed class SimWorld
{
    private readonly PriorityQueue<SimEvent, (long Time, long Order)> _events = new();
    private long _order;
    private TraceHash _trace;
    private readonly DriverFaults _driverFaults;

    /// <summary>Upper bound for nodes over the whole run, those included that left.</summary>
    public const int SlotsMax = 32;

    public SimWorld(Scenario scenario, TextWriter? log, CoreSwap? swap = null)
    {
        Swap = swap;
        Streams = new RandomStreams(scenario.Seed);
        (Plan, Mutation, Log) = (scenario.Plan, scenario.Mutation, log);
        _driverFaults = Mutation.ToDriverFaults();
        Checker = new Checker(this) { ChecksReleases = scenario.CheckReleases };
        Network = new SimNetwork(this);
        Membership = Membership.Of([.. Enumerable.Range(1, Plan.Nodes).Select(i => new NodeId((ulong)i))]);
        Nodes = [.. Enumerable.Range(0, Plan.Nodes).Select(i => new SimNode(this, i, Membership))];
        Clients = new ClientLoad(this);
        Operator = new ClusterOperator(this);
        Damages = new DamageLimit(this);
        Faults = new FaultInjector(this, scenario.Strikes is { } strikes ? new ListedStrikes(strikes) : new DrawnStrikes(this));
        Log?.WriteLine(ScenarioText.Print(scenario));
        foreach (SimNode node in Nodes) node.Start();
        Clients.Start();
        Faults.Start();
    }

    public RandomStreams Streams { get; }
    public Plan Plan { get; }
    public Mutation Mutation { get; }
    public TextWriter? Log { get; }

    /// <summary>Null in every run but those that test whether a core can be saved.</summary>
    public CoreSwap? Swap { get; }

    /// <summary>Of the first day.</summary>
    public Membership Membership { get; }
    public List<SimNode> Nodes { get; }
    public SimNetwork Network { get; }
    public ClientLoad Clients { get; }
    public FaultInjector Faults { get; }
    public ClusterOperator Operator { get; }
    public DamageLimit Damages { get; }
    public Checker Checker { get; }
    public Statistics Statistics { get; } = new();

    /// <summary>Microseconds since the beginning.</summary>
    public long Now { get; private set; }
    public long Events { get; private set; }
    public ulong Trace => _trace.Value;

    /// <summary>Of the newest term, if there are several; null when there is none.</summary>
    public SimNode? Leader
    {
        get
        {
            SimNode? leader = null;
            foreach (SimNode node in Nodes)
                if (node.IsUp && node.Core.Role == RaftRole.Leader && (leader is null || node.Core.Term > leader.Core.Term)) leader = node;
            return leader;
        }
    }

    /// <summary>At the end: the members, which are all that anybody may ask. Null while clients ask whom they like.</summary>
    public IReadOnlyList<SimNode>? Serving { get; private set; }

    /// <summary>Whoever still talks to a node that is no member any more has to find another.</summary>
    public void ServeBy(Membership membership)
    {
        Serving = [.. membership.Members().Select(id => this[id])];
        foreach (SimNode node in Nodes.Except(Serving)) Clients.OnNodeGone(node);
    }

    /// <param name="number">Slot plus one.</param>
    public SimNode? Find(int number) => number <= Nodes.Count ? Nodes[number - 1] : null;

    /// <summary>Empty nodes, until there is one with this number.</summary>
    public SimNode AddNodes(int number)
    {
        while (Nodes.Count < number) Nodes.Add(new SimNode(this, Nodes.Count, new Membership()));
        return Nodes[number - 1];
    }

    public SimNode this[NodeId id] => Nodes[(int)id.Value - 1];

    public void At(long time, SimEvent what) => _events.Enqueue(what, (time, _order++));

    public void After(long delay, SimEvent what) => At(Now + delay, what);

    /// <summary>Something that clients do later; it belongs to no node and survives all of them.</summary>
    public void Call(long delay, Action what) => After(delay, new SimEvent(SimEventKind.Call, -1, -1, 0, what));

    /// <summary>Whether this run's driver is to make a certain mistake.</summary>
    public bool Has(DriverFaults fault) => (_driverFaults & fault) != 0;

    /// <summary>What the committed history means; only in runs with the real store.</summary>
    public StoreOracle? Oracle => Checker.Contents?.Oracle;

    public void Note(string what) => Log?.WriteLine($"{Now / 1000.0,12:F3} {what}");

    public void Hash(long value) => _trace.Add(value);

    /// <summary>So many events, or until the time is up.</summary>
    public void Run(long events, long untilUs)
    {
        for (long i = 0; i < events && _events.TryPeek(out _, out (long Time, long Order) next) && next.Time <= untilUs; i++) Step();
    }

    /// <summary>Until the condition holds, looked at every few events; false when virtual time runs out first.</summary>
    public bool RunUntil(Func<bool> condition, long timeUs)
    {
        long end = Now + timeUs;
        while (Now < end)
        {
            for (int i = 0; i < 16; i++) Step();
            if (condition()) return true;
        }
        return false;
    }

    private void Step()
    {
        if (!_events.TryDequeue(out SimEvent what, out (long Time, long Order) at)) throw new SimulationFailure("Nothing is left to happen: even the clocks have stopped.");
        Now = at.Time;
        Events++;
        _trace.Add(Now);
        _trace.Add(((long)what.Kind << 32) ^ (what.Node << 16) ^ what.Number);
        switch (what.Kind)
        {
            case SimEventKind.Call when what.Node < 0: ((Action)what.Data!)(); break; // set by who scheduled it
            case SimEventKind.Fault: Faults.Carry((Strike)what.Data!); break; // set by who scheduled it
            case SimEventKind.FaultEnd: Faults.End((ActiveFault)what.Data!); break; // set by who scheduled it
            default: Nodes[what.Node].Handle(what); break;
        }
    }
}
