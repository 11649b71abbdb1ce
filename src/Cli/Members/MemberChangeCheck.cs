using System.Collections.Immutable;

namespace Conclave.Cli.Members;

/// <summary>
/// Says before a change is sent whether it can be committed and what it leaves behind. Pure: all it knows is what was seen, so a cluster that
/// changes meanwhile is caught by the server's own check only.
/// </summary>
/// <remarks>
/// A majority is counted over voters that answered and follow the leader. A voter that is added counts only once it has caught up, as Conclave does it; a
/// server that counts it at once (etcd) refuses by itself what would then be unsafe, and a note says so.
/// </remarks>
internal static class MemberChangeCheck
{
    public static MemberVerdict Of(ClusterSight seen, MemberChange change)
    {
        List<Finding> findings = [.. Basics(seen)];
        (ImmutableArray<MemberStep> steps, IEnumerable<Finding> more) = change switch
        {
            AddMember add => (ImmutableArray.Create(add.AsLearner ? MemberStep.AddLearner : MemberStep.AddVoter), Add(seen, add)),
            PromoteMember promote => ([MemberStep.Promote], On(seen, promote.Who, member => Promote(seen, member))),
            RemoveMember remove => ([MemberStep.Remove], On(seen, remove.Who, member => Remove(seen, member))),
            UpdateMember update => ([MemberStep.Update], On(seen, update.Who, member => Update(seen, member, update))),
            MoveLeader move => ([MemberStep.MoveLeader], On(seen, move.Who, member => Lead(seen, member))),
            ReplaceMember replace => Replacement.Check(seen, replace),
            _ => throw new ArgumentException($"{change.GetType().Name} has no check.", nameof(change)),
        };
        findings.AddRange(more);
        if (findings.Any(finding => finding.Kind == FindingKind.NothingToDo)) steps = [];
        return new MemberVerdict([.. findings.OrderByDescending(finding => finding.Severity)], steps);
    }

    /// <summary>What every change needs: somebody to order it and a majority to agree.</summary>
    private static IEnumerable<Finding> Basics(ClusterSight seen)
    {
        string silent = string.Join(", ", seen.Voters.Where(member => !member.Answers).Select(member => member.Label));
        if (seen.Voters.Count(member => member.Answers) < seen.Quorum)
        {
            yield return new Finding(FindingKind.NoMajority, Severity.Refusal,
                $"{Count(seen.Voters.Count(member => member.Answers), "voter")} of {seen.Voters.Length} answers and a change needs {seen.Quorum}; silent: {silent}.",
                "Start the others first. If their data are lost for good, restore the cluster from a snapshot.");
        }
        else if (seen.LeaderId == 0)
        {
            yield return new Finding(FindingKind.NoLeader, Severity.Refusal, "No member that answers is the leader.",
                "Try again after an election; if it lasts, check that the members reach each other's peer addresses.");
        }
        else if (seen.SpareVoters < 0)
        {
            yield return new Finding(FindingKind.NoMajority, Severity.Refusal,
                $"{Count(seen.LiveVoters, "voter")} of {seen.Voters.Length} follows the leader and a change needs {seen.Quorum}.",
                "Check that the members reach each other's peer addresses.");
        }
    }

    internal static IEnumerable<Finding> Add(ClusterSight seen, AddMember add)
    {
        foreach (Finding finding in Addresses(seen, add.PeerUrls, except: null)) yield return finding;
        if (seen.Members.Any(member => member.IsStarted && member.Name == add.Name))
        {
            yield return new Finding(FindingKind.NameInUse, Severity.Risk, $"There is a member called {add.Name} already; two of one name can be told apart by their ids only.",
                "Choose another name, or say --force.");
        }

        if (add.AsLearner) yield break;
        if (seen.Voters.Any(member => !seen.IsLive(member)) || seen.Voters.Length == 1)
        {
            yield return new Finding(FindingKind.CountsAtOnce, Severity.Note,
                "It votes once it has caught up. A server that counts a new voter at once, as etcd does, may refuse this, or write nothing until the new member runs; --learner avoids that.");
        }

        if (Even(seen.Voters.Length + 1) is { } even) yield return even;
    }

    internal static IEnumerable<Finding> Remove(ClusterSight seen, MemberSight member)
    {
        if (member.IsLearner) yield break;
        if (seen.Voters.Length == 1)
        {
            yield return new Finding(FindingKind.LastVoter, Severity.Refusal, $"{member.Label} is the only voter: nobody would be left to keep the data.",
                "Add another member first, or stop the cluster instead.");
            yield break;
        }

        ClusterSight after = seen.Without(member);
        // Without its leader a cluster elects another from those that followed it.
        int live = after.Voters.Count(seen.IsLive), spare = live - after.Quorum;
        if (spare < 0)
        {
            yield return new Finding(FindingKind.WouldLoseMajority, Severity.Refusal,
                $"Without {member.Label} only {live} of {Count(after.Voters.Length, "voter")} would answer, and {after.Quorum} are needed: nothing could be written any more.",
                $"Start {Silent(seen, member)} first, or remove those that are lost before this one.");
        }
        else if (spare == 0 && spare < seen.SpareVoters)
        {
            yield return new Finding(FindingKind.NoSpareLeft, Severity.Risk,
                $"Without {member.Label} all {live} voters that answer are needed: the next failure stops writes.",
                $"Add the new member first (conclave member replace {member.Label} --peer-urls URL), or say --force.");
        }

        if (member.Id == seen.LeaderId) yield return new Finding(FindingKind.LeaderMoves, Severity.Note, $"{member.Label} is the leader: another one is elected first.");
        if (Even(after.Voters.Length) is { } even && after.Voters.Length > 1) yield return even;
    }

    internal static IEnumerable<Finding> Promote(ClusterSight seen, MemberSight member)
    {
        if (!member.IsLearner)
        {
            yield return new Finding(FindingKind.NotLearner, Severity.Refusal, $"{member.Label} votes already.", "conclave member list shows who is a learner.");
            yield break;
        }

        if (!seen.IsLive(member))
        {
            yield return new Finding(FindingKind.DoesNotAnswer, Severity.Refusal,
                $"{member.Label} {(member.Answers ? "does not follow the leader" : "does not answer")}, so it would be a voter that is missing.", "Start it first.");
        }
        else if (!seen.IsInSync(member))
        {
            yield return new Finding(FindingKind.NotInSync, Severity.Refusal,
                $"{member.Label} has {member.LogIndex} of {seen.Leader!.LogIndex} log entries.",   // there is one: it is live
                "Wait until it has caught up (conclave status --cluster shows the index), then try again.");
        }

        if (Even(seen.Voters.Length + 1) is { } even) yield return even;
    }

    private static IEnumerable<Finding> Update(ClusterSight seen, MemberSight member, UpdateMember update)
    {
        if (member.PeerUrls.Order().SequenceEqual(update.PeerUrls.Order()))
        {
            yield return new Finding(FindingKind.NothingToDo, Severity.Note, $"{member.Label} has these peer addresses already.");
            yield break;
        }

        foreach (Finding finding in Addresses(seen, update.PeerUrls, member)) yield return finding;
        if (!member.Answers) yield break;
        bool isNeeded = !member.IsLearner && seen.SpareVoters == 0 && seen.Voters.Length > 1 && seen.IsLive(member);
        yield return isNeeded
            ? new Finding(FindingKind.AddressNeedsRestart, Severity.Risk,
                $"The others cannot reach {member.Label} until it listens at the new address, and every voter that answers is needed: writes stop meanwhile.",
                "Start the missing members first, or say --force.")
            : new Finding(FindingKind.AddressNeedsRestart, Severity.Note, $"Restart {member.Label} with its new --listen-peer-urls: until then the others cannot reach it.");
    }

    private static IEnumerable<Finding> Lead(ClusterSight seen, MemberSight member)
    {
        if (member.Id == seen.LeaderId)
        {
            yield return new Finding(FindingKind.NothingToDo, Severity.Note, $"{member.Label} is the leader already.");
        }
        else if (member.IsLearner)
        {
            yield return new Finding(FindingKind.LearnerCannotLead, Severity.Refusal, $"{member.Label} is a learner and cannot lead.", $"Promote it first: conclave member promote {member.Label}");
        }
        else if (!seen.IsLive(member))
        {
            yield return new Finding(FindingKind.DoesNotAnswer, Severity.Refusal,
                member.Answers ? $"{member.Label} does not follow the leader." : $"{member.Label} does not answer.", "Choose another member: conclave status --cluster");
        }
        else if (!seen.IsInSync(member))
        {
            yield return new Finding(FindingKind.NotInSync, Severity.Risk,
                $"{member.Label} has {member.LogIndex} of {seen.Leader!.LogIndex} log entries: writes wait until it has the rest, and the leader may give up.",   // there is one: it is live
                "Wait until it has caught up, or say --force.");
        }
    }

    internal static IEnumerable<Finding> Addresses(ClusterSight seen, ImmutableArray<string> urls, MemberSight? except)
    {
        foreach (string url in urls)
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? parsed) || parsed.Scheme is not ("http" or "https") || parsed.PathAndQuery != "/" || parsed.IsDefaultPort)
                yield return new Finding(FindingKind.AddressInvalid, Severity.Refusal, $"\"{url}\" is not a peer address.", "Write it as http://host:port.");
            if (seen.Members.FirstOrDefault(member => member.Id != except?.Id && member.PeerUrls.Contains(url)) is { } owner)
            {
                yield return new Finding(FindingKind.AddressInUse, Severity.Refusal, $"{url} is the peer address of {owner.Label} ({Output.Display.Id(owner.Id)}).",
                    $"Use another one, or put the new member in its place: conclave member replace {owner.Label} --peer-urls {url}");
            }
        }
    }

    internal static IEnumerable<Finding> On(ClusterSight seen, string who, Func<MemberSight, IEnumerable<Finding>> check) => seen.FindAll(who) switch
    {
        [var member] => check(member),
        [_, ..] => [new Finding(FindingKind.Ambiguous, Severity.Refusal, $"More than one member is called \"{who}\".", "Name one by its id, as conclave member list shows it.")],
        _ => [new Finding(FindingKind.NotFound, Severity.Refusal, $"There is no member \"{who}\".", "Name one by its name or its id, as conclave member list shows them.")],
    };

    private static Finding? Even(int voters) => voters % 2 == 0
        ? new Finding(FindingKind.EvenVoters, Severity.Note, $"{voters} voters survive no more failures than {voters - 1}.")
        : null;

    private static string Silent(ClusterSight seen, MemberSight except) =>
        string.Join(", ", seen.Voters.Where(member => member.Id != except.Id && !seen.IsLive(member)).Select(member => member.Label));

    private static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";
}
