using System.Collections.Immutable;
using Conclave.Node.Peers;
using Conclave.Raft;

namespace Conclave.Node.Consensus;

/// <summary>How a change of the membership ended. The numbers go over the wire.</summary>
internal enum ChangeEnd : byte
{
    /// <summary>Committed, and the configuration is not joint any more.</summary>
    Done = 0,

    /// <summary>Certainly nothing happened: the member asked does not lead.</summary>
    NotLeader = 1,

    /// <summary>The time limit passed. It may still happen.</summary>
    Unknown = 2,

    /// <summary>Certainly nothing happened, for one of the reasons that follow.</summary>
    AlreadyMember = 3,
    NotMember = 4,
    NotLearner = 5,
    NotCaughtUp = 6,
    WouldLoseQuorum = 7,
    LastVoter = 8,
    TooMany = 9,
    TooManyLearners = 10,
    UrlInUse = 11,
}

/// <param name="End">How it ended.</param>
/// <param name="Index">When done: the membership as of this index of the log shows it.</param>
internal readonly record struct ChangeResult(ChangeEnd End, LogIndex Index)
{
    public static ChangeResult Of(ChangeEnd end) => new(end, LogIndex.Zero);
}

/// <summary>What a change may be, beside what the core checks. Pure.</summary>
internal static class ChangeRules
{
    /// <summary>Learners that stay learners until somebody promotes them; the same limit as etcd's default.</summary>
    public const int LearnersMax = 1;

    /// <summary>Why a change is refused before the core sees it; null when it is not.</summary>
    /// <param name="now">The membership in force at the leader.</param>
    /// <param name="change">What is wanted.</param>
    /// <param name="urlsOf">Where a member listens, by whatever the leader knows: in the first moments of a cluster its membership describes nobody yet, and the flags do.</param>
    public static ChangeEnd? Refusal(Membership now, MembershipChange change, Func<NodeId, ImmutableArray<Uri>> urlsOf)
    {
        bool adds = change.Kind is MembershipChangeKind.AddLearner or MembershipChangeKind.AddVoter;
        if (adds && now.Includes(change.Node)) return ChangeEnd.AlreadyMember;
        if (change.Kind == MembershipChangeKind.AddLearner && now.Learners.Length - now.Joining.Length >= LearnersMax) return ChangeEnd.TooManyLearners;
        if (change.Kind == MembershipChangeKind.Describe && change.Infos.Any(info => !now.Includes(info.Node))) return ChangeEnd.NotMember;
        return adds || change.Kind == MembershipChangeKind.Describe ? UrlRefusal(now, change, urlsOf) : null;
    }

    /// <summary>Whether a membership shows the change: then it has happened, whoever did it.</summary>
    public static bool IsDone(Membership committed, MembershipChange change) => !committed.IsJoint && change.Kind switch
    {
        MembershipChangeKind.AddLearner or MembershipChangeKind.AddVoter => committed.Includes(change.Node),
        MembershipChangeKind.Promote => committed.IsVoter(change.Node),
        MembershipChangeKind.Remove => !committed.Includes(change.Node),
        _ => change.Infos.All(info => committed.InfoOf(info.Node).Span.SequenceEqual(info.Bytes.Span)),
    };

    public static ChangeEnd? Of(MembershipOutcome outcome) => outcome switch
    {
        MembershipOutcome.NotLeader => ChangeEnd.NotLeader,
        MembershipOutcome.AlreadyMember => ChangeEnd.AlreadyMember,
        MembershipOutcome.NotMember => ChangeEnd.NotMember,
        MembershipOutcome.NotLearner => ChangeEnd.NotLearner,
        MembershipOutcome.NotCaughtUp => ChangeEnd.NotCaughtUp,
        MembershipOutcome.WouldLoseQuorum => ChangeEnd.WouldLoseQuorum,
        MembershipOutcome.LastVoter => ChangeEnd.LastVoter,
        MembershipOutcome.TooMany => ChangeEnd.TooMany,
        _ => null,   // appended, or to be tried again
    };

    /// <summary>Two members behind one address would take each other's place.</summary>
    private static ChangeEnd? UrlRefusal(Membership now, MembershipChange change, Func<NodeId, ImmutableArray<Uri>> urlsOf)
    {
        foreach (MemberInfo info in change.Infos)
        {
            var urls = MemberUrls.Decode(info.Bytes.Span);
            foreach (NodeId other in now.Members())
            {
                if (other != info.Node && !change.Infos.Any(i => i.Node == other) && urlsOf(other).Intersect(urls).Any()) return ChangeEnd.UrlInUse;
            }
        }

        return null;
    }
}
