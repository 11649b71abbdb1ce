namespace Conclave.Simulator;

/// <summary>
/// One seed, and a stream of its own for everything that draws: each link, each node's driver and disk, each client, each strike of a fault. Taking one
/// fault or client away leaves the draws of all others as they were, which is what makes a failing run shrink.
/// </summary>
internal sealed class RandomStreams(ulong seed)
{
    private const int LinksMax = SimWorld.SlotsMax * SimWorld.SlotsMax;
    private readonly RandomStream?[] _links = new RandomStream?[LinksMax];
    private readonly RandomStream?[] _drivers = new RandomStream?[SimWorld.SlotsMax];
    private readonly RandomStream?[] _disks = new RandomStream?[SimWorld.SlotsMax];
    private readonly Dictionary<int, RandomStream> _clients = [];

    private enum Purpose : ulong
    {
        Plan = 1, Link, Driver, Disk, DiskContent, Core, Client, Strikes, Strike, RarePaths,
    }

    /// <summary>What the whole run looks like.</summary>
    public RandomStream Plan() => new(Seed(Purpose.Plan, 0, 0));

    /// <summary>When faults strike.</summary>
    public RandomStream Strikes() => new(Seed(Purpose.Strikes, 0, 0));

    /// <summary>What one of them does.</summary>
    public RandomStream Strike(int number) => new(Seed(Purpose.Strike, (ulong)number, 0));

    /// <summary>Delay and loss of messages in one direction.</summary>
    public RandomStream Link(int from, int to) => _links[from * SimWorld.SlotsMax + to] ??= new RandomStream(Seed(Purpose.Link, (ulong)from, (ulong)to));

    /// <summary>Timing inside one node.</summary>
    public RandomStream Driver(int slot) => _drivers[slot] ??= new RandomStream(Seed(Purpose.Driver, (ulong)slot, 0));

    /// <summary>Timing of one node's disk.</summary>
    public RandomStream Disk(int slot) => _disks[slot] ??= new RandomStream(Seed(Purpose.Disk, (ulong)slot, 0));

    /// <summary>Which rare paths one node takes.</summary>
    public RandomStream RarePaths(int slot) => new(Seed(Purpose.RarePaths, (ulong)slot, 0));

    /// <summary>What one client does, and when; -1 for the probes at the end.</summary>
    public RandomStream Client(int number)
    {
        if (!_clients.TryGetValue(number, out RandomStream? stream)) _clients[number] = stream = new RandomStream(Seed(Purpose.Client, (ulong)number, 0));
        return stream;
    }

    /// <summary>For the simulated files of a node: what a power cut leaves.</summary>
    public ulong DiskSeed(int slot) => Seed(Purpose.DiskContent, (ulong)slot, 0);

    /// <summary>For a core; differs between nodes and between starts of one.</summary>
    public ulong CoreSeed(int slot, int life) => Seed(Purpose.Core, (ulong)slot, (ulong)life);

    private ulong Seed(Purpose purpose, ulong a, ulong b) => Mix(Mix(Mix(seed ^ 0xC01C_7A7E_0000_0000) ^ (ulong)purpose) ^ (a << 32) ^ b);

    /// <summary>The finalizer of splitmix64.</summary>
    private static ulong Mix(ulong z)
    {
        z += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
