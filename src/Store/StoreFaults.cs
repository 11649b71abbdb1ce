namespace Conclave.Store;

/// <summary>Known ways to get a replicated store wrong, to prove that the simulator notices each of them.</summary>
/// <remarks>
/// Production code cannot turn one on: the type, and every constructor and method that takes it, is internal and visible to the store's
/// tests and the simulator alone. There is no option, environment variable or message that leads here.
/// </remarks>
[Flags]
internal enum StoreFaults
{
    None = 0,

    /// <summary>A command that only deletes makes no new revision: the next one gets the same.</summary>
    KeepRevisionOnDelete = 1 << 0,

    /// <summary>The events of a watch message come in reverse.</summary>
    ReorderWatchEvents = 1 << 1,

    /// <summary>A watch whose feed broke off, by a snapshot for example, is sent a revision again that it has had.</summary>
    ResendAfterInstall = 1 << 2,

    /// <summary>A watch that reads the history skips its first revision.</summary>
    SkipInCatchUp = 1 << 3,

    /// <summary>Compaction takes the version that can still be read at the compacted revision.</summary>
    CompactLiveVersion = 1 << 4,

    /// <summary>A revoked lease leaves its last key behind.</summary>
    LeaveKeyOnRevoke = 1 << 5,

    /// <summary>A lease that has expired and waits for its revoke can still be renewed.</summary>
    RenewExpired = 1 << 6,

    /// <summary>A repeated command of a session is applied again.</summary>
    ApplyRepeats = 1 << 7,

    /// <summary>Snapshots leave out the sessions.</summary>
    SaveNoSessions = 1 << 8,

    /// <summary>The previous value of a put is the one it writes.</summary>
    PreviousIsNew = 1 << 9,

    /// <summary>A transaction compares with the state one revision ago.</summary>
    CompareOldRevision = 1 << 10,

    /// <summary>An entry that comes a second time is applied a second time.</summary>
    ApplyIndexTwice = 1 << 11,

    /// <summary>A key that is created again has the create revision of its former life: two holders of a lock have the same fencing token.</summary>
    RepeatCreateRevision = 1 << 12,

    /// <summary>The revision of a state that was saved after a compaction is one too low when it is loaded.</summary>
    RevisionFallsOnLoad = 1 << 13,

    /// <summary>Progress is told to watchers to whom events are still to be sent.</summary>
    ProgressOvertakesEvents = 1 << 14,

    /// <summary>A watch of one key from the compacted revision on misses what happened at that revision.</summary>
    MissCompactedRevision = 1 << 15,

    /// <summary>A member that leads no more goes on to expire leases.</summary>
    ExpireAfterDemotion = 1 << 16,

    /// <summary>A key can be attached to a lease that does not exist any more.</summary>
    AttachToDeadLease = 1 << 17,
}
