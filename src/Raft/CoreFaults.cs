namespace Conclave.Raft;

/// <summary>Known ways to get Raft wrong, to prove that the simulator notices each of them.</summary>
/// <remarks>
/// Production code cannot turn one on: the type and the only constructor that takes it are internal, visible to the core's tests and the
/// simulator alone, and there is no option, environment variable or message that leads here. A build symbol was the
/// alternative; it would have meant that the simulator tests another binary than the one that ships.
/// </remarks>
[Flags]
internal enum CoreFaults
{
    None = 0,

    /// <summary>A vote is answered, but not written: a restarted voter may vote twice in a term.</summary>
    SkipVotePersist = 1 << 0,

    /// <summary>Appends are acknowledged before they are durable.</summary>
    AckBeforeSync = 1 << 1,

    /// <summary>An entry of an earlier term is committed because a majority holds it.</summary>
    CommitPriorTermByCount = 1 << 2,

    /// <summary>A follower cuts its log where a message starts, conflict or not.</summary>
    TruncateWithoutConflict = 1 << 3,

    /// <summary>A follower acknowledges and commits up to the end of its own log.</summary>
    AckBeyondMessage = 1 << 4,

    /// <summary>A new leader confirms reads before its own no-op is committed.</summary>
    ReadBeforeNoOp = 1 << 5,

    /// <summary>A leader confirms reads without asking anybody.</summary>
    ReadWithoutQuorum = 1 << 6,

    /// <summary>The leader counts its own copy before it is durable.</summary>
    CountUnflushedOwn = 1 << 7,

    /// <summary>The position in a refusal is taken for a proven one.</summary>
    HintAsMatch = 1 << 8,

    /// <summary>Stepping down within a term forgets the vote.</summary>
    VoteClearedOnStepDown = 1 << 9,

    /// <summary>Logs are compared by index before term.</summary>
    LongerLogWins = 1 << 10,

    /// <summary>Votes of other campaigns count.</summary>
    StaleVotesCount = 1 << 11,
}
