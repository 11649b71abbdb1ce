namespace Conclave.Simulator;

/// <summary>The kinds of trouble that a run may draw.</summary>
internal enum FaultKind
{
    PowerCut,
    KillProcess,
    CrashWhileWriting,
    CrashAll,
    Pause,
    Partition,
    IsolateLeader,
    OneWay,
    CutLinks,
    LossBurst,
    DelayBurst,
    LinkFlap,
    SlowDisk,
    ClockDrift,
    Members,
    Transfer,
    DiskError,
    DiskFull,
    Damage,

    // Drawn apart from those above, so that these stay as they were.
    Identity,
    Stall,
    LyingDisk,
    Clocks,
    RarePaths,
}
