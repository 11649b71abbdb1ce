using System.Globalization;
using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>A replayed batch in words, a few lines each.</summary>
public static class TraceText
{
    /// <summary>Whether somebody who looks for what happened wants to see it even among a million others.</summary>
    public static bool IsNotable(ReplayedBatch batch) => batch.Difference is not null || batch.Failure is not null || batch.Output.RoleChange is not null || batch.Output.Membership is not null
        || batch.Output.InstallSnapshot is not null || batch.Output.CompactTo is not null || batch.Output.LogReverted.Count > 0 || batch.Output.MembershipVerdicts.Count > 0
        || batch.Inputs.Any(input => input.Kind is RaftInputKind.LinkUp or RaftInputKind.LinkDown or RaftInputKind.Transfer or RaftInputKind.ChangeMembership
            or RaftInputKind.SnapshotTaken or RaftInputKind.SnapshotReceived or RaftInputKind.SnapshotSendFinished);

    /// <summary>Where a replay begins.</summary>
    /// <param name="part">The first part.</param>
    /// <param name="core">As it was loaded.</param>
    public static IEnumerable<string> Start(PartStart part, RaftCore core)
    {
        RecordingStart run = part.Run;
        yield return string.Create(CultureInfo.InvariantCulture, $"node {run.Options.Self}, recorded by version {run.Version} from {Time(run.StartedUnixMilliseconds)} UTC, seed {run.Options.Seed}");
        yield return string.Create(CultureInfo.InvariantCulture, $"part {part.Part}, from {Time(part.BeganUnixMilliseconds)} UTC, after batch {part.Batches} and tick {part.Ticks}");
        string snapshot = core.Snapshot is { } id ? $"snapshot {id.Last}" : "no snapshot";
        string leader = core.Leader == NodeId.None ? "unknown" : $"{core.Leader}";
        yield return $"begins as {core.Role} in term {core.Term}, leader {leader}, {snapshot}, log {core.LogBase} to {core.LastEntry}, commit {core.Commit}, {Voters(core.Membership)}";
        if (core.IsRecovering) yield return "its disk had lost entries";
    }

    public static IEnumerable<string> Lines(ReplayedBatch batch)
    {
        yield return $"batch {batch.Number} tick {batch.Ticks}";
        foreach (string input in Inputs(batch.Inputs)) yield return $"  in   {input}";
        foreach (string output in Outputs(batch.Output)) yield return $"  out  {output}";
        if (batch.Failure is { } failure) yield return $"  FAILED: {failure.Message}";
        if (batch.Difference is { } difference) yield return $"  DIFFERENT from the recorded run: {difference}";
    }

    private static IEnumerable<string> Inputs(IReadOnlyList<RaftInput> inputs)
    {
        int ticks = 0;
        foreach (RaftInput input in inputs)
        {
            if (input.Kind == RaftInputKind.Tick)
            {
                ticks++;
                continue;
            }

            if (ticks > 0) yield return Ticks(ticks);
            ticks = 0;
            yield return input.ToString();
        }

        if (ticks > 0) yield return Ticks(ticks);
    }

    private static IEnumerable<string> Outputs(RaftOutput output)
    {
        if (output.RoleChange is { } change) yield return $"{change.Role} in term {change.Term}, leader {(change.Leader == NodeId.None ? "unknown" : change.Leader)}";
        if (output.Membership is { } membership) yield return $"membership {Voters(membership)}";
        foreach (MembershipVerdict verdict in output.MembershipVerdicts) yield return $"change {verdict.Id}: {verdict.Outcome} {verdict.Entry}";
        foreach (OutboundMessage message in output.Messages) yield return $"send {message.Message}";
        foreach (PersistOp operation in output.Persists)
        {
            string state = operation.HardState is { } hardState ? $" term {hardState.Term} vote {hardState.VotedFor}" : "";
            string cut = operation.TruncateFrom is { } from ? $" cut from {from}" : "";
            string entries = operation.Entries.IsEmpty ? "" : $" entries {operation.Entries.Span[0].Id} to {operation.Entries.Span[^1].Id}";
            yield return $"write {operation.Ticket.Sequence}{state}{cut}{entries}";
        }

        foreach (ReadOnlyMemory<Entry> run in output.Committed) yield return $"commit {run.Span[0].Id} to {run.Span[^1].Id}";
        foreach (ProposalVerdict verdict in output.Proposals) yield return $"proposal {verdict.Id}: {verdict.Outcome} {verdict.Entry}";
        foreach (ReadVerdict verdict in output.Reads) yield return $"read {verdict.ReadId}: {verdict.Outcome} at {verdict.Index}";
        foreach (NodeId node in output.LogReverted) yield return $"{node} lost entries that it had acknowledged";
        foreach (NodeId node in output.SnapshotsWanted) yield return $"snapshot wanted for {node}";
        if (output.InstallSnapshot is { } install) yield return $"install snapshot {install.Last}";
        if (output.CompactTo is { } compactTo) yield return $"compact to {compactTo}";
    }

    private static string Time(long unixMilliseconds) =>
        unixMilliseconds is >= 0 and < 253_402_300_800_000 ? DateTimeOffset.FromUnixTimeMilliseconds(unixMilliseconds).ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture) : "no time";

    private static string Ticks(int ticks) => ticks == 1 ? "1 tick" : $"{ticks} ticks";

    private static string Voters(Membership membership)
    {
        string voters = $"voters {string.Join(' ', membership.Voters)}";
        if (membership.IsJoint) voters += $", leaving {string.Join(' ', membership.VotersOutgoing)}";
        return membership.Learners.IsEmpty ? voters : $"{voters}, learners {string.Join(' ', membership.Learners)}";
    }
}
