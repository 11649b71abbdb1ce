namespace Conclave.Simulator;

/// <summary>What happens at one moment. The names, in lower case with dashes, are the words of a scenario.</summary>
internal enum StrikeKind
{
    /// <summary>The node is gone, and what it had not synced in part; it starts again after the duration.</summary>
    PowerCut,

    /// <summary>The process is gone, its files are whole; it starts again after the duration.</summary>
    Kill,

    /// <summary>The next write of the node stops after so many steps, and the node with it; it starts again after the duration.</summary>
    CrashWriting,

    /// <summary>The first thing that the node writes after its next start stops after so many steps, and the node with it; it starts again after the duration.</summary>
    CrashStarting,

    /// <summary>The next time that the node replaces its log by a snapshot, it stops after so many steps; it starts again after the duration.</summary>
    CrashResetting,

    /// <summary>The power goes when a long batch has been written and not synced, so many times in a row; the node starts again after the duration. Real disks only.</summary>
    CrashTearing,

    /// <summary>The process stands still.</summary>
    Pause,

    /// <summary>The nodes named are cut off from all others, in both directions.</summary>
    Partition,

    /// <summary>What the node sends does not arrive.</summary>
    Mute,

    /// <summary>What is sent to the node does not arrive.</summary>
    Deafen,

    /// <summary>The links named are dead in both directions.</summary>
    Cut,

    /// <summary>So many messages in a thousand are lost.</summary>
    Loss,

    /// <summary>Messages take so many times as long.</summary>
    Delay,

    /// <summary>The connection from the first node named to the second closes on that side, or on both, and comes back after the duration.</summary>
    Flap,

    /// <summary>The node's disk takes so many times as long.</summary>
    SlowDisk,

    /// <summary>A tick of the node takes so many microseconds.</summary>
    Clock,

    /// <summary>Somebody sets the clock on the node's wall so many milliseconds forward. Its monotonic clock does not care, and nothing else may.</summary>
    ClockForward,

    /// <summary>Likewise, back.</summary>
    ClockBack,

    /// <summary>The whole machine is suspended: the process stands still and so does its monotonic clock. The clock on the wall goes on.</summary>
    Suspend,

    /// <summary>A write, after so many that succeed, fails. The node stops, and starts again after the duration. Real disks only, like all below that damage one.</summary>
    FailWrite,

    /// <summary>A sync fails, and the page cache looks as if it had not. The node stops, and starts again after the duration.</summary>
    FailSync,

    /// <summary>No room for more than so many bytes, for the duration.</summary>
    FillDisk,

    /// <summary>A bit of the log flips. A node that is up notices at its next start, which comes after the duration.</summary>
    FlipLog,

    /// <summary>A bit of a snapshot flips; as above.</summary>
    FlipSnapshot,

    /// <summary>A bit of the superblock flips; as above.</summary>
    FlipSuperblock,

    /// <summary>The process dies, and a bit flips in each of the last so many sectors that its log has written; it starts again after the duration.</summary>
    FlipLogEnd,

    /// <summary>The process dies, and a bit flips in both copies of one pair of the superblock, 0 or 1; it starts again after the duration.</summary>
    FlipPair,

    /// <summary>An empty node starts after the duration, and is to be a learner. Asked of the leader, or of the node named by <c>via</c>; so are the next four.</summary>
    AddLearner,

    /// <summary>An empty node starts after the duration, and is to be a voter as soon as it has caught up.</summary>
    AddVoter,

    /// <summary>The learner is to be a voter.</summary>
    Promote,

    /// <summary>The member is to go. It runs on, and knows of it or not.</summary>
    Remove,

    /// <summary>The node is to lead; without one, whoever is best.</summary>
    Transfer,

    /// <summary>A copy of the node's directory is put aside.</summary>
    Backup,

    /// <summary>The node starts with that copy in the place of its directory. After the duration its own comes back, or (<c>replace 1</c>) a new member takes its place.</summary>
    Restore,

    /// <summary>The node starts with an empty directory; as above.</summary>
    Wipe,

    /// <summary>The node's ticks stop for the duration, and then come all at once. Everything else goes on.</summary>
    Stall,

    /// <summary>So many ticks come at once: the clock jumped, or the machine stood still and its clock did not.</summary>
    Jump,

    /// <summary>The write of the log after so many others reports success and never reaches the disk. The power goes after the duration; so it does with the next four.</summary>
    LoseWrite,

    /// <summary>The write of the log after so many others reports success and lands elsewhere in the file.</summary>
    MisdirectWrite,

    /// <summary>At the next start one read of the log shows what was there before the last sync.</summary>
    ReadStale,

    /// <summary>A new segment of the log loses its name.</summary>
    LoseRename,

    /// <summary>A sector of the log, the one with this number in each of its files, cannot be read any more.</summary>
    Unreadable,

    /// <summary>The node's core and driver take paths that are right and seldom taken, so many times in a thousand.</summary>
    RarePaths,
}
