namespace Conclave.Simulator;

/// <summary>A fault that lasts, and how to end it.</summary>
internal sealed record ActiveFault(Strike Strike, Action End);

/// <summary>Carries out the blows, and ends what lasts.</summary>
internal sealed class FaultInjector(SimWorld world, IStrikeSource source)
{
    private readonly HashSet<ActiveFault> _active = [];
    private readonly List<Strike> _scheduled = [];
    private bool _stopped;

    /// <summary>What was carried out so far, in order, and the next one: with the plan, all it takes to do it again.</summary>
    public IReadOnlyList<Strike> Scheduled => _scheduled;

    public void Start() => ScheduleNext();

    /// <summary>No more trouble: everything that lasts ends, everybody who is down starts.</summary>
    public void StopAll()
    {
        _stopped = true;
        _active.Clear();
        world.Network.HealAll();
        // By number: an answer that comes free when a disk heals may let the operator bring another member.
        for (int i = 0; i < world.Nodes.Count; i++)
        {
            SimNode node = world.Nodes[i];
            node.Resume();
            node.ResumeTicks();
            (node.DiskFactor, node.DiskHangs, node.TickUs, node.RarePermille) = (1, false, Plan.TickUs, 0);
            node.ArmCrashWhileWriting(null, 0);
            node.ArmTears(0, 0);
            node.HealDisk();
        }
        for (int i = 0; i < world.Nodes.Count; i++)
            if (world.Nodes[i].IsWanted) world.Nodes[i].Start();
        // Whatever links are down come up again, as connections do.
        foreach (SimNode a in world.Nodes.ToArray())
            foreach (SimNode b in world.Nodes.ToArray())
                if (a.Slot < b.Slot) a.Link(b);
    }

    public void Carry(Strike strike)
    {
        if (_stopped) return;
        world.Statistics.Faults++;
        if (world.Log is not null) world.Note($"fault {world.Statistics.Faults}: {StrikeText.Print(strike)}");
        world.Clients.QuietUntil = world.Now + world.Plan.QuietAfterUs;
        switch (strike.Kind)
        {
            case StrikeKind.PowerCut: Crash(strike, powerCut: true); break;
            case StrikeKind.Kill: Crash(strike, powerCut: false); break;
            case StrikeKind.CrashWriting: Target(strike)?.ArmCrashWhileWriting(strike.Amount, strike.ForUs); break;
            case StrikeKind.CrashStarting: Target(strike)?.ArmCrashAtStart(strike.Amount, strike.ForUs); break;
            case StrikeKind.CrashResetting: Target(strike)?.ArmCrashInReset(strike.Amount, strike.ForUs); break;
            case StrikeKind.CrashTearing: Target(strike)?.ArmTears(strike.Amount, strike.ForUs); break;
            case StrikeKind.Pause: Target(strike)?.Pause(strike.ForUs); break;
            case StrikeKind.Suspend: Target(strike)?.Suspend(strike.ForUs); break;
            case StrikeKind.ClockForward or StrikeKind.ClockBack when Target(strike) is { } wrong: wrong.WallClockOffsetMs += strike.Kind == StrikeKind.ClockForward ? strike.Amount : -strike.Amount; break;
            case StrikeKind.Partition: Block(strike, Across(strike)); break;
            case StrikeKind.Mute: Block(strike, Beside(strike, outward: true)); break;
            case StrikeKind.Deafen: Block(strike, Beside(strike, outward: false)); break;
            case StrikeKind.Cut: Block(strike, Ends(strike)); break;
            case StrikeKind.Loss:
                world.Network.ExtraLossPermille = strike.Amount;
                Last(strike, () => world.Network.ExtraLossPermille = 0);
                break;
            case StrikeKind.Delay:
                world.Network.DelayFactor = strike.Amount;
                Last(strike, () => world.Network.DelayFactor = 1);
                break;
            case StrikeKind.Flap: Flap(strike); break;
            case StrikeKind.SlowDisk when Target(strike) is { } slow:
                slow.DiskFactor = strike.Amount;
                Last(strike, () => slow.DiskFactor = 1);
                break;
            case StrikeKind.Clock when Target(strike) is { } drifting:
                drifting.TickUs = strike.Amount;
                Last(strike, () => drifting.TickUs = Plan.TickUs);
                break;
            case StrikeKind.FailWrite or StrikeKind.FailSync: Target(strike)?.FailDisk(strike.Kind == StrikeKind.FailSync, strike.Amount, strike.ForUs); break;
            case StrikeKind.FillDisk when Target(strike) is { } full:
                full.FillDisk(strike.Amount, strike.ForUs);
                Last(strike, () => full.FillDisk(null, 0));
                break;
            case StrikeKind.FlipLog or StrikeKind.FlipSnapshot or StrikeKind.FlipSuperblock or StrikeKind.FlipLogEnd or StrikeKind.FlipPair when Target(strike) is { } damaged:
                if (world.Damages.MayDamage(damaged)) damaged.Damage(strike);
                break;
            case StrikeKind.Backup when Target(strike) is { } kept: kept.TakeBackup(); break;
            case StrikeKind.Restore or StrikeKind.Wipe when Target(strike) is { } swapped:
                if (world.Damages.MayExile(swapped)) swapped.Exile(wipe: strike.Kind == StrikeKind.Wipe, strike.ForUs, replace: strike.Amount == 1);
                break;
            case StrikeKind.Jump: Target(strike)?.Jump(strike.Amount); break;
            case StrikeKind.LoseWrite or StrikeKind.MisdirectWrite or StrikeKind.ReadStale or StrikeKind.LoseRename or StrikeKind.Unreadable when Target(strike) is { } lying:
                if (world.Damages.MayDamage(lying)) lying.Lie(strike);
                break;
            case StrikeKind.Stall when Target(strike) is { } stalled:
                stalled.StallTicks();
                Last(strike, stalled.ResumeTicks);
                break;
            case StrikeKind.RarePaths when Target(strike) is { } odd:
                odd.RarePermille = strike.Amount;
                Last(strike, () => odd.RarePermille = 0);
                break;
            case StrikeKind.AddLearner or StrikeKind.AddVoter or StrikeKind.Promote or StrikeKind.Remove or StrikeKind.Transfer: world.Operator.Carry(strike); break;
        }
        ScheduleNext();
    }

    public void End(ActiveFault fault)
    {
        if (_stopped || !_active.Remove(fault)) return;
        if (world.Log is not null) world.Note($"end of {StrikeText.Print(fault.Strike)}");
        fault.End();
    }

    private void ScheduleNext()
    {
        if (source.Next() is not { } strike) return;
        _scheduled.Add(strike);
        world.At(Math.Max(strike.AtUs, world.Now), new SimEvent(SimEventKind.Fault, -1, -1, (long)strike.Kind, strike));
    }

    private void Last(Strike strike, Action end)
    {
        var fault = new ActiveFault(strike, end);
        _active.Add(fault);
        world.After(strike.ForUs, new SimEvent(SimEventKind.FaultEnd, -1, -1, (long)strike.Kind, fault));
    }

    private SimNode? Find(int number) => number == Strike.Leader ? world.Leader : world.Find(number);

    /// <summary>Null for a node that this cluster does not have: a scenario may have lost it since.</summary>
    private SimNode? Target(Strike strike, int at = 0) => at < strike.Nodes.Length ? Find(strike.Nodes[at]) : null;

    private void Crash(Strike strike, bool powerCut)
    {
        if (Target(strike) is not { IsUp: true } node) return;
        node.Crash(powerCut);
        node.StartLater(strike.ForUs);
    }

    private List<(int From, int To)> Across(Strike strike)
    {
        List<SimNode> side = [.. strike.Nodes.Select(Find).OfType<SimNode>()];
        List<SimNode> others = [.. strike.Others.Select(Find).OfType<SimNode>()];
        if (strike.Others.IsEmpty) others = [.. world.Nodes.Except(side)];
        var blocked = new List<(int, int)>();
        foreach (SimNode a in side)
            foreach (SimNode b in others)
                blocked.AddRange([(a.Slot, b.Slot), (b.Slot, a.Slot)]);
        return blocked;
    }

    private List<(int From, int To)> Beside(Strike strike, bool outward)
    {
        var blocked = new List<(int, int)>();
        if (Target(strike) is not { } node) return blocked;
        foreach (SimNode other in world.Nodes)
            if (other != node) blocked.Add(outward ? (node.Slot, other.Slot) : (other.Slot, node.Slot));
        return blocked;
    }

    private List<(int From, int To)> Ends(Strike strike)
    {
        var blocked = new List<(int, int)>();
        for (int i = 0; i + 1 < strike.Nodes.Length; i += 2)
        {
            if (Target(strike, i) is not { } a || Target(strike, i + 1) is not { } b) continue;
            blocked.Add((a.Slot, b.Slot));
            blocked.Add((b.Slot, a.Slot));
        }
        return blocked;
    }

    private void Block(Strike strike, List<(int From, int To)> blocked)
    {
        foreach ((int from, int to) in blocked) world.Network.Block(from, to);
        if (strike.Noticed)
            foreach ((int from, int to) in blocked) world.Nodes[to].LoseLink(from, 500_000);
        Last(strike, () =>
        {
            foreach ((int from, int to) in blocked)
            {
                world.Network.Unblock(from, to);
                if (strike.Noticed && world.Nodes[from].IsUp && world.Nodes[to].IsUp) world.Nodes[from].Link(world.Nodes[to]);
            }
        });
    }

    private void Flap(Strike strike)
    {
        if (Target(strike) is not { } node || Target(strike, 1) is not { } other || node == other) return;
        node.LoseLink(other.Slot, 10_000);
        if (strike.Noticed) other.LoseLink(node.Slot, 10_000);
        Last(strike, () => node.Link(other));
    }
}
