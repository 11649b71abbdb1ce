using Conclave.Node.Options;
using Conclave.Raft;

namespace Conclave.Node.Consensus;

/// <summary>Who has what a damaged log has lost.</summary>
internal enum HelpFrom
{
    /// <summary>Nothing is lost.</summary>
    NotNeeded,

    /// <summary>The other members of the membership that is left.</summary>
    Members,

    /// <summary>Other voters that the membership does not know: what added them is among what is lost. They know where this one listens, and dial it.</summary>
    OtherVoters,

    /// <summary>As far as the directory says, nobody.</summary>
    Nobody,
}

/// <summary>Whether a member whose log is damaged may give up what is missing and get it from others. Pure.</summary>
/// <remarks>
/// Flags tell of the day on which a member was founded: one that was started alone may have got company since, and its log, which would say so, is what is damaged.
/// So <see cref="OthersVote"/> counts too. A repair cuts the log before anybody is asked, so it must be certain by then that somebody has what is cut. A member that lost the
/// end of its log never leads by itself: if nobody comes after all, it waits and says so.
/// </remarks>
internal static class RepairHelp
{
    /// <summary>Whether there may be anybody. If not, a damaged log is refused and left as it is.</summary>
    public static bool MayExist(ClusterState flagsSay, int flagsName, bool othersVote) => flagsSay == ClusterState.Existing || flagsName > 1 || othersVote;

    /// <param name="lostEnd">What a repair lost.</param>
    /// <param name="newest">The newest membership that is left.</param>
    /// <param name="self">This member.</param>
    /// <param name="othersVote">See <see cref="OthersVote"/>.</param>
    public static HelpFrom Of(EntryId lostEnd, Membership newest, NodeId self, bool othersVote)
    {
        if (lostEnd == EntryId.Zero) return HelpFrom.NotNeeded;
        if (newest.IsJoint || newest.Voters.Length != 1 || newest.Voters[0] != self) return HelpFrom.Members;
        return othersVote ? HelpFrom.OtherVoters : HelpFrom.Nobody;
    }
}
