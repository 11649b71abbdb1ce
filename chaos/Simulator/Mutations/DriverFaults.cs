namespace Conclave.Simulator;

/// <summary>Known ways to drive a correct core, log and store wrongly. The simulator's driver is the model of the one in src/Node, and has them behind these switches.</summary>
[Flags]
internal enum DriverFaults : long
{
    None = 0,

    /// <summary>A client is told "done" when its entry is appended, and not when it is committed.</summary>
    AckWhenAppended = 1L << 0,

    /// <summary>A client is told "done" when its index is applied, whoever's entry that is.</summary>
    AckByIndexAlone = 1L << 1,

    /// <summary>What was appended under a leadership that ended is called refused, and the client sends it again.</summary>
    RefuseWhatWasAppended = 1L << 2,

    /// <summary>What was appended under a leadership that ended is proposed again.</summary>
    ResendUnknown = 1L << 3,

    /// <summary>Reads are served from the state of whoever is asked.</summary>
    ReadLocally = 1L << 4,

    /// <summary>A confirmed read is served before its index is applied.</summary>
    ReadBeforeApplied = 1L << 5,

    /// <summary>A read that nobody confirmed is served all the same.</summary>
    ReadAfterRefusal = 1L << 6,

    /// <summary>Reads are served when the entries are applied, before the state that readers see is published.</summary>
    ReadBeforePublished = 1L << 7,

    /// <summary>Votes and acknowledgements leave when the write is queued.</summary>
    SendBeforeDurable = 1L << 8,

    /// <summary>A write is reported durable when it is queued.</summary>
    ReportBeforeDurable = 1L << 9,

    /// <summary>After a restart the report of a write of the former life arrives.</summary>
    ReportOfFormerLife = 1L << 10,

    /// <summary>Entries are applied when they are appended, and not when they are committed.</summary>
    ApplyWhenAppended = 1L << 11,

    /// <summary>After a snapshot was installed, entries queued before are applied on top of it.</summary>
    ApplyOverSnapshot = 1L << 12,

    /// <summary>The state machine takes a snapshot over, and the log is not reset.</summary>
    InstallWithoutReset = 1L << 13,

    /// <summary>Resetting the log for a snapshot forgets the vote.</summary>
    InstallForgetsVote = 1L << 14,

    /// <summary>The core is told of an own snapshot before it is durable.</summary>
    SnapshotReportedEarly = 1L << 15,

    /// <summary>The core is told of a received snapshot before it is durable.</summary>
    ReceivedReportedEarly = 1L << 16,

    /// <summary>The snapshot has the name of the entry where it was begun, and the state of when it was written.</summary>
    SnapshotOfLaterState = 1L << 17,

    /// <summary>The old snapshot is deleted before the new one is durable.</summary>
    OldSnapshotDeletedFirst = 1L << 18,

    /// <summary>A snapshot is installed into a new store; watchers stay with the old one.</summary>
    InstallForgetsWatchers = 1L << 19,

    /// <summary>A leader that was deposed goes on ending leases, through its successor.</summary>
    KeepLeasesWhenDeposed = 1L << 20,

    /// <summary>A renewal is answered without asking a majority whether this node still leads.</summary>
    RenewWithoutRound = 1L << 21,

    /// <summary>The end of a lease is proposed like a client's request: later, by whoever leads then.</summary>
    ExpireThroughAnyLeader = 1L << 22,

    /// <summary>Whoever says that it is a member is let in, with whatever directory.</summary>
    AdmitAnybody = 1L << 23,

    /// <summary>Leases run by the clock on the wall, which somebody may set, and not by the monotonic one.</summary>
    LeasesByWallClock = 1L << 24,

    /// <summary>A stream of documents begins with what the member has, the newest or not.</summary>
    BeginUnconfirmed = 1L << 40,

    /// <summary>A directory is judged by the number of its starts alone, and not by which starts came before.</summary>
    AdmitByNumber = 1L << 25,

    /// <summary>After a snapshot was installed nobody looks what releases came with it.</summary>
    InstallForgetsConfig = 1L << 26,

    /// <summary>What an agent reports stays with the member that it told.</summary>
    KeepReports = 1L << 27,

    /// <summary>Who waited for a lock is told that it holds by a state that may be old.</summary>
    GrantUnconfirmed = 1L << 28,

    /// <summary>Who waited for a lock is told that it holds when nobody is before it, whether or not its own key is still there.</summary>
    GrantWithoutLook = 1L << 29,

    /// <summary>A member lets those that wait for a lock there in one after the other as they came, whoever came elsewhere.</summary>
    GrantByArrival = 1L << 30,

    /// <summary>Only a timer brings ticks; what else wakes the driver is taken without those that are due.</summary>
    TicksFromTimerAlone = 1L << 31,
}
