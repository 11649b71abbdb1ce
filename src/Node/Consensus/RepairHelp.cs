using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Raft;

namespace Conclave.Node.Consensus;

/// <summary>Who has what a damaged log has lost.</summary>
internal enum HelpFrom
{
    /// <summary>Nothing is lost.</summary>
    NotNeeded,

    /// <summary>The other members of the membership that is left.</summary>
    Members,

    /// <summary>Members that were met and that the membership does not know: what added them is among what is lost. They know where this one listens, and dial it.</summary>
    MembersMet,

    /// <summary>As far as the directory says, nobody.</summary>
    Nobody,
}

/// <summary>Whether a member whose log is damaged may give up what is missing and get it from others. Pure.</summary>
/// <remarks>
/// Flags tell of the day on which a member was founded: one that was started alone may have got company since, and its log, which would say so, is what is damaged.
/// So the file of the members that were met counts too. Nobody is in it who has not shown that it is of this cluster, each is in it before it hears "welcome",
/// and it leaves it when its removal is applied. A member that lost the end of its log never leads by itself: if nobody comes after all, it waits and says so.
/// </remarks>
internal static class RepairHelp
{
    /// <summary>Whether there may be anybody. If not, a damaged log is refused and left as it is.</summary>
    public static bool MayExist(ClusterState flagsSay, int flagsName, KnownMembers met) => flagsSay == ClusterState.Existing || flagsName > 1 || !met.Members.IsEmpty;

    /// <param name="lostEnd">What a repair lost.</param>
    /// <param name="newest">The newest membership that is left.</param>
    /// <param name="self">This member.</param>
    /// <param name="met">Others that were met.</param>
    public static HelpFrom Of(EntryId lostEnd, Membership newest, NodeId self, KnownMembers met)
    {
        if (lostEnd == EntryId.Zero) return HelpFrom.NotNeeded;
        if (newest.IsJoint || newest.Voters.Length != 1 || newest.Voters[0] != self) return HelpFrom.Members;
        // Learners that the membership knows have no vote, and need this member's to follow anybody.
        return met.Members.Keys.Any(member => member != self && !newest.Includes(member)) ? HelpFrom.MembersMet : HelpFrom.Nobody;
    }
}
