using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>A fault that lasts, and how to end it.</summary>
internal sealed record ActiveFault(FaultKind Kind, Action End);

/// <summary>Strikes at random moments with the kinds of trouble that the plan drew, and ends them after a while.</summary>
internal sealed class FaultInjector(SimWorld world)
{
    private readonly List<ActiveFault> _active = [];
    private bool _stopped;

    public void Start() => ScheduleNext();

    /// <summary>No more trouble: everything that lasts ends, everybody who is down starts.</summary>
    public void StopAll()
    {
        _stopped = true;
        _active.Clear();
        world.Network.HealAll();
        foreach (SimNode node in world.Nodes)
        {
            node.Resume();
            (node.DiskFactor, node.TickUs) = (1, Plan.TickUs);
            node.ArmCrashWhileWriting(null);
        }
        foreach (SimNode node in world.Nodes) node.Start();
        // Whatever links are down come up again, as connections do.
        foreach (SimNode a in world.Nodes)
            foreach (SimNode b in world.Nodes)
                if (a.Slot < b.Slot) a.Link(b);
    }

    public void RestartLater(SimNode node) =>
        world.After(world.Between(5_000, world.Random.Below(2) == 0 ? 200_000 : 3_000_000), new SimEvent(SimEventKind.Restart, node.Slot, -1, 0, null));

    public void Strike()
    {
        if (_stopped) return;
        FaultKind kind = world.Plan.Faults[world.Random.Below(world.Plan.Faults.Length)];
        SimNode node = world.Nodes[world.Random.Below(world.Nodes.Length)];
        world.Statistics.Faults++;
        world.Note($"fault {kind}");
        switch (kind)
        {
            case FaultKind.PowerCut: Crash(node, powerCut: true); break;
            case FaultKind.KillProcess: Crash(node, powerCut: false); break;
            case FaultKind.CrashWhileWriting: node.ArmCrashWhileWriting(world.Random.Below(6)); break;
            case FaultKind.CrashAll: foreach (SimNode each in world.Nodes) Crash(each, powerCut: world.Random.Below(2) == 0); break;
            case FaultKind.Pause: node.Pause(Duration(5_000_000)); break;
            case FaultKind.Partition: Partition(); break;
            case FaultKind.IsolateLeader: Isolate(LeaderOr(node), inward: true, outward: true); break;
            case FaultKind.OneWay: Isolate(node, inward: world.Random.Below(2) == 0, outward: world.Random.Below(2) == 0); break;
            case FaultKind.CutLinks: CutLinks(); break;
            case FaultKind.LossBurst:
                world.Network.ExtraLoss = 0.1 + world.Random.Below(60) / 100.0;
                Last(kind, () => world.Network.ExtraLoss = 0);
                break;
            case FaultKind.DelayBurst:
                world.Network.DelayFactor = 5 + world.Random.Below(50);
                Last(kind, () => world.Network.DelayFactor = 1);
                break;
            case FaultKind.LinkFlap: Flap(node); break;
            case FaultKind.SlowDisk:
                node.DiskFactor = 10 << world.Random.Below(8);
                Last(kind, () => node.DiskFactor = 1);
                break;
            case FaultKind.ClockDrift:
                node.TickUs = world.Between(Plan.TickUs / 2, 2 * Plan.TickUs);
                Last(kind, () => node.TickUs = Plan.TickUs);
                break;
        }
        ScheduleNext();
    }

    public void End(ActiveFault fault)
    {
        if (_stopped || !_active.Remove(fault)) return;
        world.Note($"end of {fault.Kind}");
        fault.End();
    }

    /// <summary>With a calm now and then, so that the cluster gets somewhere before the next blow.</summary>
    private void ScheduleNext()
    {
        long most = (world.Random.Below(6) == 0 ? 10 : 2) * world.Plan.FaultEveryUs;
        world.After(world.Between(1, most), new SimEvent(SimEventKind.Fault, -1, -1, 0, null));
    }

    private long Duration(long maxUs) => world.Between(10_000, maxUs);

    private void Last(FaultKind kind, Action end)
    {
        var fault = new ActiveFault(kind, end);
        _active.Add(fault);
        world.After(Duration(3 * world.Plan.ElectionTimeoutUs + 1_000_000), new SimEvent(SimEventKind.FaultEnd, -1, -1, 0, fault));
    }

    private void Crash(SimNode node, bool powerCut)
    {
        if (!node.IsUp) return;
        node.Crash(powerCut);
        RestartLater(node);
    }

    private SimNode LeaderOr(SimNode other)
    {
        SimNode? leader = null;
        foreach (SimNode node in world.Nodes)
            if (node is { IsUp: true } && node.Core.Role == RaftRole.Leader && (leader is null || node.Core.Term > leader.Core.Term)) leader = node;
        return leader ?? other;
    }

    private void Partition()
    {
        int side = 1 + world.Random.Below((1 << world.Nodes.Length) - 2);
        var blocked = new List<(int, int)>();
        for (int a = 0; a < world.Nodes.Length; a++)
            for (int b = 0; b < world.Nodes.Length; b++)
                if ((side >> a & 1) != (side >> b & 1)) blocked.Add((a, b));
        BlockForAWhile(FaultKind.Partition, blocked);
    }

    private void Isolate(SimNode node, bool inward, bool outward)
    {
        var blocked = new List<(int, int)>();
        foreach (SimNode other in world.Nodes)
        {
            if (other == node) continue;
            if (inward) blocked.Add((other.Slot, node.Slot));
            if (outward) blocked.Add((node.Slot, other.Slot));
        }
        BlockForAWhile(FaultKind.OneWay, blocked);
    }

    /// <summary>Single links, so that bridges and rings arise.</summary>
    private void CutLinks()
    {
        var blocked = new List<(int, int)>();
        for (int a = 0; a < world.Nodes.Length; a++)
        {
            for (int b = a + 1; b < world.Nodes.Length; b++)
            {
                if (world.Random.Below(2) == 0) continue;
                blocked.Add((a, b));
                blocked.Add((b, a));
            }
        }
        BlockForAWhile(FaultKind.CutLinks, blocked);
    }

    private void BlockForAWhile(FaultKind kind, List<(int From, int To)> blocked)
    {
        foreach ((int from, int to) in blocked) world.Network.Block(from, to);
        bool noticed = world.Random.Below(2) == 0; // whether the connections break, or just go silent
        if (noticed)
            foreach ((int from, int to) in blocked) world.Nodes[to].Later(SimEventKind.LinkDown, world.Between(100, 500_000), from);
        Last(kind, () =>
        {
            foreach ((int from, int to) in blocked)
            {
                world.Network.Unblock(from, to);
                if (noticed && world.Nodes[from].IsUp && world.Nodes[to].IsUp) world.Nodes[from].Link(world.Nodes[to]);
            }
        });
    }

    private void Flap(SimNode node)
    {
        SimNode other = world.Nodes[(node.Slot + 1 + world.Random.Below(world.Nodes.Length - 1)) % world.Nodes.Length];
        node.Later(SimEventKind.LinkDown, world.Between(1, 10_000), other.Slot);
        if (world.Random.Below(2) == 0) other.Later(SimEventKind.LinkDown, world.Between(1, 10_000), node.Slot);
        Last(FaultKind.LinkFlap, () => node.Link(other));
    }
}
