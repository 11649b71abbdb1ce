using System.Collections.Immutable;

namespace Conclave.Cli.Members;

/// <summary>In which order one member takes the place of another.</summary>
/// <remarks>
/// A member that is lost goes first: it counts in every majority and helps none, so without it the cluster can only get safer, and a server that adds
/// nobody while somebody is missing (etcd) agrees to it. A member that still works goes last, after the new one votes; asking again continues
/// where the last time ended. Only a working member whose address the new one is to have must go first, which costs its vote meanwhile.
/// </remarks>
internal static class Replacement
{
    public static (ImmutableArray<MemberStep> Steps, IEnumerable<Finding> Findings) Check(ClusterSight seen, ReplaceMember change)
    {
        if (seen.Find(change.Who) is not { } old) return ([], MemberChangeCheck.On(seen, change.Who, _ => []));
        MemberSight? successor = Successor(seen, old, change);
        return successor is not null ? Continue(seen, old, successor) : seen.IsLive(old) && !SharesAddress(old, change) ? Begin(seen, old, change) : Swap(seen, old, change);
    }

    /// <summary>The member that was added for this earlier, by its addresses.</summary>
    public static MemberSight? Successor(ClusterSight seen, MemberSight old, ReplaceMember change) =>
        seen.Members.FirstOrDefault(member => member.Id != old.Id && member.PeerUrls.Order().SequenceEqual(change.PeerUrls.Order()));

    /// <summary>The old one works: the new one comes first.</summary>
    private static (ImmutableArray<MemberStep>, IEnumerable<Finding>) Begin(ClusterSight seen, MemberSight old, ReplaceMember change)
    {
        // Two members of one name could not be told apart by it.
        AddMember add = new(change.Name ?? old.Name, change.PeerUrls, old.IsLearner);
        IEnumerable<Finding> findings = MemberChangeCheck.Add(seen, add).Where(finding => finding.Kind != FindingKind.EvenVoters);
        return ([old.IsLearner ? MemberStep.AddLearner : MemberStep.AddVoter],
            [.. findings, new Finding(FindingKind.StillRuns, Severity.Note, $"{old.Label} still works, so it stays until the new member has taken over.")]);
    }

    /// <summary>The old one is lost, or its address is wanted: it goes, then the new one comes.</summary>
    private static (ImmutableArray<MemberStep>, IEnumerable<Finding>) Swap(ClusterSight seen, MemberSight old, ReplaceMember change)
    {
        AddMember add = new(change.Name ?? old.Name, change.PeerUrls, old.IsLearner);
        ClusterSight after = seen.Without(old);
        List<Finding> findings = [.. MemberChangeCheck.Remove(seen, old), .. MemberChangeCheck.Add(after, add)];
        findings.RemoveAll(finding => finding.Kind == FindingKind.EvenVoters);
        if (seen.IsLive(old))
        {
            findings.Add(new Finding(FindingKind.StillRuns, Severity.Risk, $"{old.Label} still works, and the new member is to have its address: it has to go first, and its vote with it.",
                "Give the new member another address, or say --force."));
        }

        return ([MemberStep.Remove, old.IsLearner ? MemberStep.AddLearner : MemberStep.AddVoter], findings);
    }

    /// <summary>The new one was added by an earlier run: once it votes, the old one goes.</summary>
    private static (ImmutableArray<MemberStep>, IEnumerable<Finding>) Continue(ClusterSight seen, MemberSight old, MemberSight successor)
    {
        if (!successor.IsLearner || old.IsLearner)
            return ([MemberStep.Remove], successor.Answers ? MemberChangeCheck.Remove(seen, old) : [.. MemberChangeCheck.Remove(seen, old), Missing(successor)]);
        // Nobody knows from outside whether it is going to promote itself, so this asks for it; that does no harm.
        return ([MemberStep.Promote, MemberStep.Remove], MemberChangeCheck.Promote(seen, successor).Where(finding => finding.Kind != FindingKind.EvenVoters));
    }

    private static Finding Missing(MemberSight successor) => new(FindingKind.DoesNotAnswer, Severity.Refusal,
        $"{successor.Label}, which is to take over, does not answer yet.", "Start it, and ask again once it runs.");

    private static bool SharesAddress(MemberSight old, ReplaceMember change) => old.PeerUrls.Intersect(change.PeerUrls).Any();
}
