using System.Globalization;
using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>A deliberate bug of the core, and a small scope in which the search must notice it.</summary>
internal sealed record Mutation(CoreFaults Fault, Bounds Scope);

/// <summary>A search that finds nothing proves nothing: it has to find these.</summary>
internal static class Mutations
{
    private const string NoHeartbeats = "HeartbeatRequest,CommitNotice";

    private static readonly Bounds Quick = new() { FastPreVotes = true, SyncDisk = true, Lose = NoHeartbeats, Messages = 2, Campaigns = 0, Heartbeats = 0, Crashes = 0, Proposals = 0, StatesMax = 2_000_000 };

    /// <summary>Two elections, a crash, a write.</summary>
    private static readonly Bounds Election = Quick with { Campaigns = 2, Crashes = 1, Proposals = 1 };

    /// <summary>Writes under a leader that stays, with a disk that takes its time.</summary>
    private static readonly Bounds Replication = Quick with { Prologue = "campaign 1; settle", Terms = 1, SyncDisk = false, Lose = "HeartbeatRequest", Proposals = 2, Duplicates = 1, Messages = 3 };

    /// <summary>The leader has an entry that nobody else has, and others may follow it.</summary>
    private static readonly Bounds Divergence = Quick with { Prologue = "campaign 1; settle; write 1; lose", Terms = 3, Campaigns = 2, Proposals = 1, Log = 5 };

    /// <summary>Heartbeats arrive, a second leader comes, clients read.</summary>
    private static readonly Bounds Reading = Quick with { Prologue = "campaign 1; settle; lose", Lose = "CommitNotice", Campaigns = 1, Proposals = 1, Reads = 1, Log = 4, Messages = 3 };

    private static readonly Bounds Heartbeats = Divergence with { Lose = "CommitNotice", Terms = 2, Campaigns = 1, Heartbeats = 1, Log = 4 };

    /// <summary>A voter goes, perhaps two.</summary>
    private static readonly Bounds Removal = Quick with { Prologue = "campaign 1; settle", Campaigns = 1, Changes = 2, Log = 5 };

    /// <summary>A member joins two.</summary>
    private static readonly Bounds Joining = Quick with { Prologue = "campaign 1; settle", Voters = 2, Campaigns = 1, Crashes = 1, Changes = 1, Proposals = 1, Log = 6 };

    /// <summary>A transfer that is given up, while its message is still on its way.</summary>
    private static readonly Bounds Handover = Quick with { Prologue = "campaign 1; settle", Heartbeats = 1, Proposals = 1, Transfers = 1, Log = 4, Messages = 3 };

    /// <remarks>
    /// Of the core's faults these are left out: TransferWithoutCatchUp and AcceptAnyTimeoutNow start elections that nobody should ask for, which costs
    /// time and, since votes still decide, no safety; IgnoreLostEnd, KeepMatchAfterReversion and OldConfigAfterSnapshot need disks that lose something or
    /// snapshots, and there are none here. Those that cost progress alone (StayWhenDiskStalls and all behind it) break nothing that the search looks at; the simulator hunts them.
    /// </remarks>
    public static IReadOnlyList<Mutation> All { get; } =
    [
        new(CoreFaults.SkipVotePersist, Election),
        new(CoreFaults.AckBeforeSync, Election),
        new(CoreFaults.CommitPriorTermByCount, Reading),
        new(CoreFaults.TruncateWithoutConflict, Replication),
        new(CoreFaults.AckBeyondMessage, Reading),
        new(CoreFaults.ReadBeforeNoOp, Reading),
        new(CoreFaults.ReadWithoutQuorum, Reading),
        new(CoreFaults.CountUnflushedOwn, Replication),
        new(CoreFaults.HintAsMatch, Divergence),
        new(CoreFaults.VoteClearedOnStepDown, Election),
        new(CoreFaults.LongerLogWins, Divergence),
        new(CoreFaults.StaleVotesCount, Election),
        new(CoreFaults.ConfigAtApply, Removal),
        new(CoreFaults.SkipJoint, Removal),
        new(CoreFaults.ElectByUnion, Removal),
        new(CoreFaults.CommitByNewVoters, Removal),
        new(CoreFaults.LeaveJointEarly, Removal),
        new(CoreFaults.NoRollback, Removal),
        new(CoreFaults.ConfigFromSnapshotOnly, Joining),
        new(CoreFaults.LearnerCounts, Joining),
        new(CoreFaults.TransferSkipsLogCheck, Handover),
        new(CoreFaults.ReuseReadEpoch, Reading with { Reads = 2, Proposals = 0 }),
        new(CoreFaults.VoteByPreVote, Election),
        new(CoreFaults.CommitBeyondVerified, Heartbeats),
        new(CoreFaults.StableMarkFromOldTicket, Heartbeats with { SyncDisk = false, Heartbeats = 0, Proposals = 0, Duplicates = 1, Messages = 3 }),
        new(CoreFaults.HeartbeatWithCommit, Heartbeats),
    ];

    /// <param name="output">Gets a line per mutation.</param>
    /// <param name="only">Name of a fault; null for all, without their paths.</param>
    /// <returns>How many were not found.</returns>
    public static int Run(TextWriter output, string? only)
    {
        int missed = 0;
        foreach ((CoreFaults fault, Bounds scope) in All)
        {
            if (only is not null && fault.ToString() != only) continue;
            Findings found = new Explorer(scope with { Faults = fault }, TextWriter.Null).Run();
            if (found.Violation is null) missed++;
            string end = found.Violation is null ? found.IsComplete ? "NOT FOUND, scope complete" : "NOT FOUND, scope cut off" : $"depth {found.Depth,2}  {found.Violation}";
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{fault,-24} {found.States,9:N0} states {found.Elapsed.TotalSeconds,5:F1} s  {end}"));
            if (only is null) continue;
            output.WriteLine(scope);
            for (int at = 0; at < found.Path.Count; at++) output.WriteLine($"{at + 1,4}. {found.Path[at]}");
        }
        return missed;
    }
}
