namespace Conclave.Simulator;

/// <summary>A deliberate bug, by name. What it is, in which layer, and how it is switched on: <see cref="Mutations"/>.</summary>
public enum Mutation
{
    None,

    // Core
    SkipVotePersist,
    AckBeforeSync,
    CommitPriorTermByCount,
    TruncateWithoutConflict,
    AckBeyondMessage,
    ReadBeforeNoOp,
    ReadWithoutQuorum,
    CountUnflushedOwn,
    HintAsMatch,
    VoteClearedOnStepDown,
    LongerLogWins,
    StaleVotesCount,

    // Driver
    AckWhenAppended,
    AckByIndexAlone,
    RefuseWhatWasAppended,
    ResendUnknown,
    ReadLocally,
    ReadBeforeApplied,
    ReadAfterRefusal,
    ReadBeforePublished,
    SendBeforeDurable,
    ReportBeforeDurable,
    ReportOfFormerLife,
    ApplyWhenAppended,
    ApplyOverSnapshot,
    InstallWithoutReset,
    InstallForgetsVote,
    SnapshotReportedEarly,
    ReceivedReportedEarly,
    SnapshotOfLaterState,
    OldSnapshotDeletedFirst,
    InstallForgetsWatchers,
    KeepLeasesWhenDeposed,
    RenewWithoutRound,
    ExpireThroughAnyLeader,
}
