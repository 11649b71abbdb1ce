using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>I22 while there are faults: an election ends a term that was served, so whoever begins one may lead, and whoever was asked to has what the leader named.</summary>
internal static class ElectionCheck
{
    /// <summary>Why the node must not begin an election at this word; null when it may. Before the core sees the message.</summary>
    public static string? ProblemWith(SimNode node, TimeoutNow asked)
    {
        RaftCore core = node.Core;
        if (core.LastEntry < asked.Last) return $"lacks {asked.Last}, which {asked.From} named, and ends at {core.LastEntry}";
        if (core.Term == asked.Term && core.Role == RaftRole.Candidate) return "is a candidate of that term itself";
        return null;
    }

    /// <summary>After it has seen it.</summary>
    public static void OnAsked(SimNode node, TimeoutNow asked, Term before, string? problem)
    {
        bool began = node.Core.Term > before && node.Core.Term > asked.Term;
        Require(!began || problem is null, node, $"begins an election because {asked.From} asked it to in term {asked.Term}, and {problem}");
    }

    /// <summary>A node has begun an election, for whatever reason; before anything of it leaves.</summary>
    public static void OnCampaign(SimNode node)
    {
        RaftCore core = node.Core;
        Require(!core.IsRecovering, node, $"begins an election in term {core.Term}, and lacks what it acknowledged before its disk was damaged");
    }

    private static void Require(bool holds, SimNode node, FormattableString what)
    {
        if (!holds) throw new SimulationFailure($"I22: {node.Id} {what}.");
    }
}
