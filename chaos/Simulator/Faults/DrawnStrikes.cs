using System.Collections.Immutable;

namespace Conclave.Simulator;

/// <summary>Draws blows of the kinds that the plan has. Each has a number and a stream of chance of its own.</summary>
internal sealed class DrawnStrikes(SimWorld world) : IStrikeSource
{
    /// <summary>Nodes over the whole run.</summary>
    private const int NodesMax = 14;

    private readonly RandomStream _times = world.Streams.Strikes();
    private readonly Queue<Strike> _drawn = new();
    private int _number;
    private long _at;

    public Strike? Next()
    {
        while (_drawn.Count == 0)
        {
            // With a calm now and then, so that the cluster gets somewhere before the next blow.
            long most = (_times.Below(6) == 0 ? 10 : 2) * world.Plan.FaultEveryUs;
            _at += _times.Between(1, most);
            Draw(world.Streams.Strike(++_number));
        }
        return _drawn.Dequeue();
    }

    private void Draw(RandomStream random)
    {
        FaultKind kind = random.Pick<FaultKind>(world.Plan.Faults.AsSpan());
        int count = world.Nodes.Count;
        int node = 1 + random.Below(count);
        long lasts = random.Between(10_000, 3 * world.Plan.ElectionTimeoutUs + 1_000_000);
        bool noticed = random.Below(2) == 0;
        switch (kind)
        {
            case FaultKind.PowerCut: Add(StrikeKind.PowerCut, DownTime(random), nodes: node); break;
            case FaultKind.KillProcess: Add(StrikeKind.Kill, DownTime(random), nodes: node); break;
            case FaultKind.CrashWhileWriting: DrawCrash(random, node); break;
            case FaultKind.CrashAll:
                for (int each = 1; each <= count; each++) Add(random.Pick(StrikeKind.PowerCut, StrikeKind.Kill), DownTime(random), nodes: each);
                break;
            case FaultKind.Pause: Add(StrikeKind.Pause, random.Between(10_000, 5_000_000), nodes: node); break;
            case FaultKind.Partition: Add(StrikeKind.Partition, lasts, noticed: noticed, nodes: Side(random, count)); break;
            case FaultKind.IsolateLeader: Add(StrikeKind.Partition, lasts, noticed: noticed, nodes: Strike.Leader); break;
            case FaultKind.OneWay: Add(random.Pick(StrikeKind.Mute, StrikeKind.Deafen), lasts, noticed: noticed, nodes: node); break;
            case FaultKind.CutLinks: Add(StrikeKind.Cut, lasts, noticed: noticed, nodes: Links(random, count)); break;
            case FaultKind.LossBurst: Add(StrikeKind.Loss, lasts, 100 + random.Below(600)); break;
            case FaultKind.DelayBurst: Add(StrikeKind.Delay, lasts, 5 + random.Below(50)); break;
            case FaultKind.LinkFlap: Add(StrikeKind.Flap, lasts, noticed: noticed, nodes: [node, 1 + (node + random.Below(count - 1)) % count]); break;
            case FaultKind.SlowDisk: Add(StrikeKind.SlowDisk, lasts, 10 << random.Below(8), nodes: node); break;
            case FaultKind.ClockDrift: Add(StrikeKind.Clock, lasts, (int)random.Between(Plan.TickUs / 2, 2 * Plan.TickUs), nodes: node); break;
            case FaultKind.DiskError: Add(random.Pick(StrikeKind.FailWrite, StrikeKind.FailSync), DownTime(random), random.Below(4), nodes: node); break;
            case FaultKind.DiskFull: Add(StrikeKind.FillDisk, lasts, random.Below(30_000), nodes: node); break;
            case FaultKind.Damage: DrawDamage(random, node); break;
            case FaultKind.Members: DrawMembers(random, node, count); break;
            case FaultKind.Identity: Add(random.Pick(StrikeKind.Backup, StrikeKind.Restore, StrikeKind.Wipe), lasts, random.Below(2), nodes: node); break;
            case FaultKind.Stall: Add(random.Pick(StrikeKind.Stall, StrikeKind.Jump), lasts, 1 + random.Below(3 * world.Plan.ElectionTimeoutTicks), nodes: node); break;
            case FaultKind.Clocks:
                if (random.Below(2) == 0) Add(random.Pick(StrikeKind.Suspend, StrikeKind.Pause), random.Between(10_000, 8_000_000), nodes: node);
                else Add(random.Pick(StrikeKind.ClockForward, StrikeKind.ClockBack), 0, 1 + random.Below(random.Pick(1_000, 10_000, 10_000_000)), nodes: node);
                break;
            case FaultKind.LyingDisk:
                Add(random.Pick(StrikeKind.LoseWrite, StrikeKind.LoseWrite, StrikeKind.MisdirectWrite, StrikeKind.ReadStale, StrikeKind.LoseRename, StrikeKind.Unreadable), lasts, random.Below(8), nodes: node);
                break;
            case FaultKind.RarePaths: Add(StrikeKind.RarePaths, lasts, random.Pick(10, 50, 200), nodes: node); break;
            case FaultKind.Transfer: Add(StrikeKind.Transfer, 0, Via(random, count), nodes: random.Below(3) == 0 ? [] : [node]); break;
        }
    }

    /// <summary>
    /// Mostly in any write. Sometimes in the few of a reset, or twice: in a write, and again right after the start that found what the first crash left. Or in long batches,
    /// one after the other in the same place: it must not be taken for damage that the remains of one lie under the next.
    /// </summary>
    private void DrawCrash(RandomStream random, int node)
    {
        int aim = random.Below(6);
        if (aim == 0) Add(StrikeKind.CrashResetting, DownTime(random), random.Below(12), nodes: node);
        else if (aim == 3) Add(StrikeKind.CrashTearing, DownTime(random), 2 + random.Below(2), nodes: node);
        else Add(StrikeKind.CrashWriting, DownTime(random), random.Below(aim <= 2 ? 3 : 6), nodes: node);
        if (aim is 1 or 2) Add(StrikeKind.CrashStarting, DownTime(random), random.Below(6), nodes: node);
    }

    /// <summary>Anywhere, or where it hurts most: files are mostly empty, and what was written last has no copy behind it.</summary>
    private void DrawDamage(RandomStream random, int node)
    {
        StrikeKind kind = random.Pick(StrikeKind.FlipLog, StrikeKind.FlipLog, StrikeKind.FlipSnapshot, StrikeKind.FlipSuperblock, StrikeKind.FlipLogEnd, StrikeKind.FlipPair);
        int amount = kind switch { StrikeKind.FlipLogEnd => 1 + random.Below(4), StrikeKind.FlipPair => random.Below(2), _ => 0 };
        Add(kind, DownTime(random), amount, nodes: node);
    }

    private void DrawMembers(RandomStream random, int node, int count)
    {
        StrikeKind kind = random.Pick(StrikeKind.AddLearner, StrikeKind.AddVoter, StrikeKind.AddVoter, StrikeKind.Promote, StrikeKind.Remove, StrikeKind.Remove);
        bool adds = kind is StrikeKind.AddLearner or StrikeKind.AddVoter;
        if (adds && count >= NodesMax) (kind, adds) = (StrikeKind.Remove, false);
        Add(kind, adds ? random.Between(0, 500_000) : 0, Via(random, count), nodes: adds ? count + 1 : node);
    }

    /// <summary>Mostly the leader is asked, sometimes just anybody.</summary>
    private static int Via(RandomStream random, int count) => random.Below(4) == 0 ? 1 + random.Below(count) : 0;

    private static long DownTime(RandomStream random) => random.Between(5_000, random.Below(2) == 0 ? 200_000 : 3_000_000);

    /// <summary>Anybody on this side, and somebody on the other if there is more than one node.</summary>
    private static int[] Side(RandomStream random, int count)
    {
        var side = new List<int>();
        for (int each = 1; each <= count; each++)
            if (random.Below(2) == 0) side.Add(each);
        if (side.Count == 0) side.Add(1);
        if (side.Count == count) side.RemoveAt(count - 1);
        return [.. side];
    }

    /// <summary>Single links, so that bridges and rings arise.</summary>
    private static int[] Links(RandomStream random, int count)
    {
        var ends = new List<int>();
        for (int a = 1; a <= count; a++)
            for (int b = a + 1; b <= count; b++)
                if (random.Below(2) == 0) ends.AddRange([a, b]);
        return [.. ends];
    }

    private void Add(StrikeKind kind, long lasts, int amount = 0, bool noticed = false, params ReadOnlySpan<int> nodes) =>
        _drawn.Enqueue(new Strike(_at, kind) { ForUs = lasts, Amount = amount, Noticed = noticed, Nodes = ImmutableArray.Create(nodes) });
}
