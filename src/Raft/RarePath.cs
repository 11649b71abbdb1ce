namespace Conclave.Raft;

/// <summary>
/// Places in the core that have another path beside the usual one, also right and seldom taken, because it takes bad luck or a bad day. The simulator takes them on purpose, to get to states
/// that chance alone hardly reaches.
/// </summary>
/// <remarks>Like <see cref="CoreFaults"/> nothing in production leads here: only the core's tests and the simulator can say that one is to be taken. Unlike those, nothing may ever go wrong by one.</remarks>
internal enum RarePath
{
    /// <summary>An append carries one entry, however many there are.</summary>
    ShortAppend,

    /// <summary>A peer that could be written to is not, in this batch.</summary>
    HoldAppend,

    /// <summary>What a peer acknowledged is believed, and what is under way to it is not: it is probed again.</summary>
    ProbeAgain,

    /// <summary>A peer gets the snapshot, though the log still has what it lacks.</summary>
    SnapshotInstead,

    /// <summary>A proposal is refused as too much.</summary>
    RefuseProposal,

    /// <summary>What a majority holds is committed with a later batch.</summary>
    CommitLater,

    /// <summary>What is committed is told with a later message.</summary>
    TellLater,

    /// <summary>Reads wait for a later round.</summary>
    ReadLater,

    /// <summary>A follower campaigns, as if it had not heard the leader.</summary>
    CampaignEarly,

    /// <summary>A vote that could be given is refused.</summary>
    RefuseVote,

    /// <summary>A leader hands over, as when its disk hangs.</summary>
    HandOver,

    /// <summary>A leader steps down, as when it does not hear a majority.</summary>
    StepDown,

    /// <summary>A heartbeat between two intervals.</summary>
    ExtraHeartbeat,
}
