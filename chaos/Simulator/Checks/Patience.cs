using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>How long a cluster may take, from what it has to do: election timeouts, and what disks, links and state machines need for what lies before them.</summary>
internal sealed class Patience(SimWorld world)
{
    /// <summary>A campaign in vain, or a leader that does not know yet that it is none, costs a round each; with lost messages, more of them.</summary>
    private const int Rounds = 8, RoundsWithLoss = 24;

    /// <summary>A snapshot is sent, written and installed; it may be one too old, and be followed by another.</summary>
    private const long SnapshotsUs = 2 * 350_000;

    /// <summary>What an earlier blow still brings: a disk that lied loses power within three election timeouts and a second, a damaged one is started anew within three seconds.</summary>
    private const long LateBlowsUs = 5_000_000;

    /// <summary>An operator looks every 0.3 s, and a replacement takes four changes of the membership, each with its catching up; a member with a wrong directory first gets its own back.</summary>
    private const long ReplacementUs = 10_000_000;

    private Plan Plan => world.Plan;

    /// <summary>Campaigns that may be in vain.</summary>
    public int RoundsNow => world.Network.Healing ? Rounds : RoundsWithLoss;

    /// <summary>There and back, and a write at both ends and one to begin with.</summary>
    public long ExchangeUs => 2 * Plan.DelayMaxUs + 3 * Plan.DiskMaxUs + 1_000;

    /// <summary>
    /// Between writes that nobody waits for: twice what one costs at most, so that the work that was there before them gets done. With more than can be applied, each is given up before its turn, for ever.
    /// </summary>
    public long BetweenWritesUs => 2 * Math.Max(Plan.ApplyMaxUs, IsNarrow ? ExchangeUs : 0);

    /// <summary>The longest that a follower waits before it campaigns, and a campaign.</summary>
    public long RoundUs => 2 * Plan.ElectionTimeoutUs + CampaignDelayUs + ExchangeUs;

    /// <summary>Whether votes arrive before the next campaign begins. With slower disks and links than that, elections are won by luck.</summary>
    public bool ElectionsFit => ExchangeUs < Plan.ElectionTimeoutUs;

    /// <summary>Until those who are well have a leader and everything that there is.</summary>
    /// <param name="well">Everybody who is not sick.</param>
    public long OfService(IReadOnlyList<SimNode> well) =>
        RoundsNow * RoundUs + SnapshotsUs + CatchUpUs(well) + ApplyUs(well) + WaitsUs(well) + LinksUs();

    /// <summary>Until everybody agrees, after faults of all kinds.</summary>
    public long OfConvergence()
    {
        IReadOnlyList<SimNode> all = [.. world.Nodes.Where(node => node.IsUp)];
        int replaced = world.Operator.Replacing + world.Nodes.Count(node => node.IsImpaired && node.IsWanted);
        // Whoever is damaged starts anew, and is brought up again after the others.
        return OfService(all) + (ElectionsFit ? 0 : RoundsWithLoss * RoundUs) + LateBlowsUs + replaced * (ReplacementUs + OfService(all));
    }

    /// <summary>Until this is so; the time begins anew whenever some of the work that there was at the beginning is done.</summary>
    /// <param name="done">Looked at every few events.</param>
    /// <param name="mostUs">Time in which nothing may get on.</param>
    public Stall Wait(Func<bool> done, long mostUs)
    {
        var headway = new Headway(world, RoundsNow);
        (long since, long longest, bool isDone) = (world.Now, 0, false);
        do
        {
            world.RunUntil(() => true, long.MaxValue / 2);
            longest = Math.Max(longest, world.Now - since);
            isDone = done();
            if (headway.Grew()) since = world.Now;
        }
        while (!isDone && world.Now - since < mostUs);
        return new Stall(isDone, 1_000 * longest / mostUs);
    }

    /// <summary>Entries may have to go one by one.</summary>
    private bool IsNarrow => Plan.TightMemory || Plan.AppendBytesMax < 1 << 20;

    private long CampaignDelayUs => Plan.CampaignDelayTicks * Plan.TickUs * Math.Max(0, world.Nodes.Count - 1);

    /// <summary>Whoever is sick may lead, over the one link that it has, and then its log is the one that counts.</summary>
    public static LogIndex NewestOf(SimWorld world) => world.Nodes.Where(node => node.IsUp).Select(node => node.Core.LastEntry.Index).DefaultIfEmpty().Max();

    /// <summary>Entries that the one who lacks most has to be sent, in the smallest messages and the smallest window that the options allow.</summary>
    private long CatchUpUs(IReadOnlyList<SimNode> nodes)
    {
        LogIndex newest = NewestOf(world);
        long missing = nodes.Select(node => (long)(newest.Value - Math.Min(newest.Value, node.Core.Commit.Value))).DefaultIfEmpty().Max();
        return IsNarrow ? missing * ExchangeUs / (Plan.TightMemory ? 1 : Plan.InflightCountMax) : ExchangeUs * (1 + missing / 1_000);
    }

    /// <summary>Runs of entries that the slowest has still to apply, one at a time.</summary>
    private long ApplyUs(IReadOnlyList<SimNode> nodes)
    {
        LogIndex newest = NewestOf(world);
        return Plan.ApplyMaxUs * (2 + nodes.Select(node => (long)(newest.Value - Math.Min(newest.Value, node.Machine.Applied.Index.Value))).DefaultIfEmpty().Max());
    }

    /// <summary>
    /// What was held up before arrives in the end. Where messages keep their order, all behind it waits with it; elsewhere late answers keep a leader in its place that nobody reaches any more.
    /// </summary>
    private long LinksUs() =>
        world.Nodes.SelectMany(from => world.Nodes.Select(to => world.Network.HeldUpUntil(from.Slot, to.Slot) - world.Now)).Append(0).Max();

    /// <summary>What a disk began while it was slow still takes its time, and so does what fell into a pause.</summary>
    private long WaitsUs(IReadOnlyList<SimNode> nodes) => nodes.Select(node => Math.Max(node.DiskBusyUntil, node.WakesAt) - world.Now).Append(0).Max();
}

/// <summary>The longest time in which nothing got on while somebody waited.</summary>
/// <param name="IsOver">Whether what was waited for came.</param>
/// <param name="Permille">Its part of the time that is allowed.</param>
internal readonly record struct Stall(bool IsOver, long Permille);
