using System.Collections.Immutable;

namespace Conclave.Raft;

/// <summary>Which membership a change leads to. Knows nothing of who is reachable or caught up.</summary>
internal static class MembershipPlan
{
    /// <summary>The entry to append for a change, or why there is none. <paramref name="now"/> is committed and not joint.</summary>
    public static MembershipOutcome Next(Membership now, MembershipChange change, out Membership next)
    {
        next = now;
        NodeId node = change.Node;
        switch (change.Kind)
        {
            case MembershipChangeKind.AddLearner or MembershipChangeKind.AddVoter:
                Invariant.Holds(node != NodeId.None, "Ids of members are never 0.");
                if (now.Includes(node)) return MembershipOutcome.AlreadyMember;
                // The room is counted for every member, since a joint configuration lists a voter twice.
                if (now.Members().Length >= Membership.MembersMax) return MembershipOutcome.TooMany;
                next = now with
                {
                    Learners = now.Learners.Add(node),
                    Joining = change.Kind == MembershipChangeKind.AddVoter ? now.Joining.Add(node) : now.Joining,
                };
                break;
            case MembershipChangeKind.Promote:
                if (!now.Includes(node)) return MembershipOutcome.NotMember;
                if (now.IsVoter(node)) return MembershipOutcome.NotLearner;
                next = now with
                {
                    Voters = now.Voters.Add(node),
                    VotersOutgoing = now.Voters,
                    Learners = now.Learners.Remove(node),
                    Joining = now.Joining.Remove(node),
                };
                break;
            case MembershipChangeKind.Remove:
                if (!now.Includes(node)) return MembershipOutcome.NotMember;
                if (now.IsVoter(node))
                {
                    if (now.Voters.Length == 1) return MembershipOutcome.LastVoter;
                    next = now with { Voters = now.Voters.Remove(node), VotersOutgoing = now.Voters };
                }
                else
                {
                    next = WithoutStrangers(now with { Learners = now.Learners.Remove(node), Joining = now.Joining.Remove(node) });
                }
                return MembershipOutcome.Appended;
            case MembershipChangeKind.Describe:
                break;
            default:
                throw Invariant.Unreachable("A kind of change has no plan.");
        }
        return Describe(ref next, change.Infos);
    }

    /// <summary>What follows a joint configuration: the outgoing voters have no say any more, and those that are nothing else are gone.</summary>
    public static Membership Leave(Membership joint) => WithoutStrangers(joint with { VotersOutgoing = [] });

    private static MembershipOutcome Describe(ref Membership next, ImmutableArray<MemberInfo> infos)
    {
        if (!infos.IsDefaultOrEmpty)
        {
            var merged = new SortedDictionary<NodeId, MemberInfo>();
            foreach (MemberInfo info in next.Infos) merged[info.Node] = info;
            foreach (MemberInfo info in infos)
            {
                if (!next.Includes(info.Node)) return MembershipOutcome.NotMember;
                if (info.Bytes.Length > Membership.EncodedBytesMax) return MembershipOutcome.TooMany;
                merged[info.Node] = info;
            }
            next = next with { Infos = [.. merged.Values] };
        }
        // Room for the joint form of the same members is kept, or a member that fits could never be promoted or removed.
        Membership plain = next with { VotersOutgoing = [] };
        return plain.Encode().Length + 8 * plain.Members().Length > Membership.EncodedBytesMax ? MembershipOutcome.TooMany : MembershipOutcome.Appended;
    }

    private static Membership WithoutStrangers(Membership membership) =>
        membership with { Infos = membership.Infos.RemoveAll(info => !membership.Includes(info.Node)) };
}
