using System.Collections.Immutable;

namespace Conclave.Cli.Members;

/// <summary>How bad a <see cref="Finding"/> is.</summary>
internal enum Severity
{
    /// <summary>Worth knowing.</summary>
    Note,

    /// <summary>The cluster would do it, and a person may regret it: only with --force.</summary>
    Risk,

    /// <summary>It could not be committed, or would take the majority away: never.</summary>
    Refusal,
}

internal enum FindingKind
{
    NoLeader, NoMajority, NotFound, Ambiguous, NameInUse, AddressInUse, AddressInvalid, LastVoter, WouldLoseMajority, NotLearner, DoesNotAnswer, NotInSync, LearnerCannotLead,
    NoSpareLeft, LeaderMoves, StillRuns, AddressNeedsRestart, EvenVoters, NothingToDo, CountsAtOnce,
}

/// <summary>One thing that a look at the cluster showed about a change.</summary>
/// <param name="Kind">For tests and programs.</param>
/// <param name="Severity">What it means for the change.</param>
/// <param name="What">What is so, in a sentence.</param>
/// <param name="Remedy">What to do about it; empty for notes.</param>
internal sealed record Finding(FindingKind Kind, Severity Severity, string What, string Remedy = "");

/// <summary>Whether a change may be made.</summary>
/// <param name="Findings">The worst first.</param>
/// <param name="Steps">What would be asked of the cluster, in order; empty when there is nothing to do.</param>
internal sealed record MemberVerdict(ImmutableArray<Finding> Findings, ImmutableArray<MemberStep> Steps)
{
    public Severity Severity => Findings.IsEmpty ? Severity.Note : Findings.Max(finding => finding.Severity);

    public bool IsAllowed => Severity == Severity.Note;

    /// <summary>The finding that decides; only when not allowed.</summary>
    public Finding Reason => Findings[0];
}

/// <summary>One call to the cluster.</summary>
internal enum MemberStep { AddVoter, AddLearner, Promote, Remove, Update, MoveLeader }
