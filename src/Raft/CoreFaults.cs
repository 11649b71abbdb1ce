namespace Conclave.Raft;

/// <summary>Known ways to get Raft wrong, to prove that the simulator notices each of them.</summary>
/// <remarks>
/// Production code cannot turn one on: the type and the only constructor that takes it are internal, visible to the core's tests and the
/// simulator alone, and there is no option, environment variable or message that leads here. A build symbol was the
/// alternative; it would have meant that the simulator tests another binary than the one that ships.
/// </remarks>
[Flags]
internal enum CoreFaults : ulong
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

    /// <summary>A membership takes effect when it is committed, on each node at another time.</summary>
    ConfigAtApply = 1 << 12,

    /// <summary>Voters change in one step, and the next change may begin before that is committed.</summary>
    SkipJoint = 1 << 13,

    /// <summary>In a joint configuration a majority of all voters together elects.</summary>
    ElectByUnion = 1 << 14,

    /// <summary>In a joint configuration the new voters alone decide what is committed.</summary>
    CommitByNewVoters = 1 << 15,

    /// <summary>A joint configuration is left before it is committed.</summary>
    LeaveJointEarly = 1 << 16,

    /// <summary>A membership stays in force when its entry is cut from the log.</summary>
    NoRollback = 1 << 17,

    /// <summary>A restarted node takes its membership from the snapshot and ignores those in the log.</summary>
    ConfigFromSnapshotOnly = 1 << 18,

    /// <summary>The membership of before survives the installation of a snapshot.</summary>
    OldConfigAfterSnapshot = 1 << 19,

    /// <summary>Learners' copies count towards a commit.</summary>
    LearnerCounts = 1 << 20,

    /// <summary>Leadership is handed over to a node that lacks part of the log.</summary>
    TransferWithoutCatchUp = 1 << 21,

    /// <summary>A candidate that the leader chose gets votes whatever its log.</summary>
    TransferSkipsLogCheck = 1 << 22,

    /// <summary>Whoever says so starts an election, whatever this node lacks.</summary>
    AcceptAnyTimeoutNow = 1 << 23,

    /// <summary>A node forgets that its disk lost entries which it acknowledged.</summary>
    IgnoreLostEnd = 1 << 24,

    /// <summary>What a peer acknowledged before it restarted, or before its log went back, is still counted.</summary>
    KeepMatchAfterReversion = 1 << 25,

    /// <summary>Rounds of read confirmations share one number.</summary>
    ReuseReadEpoch = 1 << 26,

    /// <summary>A pre-vote is taken for a vote: what was granted in it counts in the election.</summary>
    VoteByPreVote = 1 << 27,

    /// <summary>A follower commits up to the end of its own log, compared or not.</summary>
    CommitBeyondVerified = 1 << 28,

    /// <summary>A write of entries that were replaced since makes their replacement look durable.</summary>
    StableMarkFromOldTicket = 1 << 29,

    /// <summary>Heartbeats carry the commit index as it is, and followers believe it.</summary>
    HeartbeatWithCommit = 1 << 30,

    /// <summary>Proposals are taken however much waits to be committed.</summary>
    TakeAnyProposal = 1UL << 31,

    /// <summary>Reads are taken however many wait.</summary>
    TakeAnyRead = 1UL << 32,

    /// <summary>What is kept for slow followers after a snapshot is bounded by the number of entries alone, whatever their size.</summary>
    KeepLongTail = 1UL << 33,

    // Nothing below breaks a promise: what it costs is progress.

    /// <summary>A leader whose disk hangs goes on leading.</summary>
    StayWhenDiskStalls = 1UL << 34,

    /// <summary>A leader that hears no majority goes on leading.</summary>
    NoQuorumCheck = 1UL << 35,

    /// <summary>A joint configuration is left only by the leader that entered it.</summary>
    NoAutoLeave = 1UL << 36,

    /// <summary>An append or a probe that was lost is not repeated.</summary>
    NoAppendRedrive = 1UL << 37,

    /// <summary>A snapshot that did not arrive is not sent again.</summary>
    NoSnapshotRedrive = 1UL << 38,

    /// <summary>What was on its way to a peer keeps its place in the window when replication to it begins anew.</summary>
    LeakInflight = 1UL << 39,

    /// <summary>A candidate learns no term from those who refuse it.</summary>
    IgnoreHigherTermRefusal = 1UL << 40,

    /// <summary>Who asks for votes in a term that is over gets no answer.</summary>
    SilentToLateCandidate = 1UL << 41,

    /// <summary>A leader of a term that is over gets no answer.</summary>
    SilentToDeposedLeader = 1UL << 42,

    /// <summary>A hand-over to a member that does not take over never ends.</summary>
    NoTransferTimeout = 1UL << 43,
}
