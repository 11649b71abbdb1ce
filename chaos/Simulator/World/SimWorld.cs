using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>The clock, the events that are still to come, and everything they happen to. One thread, one source of chance.</summary>
internal sealed class SimWorld
{
    private readonly PriorityQueue<SimEvent, (long Time, long Order)> _events = new();
    private long _order;
    private TraceHash _trace;

    public SimWorld(ulong seed, Mutation mutation, bool checkReleases, TextWriter? log)
    {
        Random = new Prng(seed);
        Plan = Plan.Draw(Random);
        (Mutation, Log) = (mutation, log);
        Checker = new Checker(this) { ChecksReleases = checkReleases };
        Network = new SimNetwork(this);
        Membership = Membership.Of([.. Enumerable.Range(1, Plan.Nodes).Select(i => new NodeId((ulong)i))]);
        Nodes = [.. Enumerable.Range(0, Plan.Nodes).Select(i => new SimNode(this, i))];
        Clients = new ClientLoad(this);
        Faults = new FaultInjector(this);
        Log?.WriteLine($"seed {seed}: {Plan}");
        foreach (SimNode node in Nodes) node.Start();
        Clients.Start();
        Faults.Start();
    }

    public Prng Random { get; }
    public Plan Plan { get; }
    public Mutation Mutation { get; }
    public TextWriter? Log { get; }
    public Membership Membership { get; }
    public SimNode[] Nodes { get; }
    public SimNetwork Network { get; }
    public ClientLoad Clients { get; }
    public FaultInjector Faults { get; }
    public Checker Checker { get; }
    public Statistics Statistics { get; } = new();

    /// <summary>Microseconds since the beginning.</summary>
    public long Now { get; private set; }
    public long Events { get; private set; }
    public ulong Trace => _trace.Value;

    public SimNode this[NodeId id] => Nodes[(int)id.Value - 1];

    public long Between(long min, long max) => min + (long)(Random.Next() % (ulong)(max - min + 1));

    public bool Chance(double probability) => probability > 0 && Random.Next() < (ulong)(probability * ulong.MaxValue);

    public void At(long time, SimEvent what) => _events.Enqueue(what, (time, _order++));

    public void After(long delay, SimEvent what) => At(Now + delay, what);

    public void Note(string what) => Log?.WriteLine($"{Now / 1000.0,12:F3} {what}");

    public void Hash(long value) => _trace.Add(value);

    public void Run(long events)
    {
        for (long i = 0; i < events; i++) Step();
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
            case SimEventKind.ClientTurn: Clients.Turn((int)what.Number); break;
            case SimEventKind.ClientTimeout: Clients.TimeOut((int)what.Number, (long)what.Data!); break; // set by who scheduled it
            case SimEventKind.Fault: Faults.Strike(); break;
            case SimEventKind.FaultEnd: Faults.End((ActiveFault)what.Data!); break; // set by who scheduled it
            default: Nodes[what.Node].Handle(what); break;
        }
    }
}
