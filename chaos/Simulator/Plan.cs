using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>Everything that a seed decides before the first event: the cluster, its options, the network, the disks, the load, which faults there are and how often.</summary>
/// <remarks>Each run draws a few kinds of trouble and leaves others out: with all of them always on, they mask one another.</remarks>
internal sealed record Plan
{
    public required int Nodes { get; init; }
    public required bool RealDisk { get; init; } // the durable log over simulated files, instead of a plain list
    public required bool RealStore { get; init; } // the key-value store, instead of registers
    public required bool EncodeMessages { get; init; }
    public required bool OrderedLinks { get; init; }
    public required long DelayMinUs { get; init; }
    public required long DelayMaxUs { get; init; }
    public required double Loss { get; init; }
    public required double Duplicate { get; init; }
    public required double Spike { get; init; }
    public required long DiskMinUs { get; init; }
    public required long DiskMaxUs { get; init; }
    public required int BatchInputsMax { get; init; }
    public required int SnapshotEvery { get; init; }
    public required int ElectionTimeoutTicks { get; init; }
    public required int HeartbeatTicks { get; init; }
    public required int AppendBytesMax { get; init; }
    public required int InflightCountMax { get; init; }
    public required int TrailingEntries { get; init; }
    public required int Clients { get; init; }
    public required double WriteShare { get; init; }
    public required int BurstMax { get; init; }
    public required int ValueBytesMax { get; init; }
    public required long ThinkMaxUs { get; init; }
    public required long FaultEveryUs { get; init; }
    public required FaultKind[] Faults { get; init; }

    public const long TickUs = 10_000;

    public long ElectionTimeoutUs => ElectionTimeoutTicks * TickUs;

    public static Plan Draw(Prng random)
    {
        int heartbeat = 2 + random.Below(9);
        long delayMin = Pick(random, 50, 200, 1_000);
        return new Plan
        {
            Nodes = Pick(random, 3, 3, 3, 3, 5, 5, 2, 1),
            RealDisk = random.Below(3) == 0,
            RealStore = random.Below(3) == 0,
            EncodeMessages = random.Below(4) == 0,
            OrderedLinks = random.Below(3) == 0,
            DelayMinUs = delayMin,
            DelayMaxUs = delayMin * Pick(random, 2, 10, 50),
            Loss = random.Below(2) == 0 ? 0 : random.Below(10) / 100.0,
            Duplicate = random.Below(2) == 0 ? 0 : random.Below(10) / 100.0,
            Spike = random.Below(2) == 0 ? 0 : random.Below(20) / 1000.0,
            DiskMinUs = Pick(random, 20, 100, 500),
            DiskMaxUs = Pick(random, 1_000, 5_000, 50_000),
            BatchInputsMax = Pick(random, 1, 8, 64),
            SnapshotEvery = Pick(random, 20, 100, 1_000),
            ElectionTimeoutTicks = heartbeat * (5 + random.Below(8)),
            HeartbeatTicks = heartbeat,
            AppendBytesMax = Pick(random, 1, 200, 1 << 20),
            InflightCountMax = Pick(random, 1, 4, 256),
            TrailingEntries = Pick(random, 0, 10, 200),
            Clients = 1 + random.Below(6),
            WriteShare = Pick(random, 0.2, 0.5, 0.9),
            BurstMax = Pick(random, 1, 5, 50),
            ValueBytesMax = Pick(random, 16, 100, 2_000),
            ThinkMaxUs = Pick(random, 1_000, 20_000, 200_000),
            FaultEveryUs = Pick(random, 50_000, 200_000, 800_000, 3_000_000),
            Faults = DrawFaults(random),
        };
    }

    public override string ToString() =>
        $"{Nodes} nodes, disk {(RealDisk ? "log files" : "list")} {(RealStore ? "store" : "registers")} {DiskMinUs}-{DiskMaxUs} us, election {ElectionTimeoutTicks} heartbeat {HeartbeatTicks} ticks, "
        + $"delay {DelayMinUs}-{DelayMaxUs} us{(OrderedLinks ? " ordered" : "")}{(EncodeMessages ? " encoded" : "")}, loss {Loss} duplicate {Duplicate} spike {Spike}, "
        + $"append {AppendBytesMax} B window {InflightCountMax}, snapshot every {SnapshotEvery} trailing {TrailingEntries}, batch {BatchInputsMax}, "
        + $"{Clients} clients {WriteShare:P0} writes burst {BurstMax} value {ValueBytesMax} B think {ThinkMaxUs} us, "
        + $"faults every {FaultEveryUs} us of {string.Join(' ', Faults.Select(f => f.ToString()))}";

    private static FaultKind[] DrawFaults(Prng random)
    {
        FaultKind[] all = Enum.GetValues<FaultKind>();
        int count = 1 + random.Below(6);
        var chosen = new FaultKind[count];
        for (int i = 0; i < count; i++) chosen[i] = all[random.Below(all.Length)];
        return chosen;
    }

    private static T Pick<T>(Prng random, params ReadOnlySpan<T> choices) => choices[random.Below(choices.Length)];
}
