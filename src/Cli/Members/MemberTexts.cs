using Conclave.Cli.Output;

namespace Conclave.Cli.Members;

/// <summary>What a person reads about a change; the lines that say what was done are etcdctl's.</summary>
internal static class MemberTexts
{
    /// <summary>What is going to be asked of the cluster.</summary>
    public static string Plan(ClusterSight seen, MemberChange change, IEnumerable<MemberStep> steps)
    {
        MemberSight? target = new MemberSteps(null!, seen, change).Target;   // nothing is sent
        string newName = NewName(change, target);
        string Step(MemberStep step) => step switch
        {
            MemberStep.AddVoter => $"add {newName} as a voter",
            MemberStep.AddLearner => $"add {newName} as a learner",
            MemberStep.Promote => $"promote {(change is ReplaceMember replace && target is not null ? Replacement.Successor(seen, target, replace)?.Label : Label(target))}",
            MemberStep.Remove => $"remove {Label(target)}",
            MemberStep.Update => $"change the peer addresses of {Label(target)}",
            _ => $"make {Label(target)} the leader",
        };
        string text = string.Join(", then ", steps.Select(Step));
        return text.Length > 0 ? text : "nothing to do";
    }

    public static IEnumerable<string> Done(ClusterSight seen, MemberSteps steps, ulong clusterId)
    {
        string cluster = Display.Id(clusterId);
        foreach (MemberStep step in steps.Done)
        {
            yield return step switch
            {
                MemberStep.AddVoter => $"Member {Display.Id(steps.Added!.Id),16} added to cluster {cluster}",   // set by the step
                MemberStep.AddLearner => $"Member {Display.Id(steps.Added!.Id),16} added to cluster {cluster}",   // as above
                MemberStep.Promote => $"Member {Label(steps.Target)} promoted in cluster {cluster}",
                MemberStep.Remove => $"Member {Display.Id(steps.Target!.Id),16} removed from cluster {cluster}",   // the check has found it
                MemberStep.Update => $"Member {Display.Id(steps.Target!.Id),16} updated in cluster {cluster}",   // as above
                _ => $"Leadership transferred from {Display.Id(seen.LeaderId)} to {Display.Id(steps.Target!.Id)}",   // as above
            };
        }
    }

    /// <summary>How to start the new member: etcdctl's lines for scripts, and the command for a person.</summary>
    public static IEnumerable<string> Start(StartFlags start, bool asLearner)
    {
        yield return "";
        yield return $"CONCLAVE_NAME=\"{start.Name}\"";
        yield return $"CONCLAVE_INITIAL_CLUSTER=\"{start.InitialCluster}\"";
        yield return $"CONCLAVE_INITIAL_ADVERTISE_PEER_URLS=\"{string.Join(',', start.PeerUrls)}\"";
        yield return $"CONCLAVE_INITIAL_CLUSTER_STATE=\"{StartFlags.State}\"";
        yield return "";
        yield return "Start it with an empty data directory and its own client addresses:";
        yield return $"  conclave-node {string.Join(' ', start.Arguments)} --data-dir DIR --listen-client-urls URL --advertise-client-urls URL";
        yield return asLearner
            ? $"It receives the data and does not vote. Once it is in sync: conclave member promote {start.Name}"
            : "It receives the data and votes once it has caught up; until then nobody waits for it.";
    }

    /// <summary>How to go on after a replacement that ended half way.</summary>
    public static string Rest(MemberSteps steps) => steps.Change is ReplaceMember replace && steps.Done.Contains(MemberStep.Remove)
        ? $"Finish it with: conclave member add {replace.Name ?? steps.Target?.Name} --peer-urls {string.Join(',', replace.PeerUrls)}"
        : "Look at conclave member list, then go on from there.";

    /// <summary>What is left for a person to do.</summary>
    public static IEnumerable<string> Next(ClusterSight seen, MemberSteps steps, MemberChange change)
    {
        if (steps.Done.Contains(MemberStep.Remove) && steps.Target is { Answers: true } gone)
            yield return $"{gone.Label} serves no more: stop it, and keep no copy of its data directory. Its id is never used again.";
        if (change is ReplaceMember && !steps.Done.Contains(MemberStep.Remove))
            yield return $"Once it runs, ask again in the same words: that removes {Label(steps.Target)}. Or let --wait do so.";
        if (change is UpdateMember && steps.Done.Count > 0 && !seen.Members.Any(member => member.Id == steps.Target?.Id && member.Answers))
            yield return $"Start {Label(steps.Target)} with its new --listen-peer-urls.";
    }

    private static string NewName(MemberChange change, MemberSight? old) => change switch
    {
        AddMember add => $"{add.Name} at {string.Join(',', add.PeerUrls)}",
        ReplaceMember replace => $"{replace.Name ?? old?.Name} at {string.Join(',', replace.PeerUrls)}",
        _ => "",
    };

    private static string Label(MemberSight? member) => member is null ? "" : member.IsStarted ? $"{member.Name} ({Display.Id(member.Id)})" : Display.Id(member.Id);
}
