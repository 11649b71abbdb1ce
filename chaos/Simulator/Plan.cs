namespace Conclave.Simulator;

/// <summary>Everything that a seed decides before the first event: the cluster, its options, the network, the disks, the load, which faults there are and how often.</summary>
/// <remarks>Each run draws a few kinds of trouble and leaves others out: with all of them always on, they mask one another.</remarks>
internal sealed record Plan
{
    public required int Nodes { get; init; }
    public required bool RealDisk { get; init; } // the durable log over simulated files, instead of a plain list
    /// <summary>The simulated file system cannot reserve space for a segment.</summary>
    public bool NoReservations { get; init; }
    public required bool RealStore { get; init; } // the key-value store, instead of registers
    public required bool EncodeMessages { get; init; }
    public required bool OrderedLinks { get; init; }
    public required long DelayMinUs { get; init; }
    public required long DelayMaxUs { get; init; }
    public required int LossPermille { get; init; }
    public required int DuplicatePermille { get; init; }
    public required int SpikePermille { get; init; }
    public required long DiskMinUs { get; init; }
    public required long DiskMaxUs { get; init; }

    /// <summary>Longest time that committed entries wait before they are applied.</summary>
    public long ApplyMaxUs { get; init; } = 2_000;
    public required int BatchInputsMax { get; init; }
    public required int SnapshotEvery { get; init; }
    public required int ElectionTimeoutTicks { get; init; }
    public required int HeartbeatTicks { get; init; }
    public required int CampaignDelayTicks { get; init; } // times the number of nodes before it
    public required int AppendBytesMax { get; init; }
    public required int InflightCountMax { get; init; }
    public required int TrailingEntries { get; init; }
    public required int Clients { get; init; }

    /// <summary>Clients with a purpose, in runs with the real store: they watch, hold locks, keep a history of a few registers.</summary>
    public int Watchers { get; init; }
    public int Lockers { get; init; }
    public int RegisterClients { get; init; }
    public int Waiters { get; init; }
    public int SessionClients { get; init; }
    public int ConfigAgents { get; init; }
    public int ConfigPublishers { get; init; }
    public int ConfigRolloutsPermille { get; init; } // of the releases

    /// <summary>Clocks may run at half or double speed, and holders of leases count with it.</summary>
    public bool ClocksDrift { get; init; }
    /// <summary>The core has little room: few bytes under way, not committed or kept after a snapshot, and few reads at once.</summary>
    public bool TightMemory { get; init; }
    /// <summary>At the end, one member is sick and the others have to serve, so many times.</summary>
    public int Trials { get; init; }

    /// <summary>The sick one is then whoever leads, with a timer that does not fire and nothing else.</summary>
    public bool SickTimers { get; init; }
    public required int WritePermille { get; init; }
    public required int BurstMax { get; init; }
    public required int ValueBytesMax { get; init; }

    /// <summary>A few values of a run are that large; 0 for none.</summary>
    public int LargeValueBytes { get; init; }
    public required long ThinkMaxUs { get; init; }
    public required long FaultEveryUs { get; init; }
    public required FaultKind[] Faults { get; init; }

    /// <summary>Nothing is proposed for so long after each blow; then there are no clients with a purpose either, who would write.</summary>
    public long QuietAfterUs { get; init; }

    public const long TickUs = 10_000;

    public long ElectionTimeoutUs => ElectionTimeoutTicks * TickUs;

    /// <summary>A calm cluster of three. What a scenario does not mention is as it is here.</summary>
    public static Plan Plain { get; } = new()
    {
        Nodes = 3,
        RealDisk = false,
        RealStore = false,
        EncodeMessages = false,
        OrderedLinks = false,
        DelayMinUs = 200,
        DelayMaxUs = 2_000,
        LossPermille = 0,
        DuplicatePermille = 0,
        SpikePermille = 0,
        DiskMinUs = 100,
        DiskMaxUs = 1_000,
        BatchInputsMax = 64,
        SnapshotEvery = 1_000,
        ElectionTimeoutTicks = 20,
        HeartbeatTicks = 4,
        CampaignDelayTicks = 0,
        AppendBytesMax = 1 << 20,
        InflightCountMax = 256,
        TrailingEntries = 200,
        Clients = 1,
        WritePermille = 500,
        BurstMax = 1,
        ValueBytesMax = 16,
        ThinkMaxUs = 20_000,
        FaultEveryUs = 800_000,
        Faults = [],
    };

    /// <summary>Why it cannot be run, or null.</summary>
    public string? Problem() => this switch
    {
        { Nodes: < 1 or > 9 } => $"nodes is {Nodes}; use 1 to 9.",
        { DelayMaxUs: var most } when most < DelayMinUs => $"delay-max-us is {most}, less than delay-min-us ({DelayMinUs}).",
        { DiskMaxUs: var most } when most < DiskMinUs => $"disk-max-us is {most}, less than disk-min-us ({DiskMinUs}).",
        { ElectionTimeoutTicks: var ticks } when ticks < 5 * HeartbeatTicks => $"election-timeout-ticks is {ticks}; use {5 * HeartbeatTicks} or more, five heartbeats.",
        { Clients: < 0 or > 64 } => $"clients is {Clients}; use 0 to 64.",
        { SnapshotEvery: < 1 } or { BatchInputsMax: < 1 } or { BurstMax: < 1 } or { ThinkMaxUs: < 1 } or { ValueBytesMax: < 1 } or { HeartbeatTicks: < 1 } or { AppendBytesMax: < 1 }
            or { InflightCountMax: < 1 } or { FaultEveryUs: < 1 } => "Each of snapshot-every, batch-inputs-max, burst-max, think-max-us, value-bytes-max, heartbeat-ticks, append-bytes-max, inflight-count-max and fault-every-us has to be 1 or more.",
        _ => null,
    };

    public static Plan Draw(RandomStream random)
    {
        int heartbeat = 2 + random.Below(9);
        long delayMin = random.Pick(50, 200, 1_000);
        var plan = new Plan
        {
            Nodes = random.Pick(3, 3, 3, 3, 5, 5, 2, 1, 4, 7),
            RealDisk = random.Below(3) == 0,
            RealStore = random.Below(3) == 0,
            EncodeMessages = random.Below(4) == 0,
            OrderedLinks = random.Below(3) == 0,
            DelayMinUs = delayMin,
            DelayMaxUs = delayMin * random.Pick(2, 10, 50),
            LossPermille = random.Below(2) == 0 ? 0 : random.Below(100),
            DuplicatePermille = random.Below(2) == 0 ? 0 : random.Below(100),
            SpikePermille = random.Below(2) == 0 ? 0 : random.Below(20),
            DiskMinUs = random.Pick(20, 100, 500),
            DiskMaxUs = random.Pick(1_000, 5_000, 50_000),
            BatchInputsMax = random.Pick(1, 8, 64),
            SnapshotEvery = random.Pick(20, 100, 1_000),
            ElectionTimeoutTicks = heartbeat * (5 + random.Below(8)),
            HeartbeatTicks = heartbeat,
            CampaignDelayTicks = random.Pick(0, 0, 0, 10),
            AppendBytesMax = random.Pick(1, 200, 1 << 20),
            InflightCountMax = random.Pick(1, 4, 256),
            TrailingEntries = random.Pick(0, 10, 200),
            Clients = 1 + random.Below(6),
            WritePermille = random.Pick(200, 500, 900),
            BurstMax = random.Pick(1, 5, 50),
            ValueBytesMax = random.Pick(16, 100, 2_000),
            ThinkMaxUs = random.Pick(1_000, 20_000, 200_000),
            FaultEveryUs = random.Pick(50_000, 200_000, 800_000, 3_000_000),
            Faults = DrawFaults(random),
            Watchers = random.Below(2) * (1 + random.Below(4)),
            Lockers = random.Below(2) * (2 + random.Below(3)),
            RegisterClients = random.Below(2) * (2 + random.Below(3)),
            SessionClients = random.Below(2) * (1 + random.Below(3)),
            ApplyMaxUs = random.Pick(2_000, 2_000, 100_000),
            // What is added later is drawn later: the runs of before stay as they were.
            TightMemory = random.Below(4) == 0,
        };
        FaultKind[] more = random.Below(8) switch
        {
            0 => [FaultKind.Identity, FaultKind.Identity, FaultKind.KillProcess],
            1 => [FaultKind.Stall],
            2 => [FaultKind.LyingDisk, FaultKind.LyingDisk],
            3 => [FaultKind.Clocks, FaultKind.Clocks],
            _ => [],
        };
        plan = plan with { Faults = [.. plan.Faults, .. more], ClocksDrift = plan.Faults.Contains(FaultKind.ClockDrift) };
        // Of the runs with the real store, which are the slow ones, a third.
        if (random.Below(3) == 0) plan = plan with { ConfigAgents = 1 + random.Below(4), ConfigPublishers = 1 + random.Below(2), ConfigRolloutsPermille = random.Pick(0, 600) };
        plan = plan with
        {
            Trials = random.Below(4),
            Waiters = random.Below(2) * (2 + random.Below(4)),
            NoReservations = random.Below(4) == 0,
            LargeValueBytes = random.Below(16) == 0 ? random.Pick(1 << 20, (2 << 20) - 4_096) : 0,
        };
        if (random.Below(6) == 0) plan = plan with { Faults = [.. plan.Faults, FaultKind.RarePaths, FaultKind.RarePaths] };
        return random.Below(12) == 0 && plan.FaultEveryUs >= 800_000 ? plan.Quiet(random.Pick(300_000, 2_000_000)) : plan;
    }

    private Plan Quiet(long us) => this with { QuietAfterUs = us, Watchers = 0, Lockers = 0, RegisterClients = 0, Waiters = 0, SessionClients = 0, ConfigAgents = 0, ConfigPublishers = 0 };

    private static FaultKind[] DrawFaults(RandomStream random)
    {
        FaultKind[] all = [.. Enum.GetValues<FaultKind>().Where(kind => kind < FaultKind.Identity)];
        var chosen = new List<FaultKind>();
        for (int count = 1 + random.Below(6); count > 0; count--) chosen.Add(all[random.Below(all.Length)]);
        // Most requests for other members come at a moment when they are refused, so some runs get many.
        if (random.Below(4) == 0) chosen.AddRange([FaultKind.Members, FaultKind.Members, FaultKind.Transfer]);
        return [.. chosen];
    }
}
