namespace Conclave.Raft;

/// <summary>Why a member may not talk. The numbers go over the wire.</summary>
public enum AdmissionReason : byte
{
    /// <summary>It may.</summary>
    None = 0,

    /// <summary>Not a member.</summary>
    Unknown = 1,

    /// <summary>Removed from the cluster; for ever.</summary>
    Removed = 2,

    /// <summary>Comes with an empty or another data directory than before.</summary>
    OtherDirectory = 3,

    /// <summary>Comes with an earlier state of its data directory: a restored backup or copy, or a disk that lost writes.</summary>
    OlderDirectory = 4,

    /// <summary>Another process with this directory, or with a copy of it, is connected and alive.</summary>
    SecondProcess = 5,
}

/// <summary>What <see cref="MemberAdmission"/> decided, and from what.</summary>
/// <param name="Reason">None when the member may talk.</param>
/// <param name="Shown">What the member showed.</param>
/// <param name="Remembered">What was remembered of it; null when nothing was.</param>
/// <param name="Acknowledged">Position up to which the member is on record as having everything durably; zero when there is no record.</param>
public readonly record struct AdmissionVerdict(AdmissionReason Reason, MemberCredentials Shown, RememberedMember? Remembered, LogIndex Acknowledged)
{
    public bool IsAccepted => Reason == AdmissionReason.None;

    /// <summary>For the logs of both sides; says what happened and what to do.</summary>
    /// <param name="name">What people call the member.</param>
    /// <param name="node">Its id.</param>
    public string Explain(string name, NodeId node)
    {
        string who = name.Length == 0 || name == node.ToString() ? $"member {node}" : $"member {name} ({node})";
        string command = name.Length == 0 ? node.ToString() : name;
        string replace = $"Otherwise replace the member while a majority of the others runs: conclave member replace {command}";
        RememberedMember known = Remembered ?? default;
        return Reason switch
        {
            AdmissionReason.None => "",
            AdmissionReason.Unknown => $"{node} is not a member of this cluster. To add it: conclave member add",
            AdmissionReason.Removed =>
                $"{who} was removed from this cluster, and an id is never used again. To bring the machine back, move its data directory away, add it as a new member "
                + "(conclave member add), and start it with --initial-cluster-state existing",
            AdmissionReason.OtherDirectory =>
                $"{who} comes with an empty or other data directory than before (incarnation {Shown.Incarnation}, known {known.Incarnation}). It may have forgotten writes "
                + $"that it acknowledged, so it must not vote. Put the old directory back if there is any way to. {replace}",
            AdmissionReason.OlderDirectory when known.LogReverted =>
                $"{who} has lost writes that it acknowledged: its log ended before them, and its disk does not know it. It must not vote. {replace}",
            AdmissionReason.OlderDirectory when Shown.Boot < known.Boot || Shown.Boot == known.Boot && Shown.BootNonce != known.BootNonce =>
                $"{who} comes with an earlier state of its data directory (start {Shown.Boot}, known {known.Boot}): a restored backup, or a copy. It may have forgotten writes "
                + $"that it acknowledged, so it must not vote. Start it with the directory it used last. {replace}",
            AdmissionReason.OlderDirectory when known.KeepsStarts && Shown.Boot > known.Boot && Shown.Starts.IsDefault =>
                $"{who} does not show which starts of its data directory came before (start {Shown.Boot}, known {known.Boot}), as it did before: it runs an earlier release. "
                + "Start it with the release that it ran last, or a later one",
            AdmissionReason.OlderDirectory when !MemberAdmission.Follows(known, Shown) =>
                $"{who} comes with a data directory that does not know its start {known.Boot}, though it has been started {Shown.Boot} times: a restored backup, or a copy, that was started since. "
                + $"It may have forgotten writes that it acknowledged, so it must not vote. Start it with the directory it used last. {replace}",
            AdmissionReason.OlderDirectory =>
                $"{who} comes with an earlier state of its data directory: it holds entries up to {Shown.Durable}, and is on record as having had {Acknowledged}. "
                + $"It may have forgotten writes that it acknowledged, so it must not vote. Start it with the directory it used last. {replace}",
            AdmissionReason.SecondProcess =>
                $"{who} is connected and alive in another process. Two processes run with one data directory, or with a copy of it: stop one of them, and never start the copy again",
            _ => throw Invariant.Unreachable("Every reason has words."),
        };
    }
}
