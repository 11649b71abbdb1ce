using System.Xml.Linq;
using Conclave.Layers.Serving;
using Conclave.Raft;
using Conclave.Storage;
using Conclave.Store;

namespace Conclave.Simulator;

/// <summary>Where a deliberate bug sits.</summary>
public enum MutationLayer
{
    /// <summary>The consensus core.</summary>
    Core,

    /// <summary>The log and the snapshots.</summary>
    Storage,

    /// <summary>What drives the core: the simulator's own driver, the model of the one in src/Node.</summary>
    Driver,

    /// <summary>The key-value store.</summary>
    Store,

    /// <summary>What makes releases of changes, and decides what agents are sent.</summary>
    Serving,
}

/// <summary>All deliberate bugs. The names are those of the switches in each layer.</summary>
public static class Mutations
{
    private static readonly (MutationLayer Layer, Type Switches)[] Layers =
        [(MutationLayer.Core, typeof(CoreFaults)), (MutationLayer.Storage, typeof(StorageFaults)), (MutationLayer.Driver, typeof(DriverFaults)), (MutationLayer.Store, typeof(StoreFaults)),
            (MutationLayer.Serving, typeof(ServingFaults))];

    public static IEnumerable<Mutation> All => Enum.GetValues<Mutation>().Where(mutation => mutation != Mutation.None);

    /// <summary>The switches of all layers; each is a mutation.</summary>
    public static IEnumerable<string> Switches => Layers.SelectMany(layer => Enum.GetNames(layer.Switches)).Where(name => name != nameof(Mutation.None));

    public static MutationLayer LayerOf(Mutation mutation) => Find(mutation).Layer;

    /// <summary>What the switch's own documentation says; empty when the documentation file is not beside the program.</summary>
    public static string Describe(Mutation mutation)
    {
        Type switches = Find(mutation).Switches;
        string path = Path.ChangeExtension(switches.Assembly.Location, ".xml");
        if (!File.Exists(path)) return "";
        string member = $"F:{switches.FullName}.{mutation}";
        string? summary = XDocument.Load(path).Descendants("member").FirstOrDefault(m => m.Attribute("name")?.Value == member)?.Element("summary")?.Value;
        return string.Join(' ', (summary ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    internal static CoreFaults ToCoreFaults(this Mutation mutation) => ToSwitch<CoreFaults>(mutation);

    internal static StorageFaults ToStorageFaults(this Mutation mutation) => ToSwitch<StorageFaults>(mutation);

    internal static DriverFaults ToDriverFaults(this Mutation mutation) => ToSwitch<DriverFaults>(mutation);

    internal static ServingFaults ToServingFaults(this Mutation mutation) => ToSwitch<ServingFaults>(mutation);

    internal static StoreFaults ToStoreFaults(this Mutation mutation) => ToSwitch<StoreFaults>(mutation);

    /// <summary>What the runs must have for the bug to have a chance; the rest is drawn as ever.</summary>
    internal static Plan Favour(this Mutation mutation, Plan plan)
    {
        if (mutation == Mutation.None) return plan;
        // What replaces members or refuses work leaves less of a run for most bugs; those that need it ask for it.
        FaultKind[] usual = [.. plan.Faults.Where(kind => kind < FaultKind.Identity)];
        plan = plan with { TightMemory = false, Faults = usual, ConfigAgents = 0, ConfigPublishers = 0, ConfigRolloutsPermille = 0, Trials = 0, Waiters = 0, NoReservations = false, LargeValueBytes = 0 };
        if (LayerOf(mutation) == MutationLayer.Store) plan = plan with { RealStore = true };
        if (LayerOf(mutation) == MutationLayer.Storage) plan = plan with { RealDisk = true };
        if (LayerOf(mutation) == MutationLayer.Serving || mutation is Mutation.InstallForgetsConfig or Mutation.KeepReports or Mutation.BeginUnconfirmed) plan = plan with { RealStore = true, ConfigAgents = 3, ConfigPublishers = 2 };
        if (mutation >= Mutation.OverwriteRollout) plan = plan with { ConfigAgents = 4, ConfigRolloutsPermille = 600 };
        Plan busyDisk = plan with { FaultEveryUs = 50_000, WritePermille = 900, BurstMax = 50, ValueBytesMax = 2_000, ThinkMaxUs = 1_000, SnapshotEvery = 20, TrailingEntries = 0, DiskMaxUs = 5_000 };
        return mutation switch
        {
            Mutation.InstallForgetsWatchers or Mutation.ReorderWatchEvents or Mutation.ResendAfterInstall or Mutation.SkipInCatchUp or Mutation.ProgressOvertakesEvents
                or Mutation.MissCompactedRevision => plan with { RealStore = true, Watchers = Math.Max(plan.Watchers, 3) },
            Mutation.KeepLeasesWhenDeposed or Mutation.RenewWithoutRound or Mutation.ExpireThroughAnyLeader or Mutation.ExpireAfterDemotion
                or Mutation.RepeatCreateRevision => plan with { RealStore = true, Lockers = Math.Max(plan.Lockers, 3) },
            // Facts of the one node whose values others look at.
            Mutation.WakeOwnAlone => plan with { ConfigAgents = 8, FaultEveryUs = Math.Max(plan.FaultEveryUs, 800_000) },
            // A document that two nodes share, and that they reach from different ones.
            Mutation.ShareDeltas => plan with { ConfigAgents = 8, FaultEveryUs = Math.Min(plan.FaultEveryUs, 200_000) },
            // Entries that are under way for a while, so that a move and a stage meet.
            Mutation.MoveOverStages => plan with { ConfigPublishers = 3, ApplyMaxUs = 100_000, DiskMinUs = 500, DiskMaxUs = 50_000, FaultEveryUs = 800_000 },
            Mutation.InstallForgetsConfig => plan with { Nodes = Math.Max(plan.Nodes, 3), SnapshotEvery = 20, TrailingEntries = 0, FaultEveryUs = 200_000, Faults = [FaultKind.CutLinks, FaultKind.IsolateLeader, FaultKind.Pause] },
            Mutation.StayWhenDiskStalls or Mutation.NoQuorumCheck or Mutation.NoTransferTimeout => plan with { Nodes = Math.Max(plan.Nodes, 3), Trials = 4 },
            Mutation.NoAppendRedrive or Mutation.SilentToDeposedLeader => plan with { Nodes = Math.Max(plan.Nodes, 3), Trials = 2 },
            Mutation.LeakInflight => plan with { Nodes = Math.Max(plan.Nodes, 3), Trials = 2, InflightCountMax = Math.Min(plan.InflightCountMax, 4), Faults = [FaultKind.LinkFlap, FaultKind.CutLinks, FaultKind.SlowDisk] },
            Mutation.NoSnapshotRedrive => plan with { Nodes = Math.Max(plan.Nodes, 3), Trials = 2, SnapshotEvery = 20, TrailingEntries = 0, FaultEveryUs = 200_000, Faults = [FaultKind.CutLinks, FaultKind.IsolateLeader] },
            Mutation.NoAutoLeave => plan with { Nodes = Math.Max(plan.Nodes, 3), FaultEveryUs = 200_000, Faults = [FaultKind.Members, FaultKind.Members, FaultKind.IsolateLeader, FaultKind.KillProcess] },
            // Whoever holds the longest log is in an older term than the only one who could vote for it.
            Mutation.IgnoreHigherTermRefusal or Mutation.SilentToLateCandidate
                => plan with { Nodes = 3, Trials = 2, FaultEveryUs = 200_000, WritePermille = 900, Faults = [FaultKind.IsolateLeader, FaultKind.CutLinks, FaultKind.Partition] },
            // Slow disks: a while between the decision and the revoke.
            Mutation.RenewExpired => plan with { RealStore = true, Lockers = Math.Max(plan.Lockers, 4), ThinkMaxUs = 200_000, DiskMaxUs = 50_000, FaultEveryUs = 800_000, Faults = [FaultKind.SlowDisk] },
            // Members that are behind and do not know it, and leases that end meanwhile.
            Mutation.GrantWithoutLook or Mutation.GrantByArrival => plan with
            {
                Nodes = Math.Max(plan.Nodes, 3),
                RealStore = true,
                Waiters = 6,
                Clients = 1,
                ThinkMaxUs = 200_000,
                FaultEveryUs = 200_000,
                Faults = [FaultKind.Pause, FaultKind.Partition, FaultKind.IsolateLeader, FaultKind.Clocks],
            },
            // A member that was cut off for longer than a lease and takes what it missed one entry after the other.
            Mutation.GrantUnconfirmed => plan with
            {
                Nodes = 3,
                RealStore = true,
                RealDisk = false,
                Waiters = 8,
                Clients = 1,
                ThinkMaxUs = 200_000,
                BurstMax = 1,
                HeartbeatTicks = 10,
                ElectionTimeoutTicks = 100,
                AppendBytesMax = 1,
                SnapshotEvery = 1_000,
                TrailingEntries = 200,
                ApplyMaxUs = 100_000,
                FaultEveryUs = 3_000_000,
                Faults = [FaultKind.Partition, FaultKind.OneWay],
            },
            Mutation.LeasesByWallClock => plan with { RealStore = true, Lockers = Math.Max(plan.Lockers, 3), FaultEveryUs = 200_000, Faults = [FaultKind.Clocks] },
            // Limits that are near, and more than enough work to reach them.
            Mutation.TakeAnyProposal or Mutation.TakeAnyRead or Mutation.KeepLongTail => plan with { TightMemory = true, Clients = 6, BurstMax = 50, ValueBytesMax = 2_000, SnapshotEvery = 20, TrailingEntries = 200 },
            Mutation.KeepSegments or Mutation.KeepSnapshots => busyDisk with { FaultEveryUs = 800_000 },
            Mutation.KeepQuarantined => busyDisk with { Nodes = Math.Max(plan.Nodes, 3), Faults = [FaultKind.Damage] },
            Mutation.ApplyRepeats or Mutation.SaveNoSessions => plan with { RealStore = true, SessionClients = Math.Max(plan.SessionClients, 2) },
            // Somebody who leads no more, and clients who still ask it.
            Mutation.ReadWithoutQuorum or Mutation.ReuseReadEpoch => plan with { Nodes = Math.Max(plan.Nodes, 3), WritePermille = 500, Faults = [FaultKind.IsolateLeader, FaultKind.Partition, FaultKind.Pause] },
            // Members that come and go while leaders fall.
            Mutation.SkipJoint or Mutation.ElectByUnion or Mutation.CommitByNewVoters or Mutation.LeaveJointEarly or Mutation.LearnerCounts or Mutation.ConfigAtApply or Mutation.NoRollback
                => plan with { Nodes = Math.Max(plan.Nodes, 3), FaultEveryUs = 200_000, Faults = [FaultKind.Members, FaultKind.Members, FaultKind.IsolateLeader, FaultKind.CutLinks, FaultKind.SlowDisk] },
            Mutation.TransferWithoutCatchUp or Mutation.TransferSkipsLogCheck
                => plan with { Nodes = Math.Max(plan.Nodes, 3), FaultEveryUs = 200_000, WritePermille = 900, SpikePermille = 100, Faults = [FaultKind.Transfer, FaultKind.Transfer, FaultKind.CutLinks, FaultKind.SlowDisk] },
            // Disks that lose what was acknowledged, and say so.
            Mutation.AcceptAnyTimeoutNow => plan with { RealDisk = true, Nodes = Math.Max(plan.Nodes, 3), FaultEveryUs = 50_000, WritePermille = 900, SpikePermille = 100, Faults = [FaultKind.Transfer, FaultKind.Transfer, FaultKind.Damage] },
            // A vote that is the newest that there is on its disk: elections, and hardly anything else.
            Mutation.VoteInLogOnly => plan with { Nodes = Math.Max(plan.Nodes, 5), FaultEveryUs = 50_000, Clients = 1, WritePermille = 0, ThinkMaxUs = 200_000, Faults = [FaultKind.Damage, FaultKind.IsolateLeader] },
            Mutation.SuperblockOnePair or Mutation.DoubtEveryEnd => busyDisk with { Nodes = Math.Max(plan.Nodes, 3), Faults = [FaultKind.Damage] },
            Mutation.IgnoreLostEnd or Mutation.KeepMatchAfterReversion or Mutation.ForgetLostEnd
                => plan with { RealDisk = true, Nodes = Math.Max(plan.Nodes, 3), FaultEveryUs = 50_000, WritePermille = 900, Faults = [FaultKind.Damage, FaultKind.Damage, FaultKind.IsolateLeader, FaultKind.KillProcess] },
            Mutation.SkipContinuityCheck => plan with { RealDisk = true, Nodes = Math.Max(plan.Nodes, 3), FaultEveryUs = 100_000, WritePermille = 900, Faults = [FaultKind.LyingDisk] },
            Mutation.AdmitAnybody or Mutation.AdmitByNumber => plan with
            {
                Nodes = Math.Max(plan.Nodes, 3),
                FaultEveryUs = 100_000,
                WritePermille = 900,
                Faults = [FaultKind.Identity, FaultKind.Identity, FaultKind.KillProcess, FaultKind.IsolateLeader]
            },
            // An even number of voters, and connections that break late: one half hears the leader still, and to the other it says nothing before its next tick.
            Mutation.TicksFromTimerAlone => plan with
            {
                Nodes = 4,
                Trials = 1,
                SickTimers = true,
                LossPermille = 0,
                SnapshotEvery = 20,
                TrailingEntries = 0,
                InflightCountMax = 1,
                AppendBytesMax = 1 << 20,
                HeartbeatTicks = 10,
                ElectionTimeoutTicks = 100,
                CampaignDelayTicks = 0,
                DelayMinUs = 50,
                DelayMaxUs = 2_000,
                DiskMaxUs = 1_000,
                Clients = 1,
                BurstMax = 1,
                ValueBytesMax = 2_000,
                ThinkMaxUs = 1_000,
                WritePermille = 900,
                FaultEveryUs = 200_000,
                Faults = [FaultKind.IsolateLeader],
            },
            Mutation.RetryFailedSync => busyDisk with { Faults = [FaultKind.DiskError, FaultKind.PowerCut] },
            // Elections that overlap.
            Mutation.StaleVotesCount => plan with { Nodes = Math.Max(plan.Nodes, 3), SpikePermille = Math.Max(plan.SpikePermille, 100), HeartbeatTicks = 2, ElectionTimeoutTicks = 10, Faults = [FaultKind.IsolateLeader, FaultKind.CutLinks, FaultKind.DelayBurst] },
            // Followers that fall behind and have much to apply.
            Mutation.ApplyOverSnapshot => plan with { Nodes = Math.Max(plan.Nodes, 3), ApplyMaxUs = 200_000, SnapshotEvery = 20, TrailingEntries = 0, DiskMaxUs = 1_000 },
            // Crashes in the midst of many writes, segments that roll over, and snapshots.
            Mutation.RecycleBeforeSuperblock or Mutation.ReleaseBeforeWrite => busyDisk with { Faults = [FaultKind.CrashWhileWriting] },
            Mutation.ResetCountsAtOnce => busyDisk with { Nodes = 3, FaultEveryUs = 200_000, Faults = [FaultKind.CrashWhileWriting, FaultKind.CutLinks, FaultKind.CutLinks] },
            // Two torn batches in one place, both longer than what is filled with zeros at once; and values without zeros, since a batch that has them may lack a sector.
            Mutation.KeepTornTail => busyDisk with { Nodes = 1, RealStore = true, Watchers = 0, Lockers = 0, RegisterClients = 0, SessionClients = 0, Clients = 6, ThinkMaxUs = 20_000, BatchInputsMax = 64, FaultEveryUs = 200_000, SnapshotEvery = 1_000, HeartbeatTicks = 2, ElectionTimeoutTicks = 10, Faults = [FaultKind.CrashWhileWriting] },
            // Writes that are overtaken by those of another leader.
            Mutation.StableMarkFromOldTicket => plan with { Nodes = 3, WritePermille = 900, DiskMaxUs = 50_000, FaultEveryUs = 200_000, Faults = [FaultKind.SlowDisk, FaultKind.IsolateLeader, FaultKind.CutLinks] },
            Mutation.ReadBeforePublished => plan with { RealStore = true },
            // What travels between files is not yet what the machine loads; and it has to die between the two.
            Mutation.ReceivedReportedEarly => plan with
            {
                RealDisk = false,
                Nodes = Math.Max(plan.Nodes, 3),
                SnapshotEvery = 20,
                TrailingEntries = 0,
                DiskMaxUs = 1_000,
                FaultEveryUs = 50_000,
                Faults = [FaultKind.KillProcess, FaultKind.PowerCut, FaultKind.CutLinks]
            },
            _ => plan,
        };
    }

    private static (MutationLayer Layer, Type Switches) Find(Mutation mutation)
    {
        foreach ((MutationLayer Layer, Type Switches) layer in Layers)
            if (Enum.IsDefined(layer.Switches, mutation.ToString())) return layer;
        throw new ArgumentException($"{mutation} has no switch in any layer.", nameof(mutation));
    }

    private static T ToSwitch<T>(Mutation mutation)
        where T : struct, Enum => Enum.TryParse(mutation.ToString(), out T value) ? value : default;
}
