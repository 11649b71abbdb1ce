using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>I12: the membership in force is the newest in the log, a leader changes it only when that is committed, and any two that follow each other share a node in every pair of their quorums.</summary>
internal static class ConfigRules
{
    public static void Check(RaftCore core, Membership bootstrap, NodeEffects effects)
    {
        Membership newest = bootstrap;
        LogIndex newestIndex = LogIndex.Zero;
        for (LogIndex i = core.LogBase.Index.Next; i <= core.LastEntry.Index; i = i.Next)
        {
            Entry entry = core.Log[i];
            if (entry.Kind != EntryKind.Membership) continue;
            if (!Membership.TryDecode(entry.Payload.Span, out Membership? next))
            {
                effects.Break($"I12: has {entry}, which is no membership");
                return;
            }
            // A node that does not know anybody yet begins with whatever it is told.
            if (newest.Voters.Length > 0 && !QuorumsMeet(newest, next)) effects.Break($"I12: goes from {Of(newest)} to {Of(next)} at {entry.Id}, and both could decide apart");
            if (core.Role == RaftRole.Leader && entry.Term == core.Term && newestIndex > core.Commit) effects.Break($"I12: begins {Of(next)} while {Of(newest)} at {newestIndex} is not committed");
            (newest, newestIndex) = (next, i);
        }
        if (core.Membership != newest) effects.Break($"I12: has {Of(core.Membership)} in force, and {Of(newest)} is the newest in its log");
    }

    private static bool QuorumsMeet(Membership a, Membership b)
    {
        (ulong aVoters, ulong aOutgoing, ulong bVoters, ulong bOutgoing) = (NodeState.SetOf(a.Voters), NodeState.SetOf(a.VotersOutgoing), NodeState.SetOf(b.Voters), NodeState.SetOf(b.VotersOutgoing));
        ulong all = aVoters | aOutgoing | bVoters | bOutgoing;
        // If some set decides for one, the rest must not be enough for the other.
        for (ulong some = all; some != 0; some = (some - 1) & all)
            if (Decides(aVoters, aOutgoing, some) && Decides(bVoters, bOutgoing, all & ~some)) return false;
        return true;
    }

    private static bool Decides(ulong voters, ulong outgoing, ulong inFavour) => Quorum.HasMajority(voters, inFavour) && Quorum.HasMajority(outgoing, inFavour);

    private static string Of(Membership membership) =>
        $"{{voters {List(membership.Voters)}{(membership.IsJoint ? $", outgoing {List(membership.VotersOutgoing)}" : "")}{(membership.Learners.Length > 0 ? $", learners {List(membership.Learners)}" : "")}}}";

    private static string List(IEnumerable<NodeId> nodes) => string.Join(' ', nodes.Select(node => $"n{node}"));
}
