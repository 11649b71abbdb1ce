using System.Collections.Immutable;

namespace Conclave.Raft;

public enum MembershipChangeKind : byte
{
    /// <summary>A new member that receives the log and does not vote, until it is promoted.</summary>
    AddLearner = 0,

    /// <summary>A new member that is promoted by itself once it has caught up. Until then it counts in no majority, so it cannot block anything.</summary>
    AddVoter = 1,

    /// <summary>A learner that has caught up becomes a voter.</summary>
    Promote = 2,

    /// <summary>A member goes, for ever: its id is not used again.</summary>
    Remove = 3,

    /// <summary>New <see cref="MembershipChange.Infos"/> of members; who votes stays as it is.</summary>
    Describe = 4,
}

/// <summary>A change that somebody wants.</summary>
/// <param name="Kind">What.</param>
/// <param name="Node">Which member; None for <see cref="MembershipChangeKind.Describe"/>.</param>
/// <param name="Infos">Of the new member, or of those to describe; replaces what was known of them.</param>
public sealed record MembershipChange(MembershipChangeKind Kind, NodeId Node, ImmutableArray<MemberInfo> Infos);

public enum MembershipOutcome : byte
{
    /// <summary>
    /// In this leader's log at <see cref="MembershipVerdict.Entry"/> and in force there. It is done when a configuration that is not joint and shows it is
    /// committed; it may still be lost with the leader.
    /// </summary>
    Appended = 0,

    /// <summary>Certainly nothing changed. <see cref="MembershipVerdict.Leader"/> is who to ask, when known.</summary>
    NotLeader = 1,

    /// <summary>Certainly nothing changed: the leader is new and has not committed anything yet, or hands over its leadership. Retry soon.</summary>
    NotReady = 2,

    /// <summary>Certainly nothing changed: another change is under way. Retry when it is done.</summary>
    InProgress = 3,

    /// <summary>The id is a member already.</summary>
    AlreadyMember = 4,

    /// <summary>The id is no member.</summary>
    NotMember = 5,

    /// <summary>To be promoted, and a voter already.</summary>
    NotLearner = 6,

    /// <summary>The learner lacks too much of the log, or was not heard of lately.</summary>
    NotCaughtUp = 7,

    /// <summary>Of the voters that would be left, too few are heard of: the change could not be committed, and nothing after it.</summary>
    WouldLoseQuorum = 8,

    /// <summary>The last voter cannot go.</summary>
    LastVoter = 9,

    /// <summary>More members, or longer descriptions, than <see cref="Membership.MembersMax"/> and <see cref="Membership.EncodedBytesMax"/> allow.</summary>
    TooMany = 10,
}

/// <param name="Id">From <see cref="RaftInput.ChangeMembership"/>.</param>
/// <param name="Outcome">What became of it so far.</param>
/// <param name="Entry">Its place when <see cref="MembershipOutcome.Appended"/>.</param>
/// <param name="Leader">Known leader when <see cref="MembershipOutcome.NotLeader"/>, or None.</param>
public readonly record struct MembershipVerdict(ulong Id, MembershipOutcome Outcome, EntryId Entry, NodeId Leader);
