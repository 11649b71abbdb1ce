using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>A deliberate bug in the core. The simulator has to notice each one; a simulator that finds nothing proves nothing.</summary>
public enum Mutation
{
    None,
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
}

internal static class Mutations
{
    /// <summary>The names are the core's own, so a mutation without its counterpart there cannot be added.</summary>
    public static CoreFaults ToFaults(this Mutation mutation) => mutation == Mutation.None ? CoreFaults.None : Enum.Parse<CoreFaults>(mutation.ToString());
}
