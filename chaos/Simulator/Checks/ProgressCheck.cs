using System.Collections.Immutable;
using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>
/// I29: one member is sick, all others are well, and a client's write is committed within election timeouts, while the sickness lasts. A check at the end alone would
/// not tell a cluster that serves from one that waits for its leader's disk.
/// </summary>
internal sealed class ProgressCheck(SimWorld world)
{
    private static readonly SicknessKind[] Kinds = Enum.GetValues<SicknessKind>();

    private readonly RandomStream _random = world.Streams.Client(-3);
    private readonly Patience _patience = new(world);

    /// <summary>Right when the faults stop, whatever they left behind: all but one are well.</summary>
    public void TryAfterFaults()
    {
        if (world.Plan.Trials > 0) Try(_random.Below(2) == 0);
    }

    /// <summary>In a cluster that has converged.</summary>
    public void TryAgain(Action converge)
    {
        for (int i = 1; i < world.Plan.Trials; i++)
        {
            Try(_random.Below(4) > 0);
            converge();
        }
    }

    private void Try(bool leader)
    {
        SicknessKind drawn = Kinds[_random.Below(Kinds.Length)], kind = world.Plan.SickTimers ? SicknessKind.NoTimer : drawn;
        (bool noticed, bool lossy, int transfers, int choice) = (_random.Below(2) == 0, _random.Below(3) == 0, _random.Below(3), _random.Below(SimWorld.SlotsMax));
        if (!_patience.ElectionsFit || Choose(leader || world.Plan.SickTimers, choice) is not { } node) return;
        var sickness = new Sickness(world, node, kind, noticed);
        // Messages of a connection that holds one up all wait for it, and then it is not connected in any useful sense.
        bool mayLose = lossy && (world.Plan.SpikePermille == 0 || !world.Plan.OrderedLinks);
        if (mayLose) world.Network.Healing = false;
        if (world.Log is not null) world.Note($"{sickness}{(mayLose ? ", and messages are lost" : "")}");
        sickness.Begin();
        world.Statistics.Trials++;
        if (transfers == 0) AskToLead(node);
        MustServe(sickness, "while");
        // Long enough for a disk to be given up, and for whatever is stuck to show.
        world.RunUntil(() => false, 4 * world.Plan.ElectionTimeoutUs);
        if (transfers == 1) AskToLead(node);
        MustServe(sickness, "after four election timeouts in which");
        world.Note("the sickness ends");
        sickness.End();
    }

    /// <summary>A voter without which every membership that anybody counts by can decide, if all others are well.</summary>
    private SimNode? Choose(bool leader, int choice)
    {
        if (world.Operator.Replacing > 0 || world.Nodes.Exists(node => node.IsWanted && (node.IsImpaired || !node.IsUp))) return null;
        ImmutableArray<NodeId> voters = (world.Leader ?? world.Nodes.MaxBy(node => node.IsUp ? node.Core.LastEntry : default))?.Counted.Voters ?? [];
        if (voters.Length < 3) return null;
        SimNode chosen = leader && world.Leader is { } leads && voters.Contains(leads.Id) ? leads : world[voters[choice % voters.Length]];
        // A removal that was asked for and not looked at yet may be carried out beside the sick member, and of the two that it leaves the sick one would be needed.
        ImmutableArray<NodeId> leaving = [.. world.Operator.Unanswered.Where(change => change.Kind == MembershipChangeKind.Remove && change.Node != chosen.Id).Select(change => change.Node)];
        foreach (SimNode node in world.Nodes)
        {
            if (!node.IsUp) continue;
            if (!Decides(node.Counted.Voters, chosen.Id) || !Decides(node.Counted.VotersOutgoing, chosen.Id) || !Decides(node.Counted.Voters.RemoveRange(leaving), chosen.Id)) return null;
        }
        return chosen;
    }

    private bool Decides(ImmutableArray<NodeId> voters, NodeId without) =>
        voters.IsEmpty || 2 * voters.Count(voter => voter != without && world[voter].IsUp) > voters.Length;

    private void AskToLead(SimNode sick)
    {
        world.Statistics.TransfersAsked++;
        world.Leader?.Take(RaftInput.Transfer(sick.Id));
    }

    private void MustServe(Sickness sickness, string when)
    {
        SimNode[] well = [.. world.Nodes.Where(node => node.IsUp && node != sickness.Node)];
        (long begin, long most) = (world.Now, _patience.OfService(well));
        (bool served, long sendAt) = (false, 0);
        Stall stall = _patience.Wait(() =>
        {
            if (!served && world.Now >= sendAt)
            {
                sendAt = world.Now + Math.Max(world.Plan.ElectionTimeoutUs / 2, _patience.BetweenWritesUs);
                Send(well, result => served |= result.End == WriteEnd.Acknowledged);
            }
            return served;
        }, most);
        if (!served) throw new SimulationFailure($"I29: no write is served in {Words.Duration(world.Now - begin)}, nothing has got on for {Words.Duration(most)}, {when} {sickness}. {Simulation.Describe(world)}");
        world.Statistics.WorstOutagePermille = Math.Max(world.Statistics.WorstOutagePermille, stall.Permille);
        world.Statistics.WorstOutageElectionTimeouts = Math.Max(world.Statistics.WorstOutageElectionTimeouts, (world.Now - begin) / world.Plan.ElectionTimeoutUs);
    }

    /// <summary>As clients do that know all members: to whoever says that it leads, the sick one included.</summary>
    private void Send(SimNode[] well, Action<WriteResult> done)
    {
        SimNode[] leaders = [.. world.Nodes.Where(node => node.IsUp && node.Core.Role == RaftRole.Leader)];
        foreach (SimNode node in leaders.Length > 0 ? leaders : [well[_random.Below(well.Length)]])
            if (node.IsUp) world.Clients.Requests.Send(node, [world.Clients.Requests.Create(_random)], done);
    }
}
