namespace Conclave.Simulator;

/// <summary>Requests over few keys so that they meet: puts, deletions, transactions, leases, compactions; and reads.</summary>
internal static class StoreCommands
{
    /// <summary>The keys are k and one letter; behind them come the locks and registers of other clients.</summary>
    private const int Keys = 24, Leases = 6;

    private const long TtlSeconds = 5;

    public static StoreRequest Draw(SimWorld world, RandomStream random, ulong operation) => random.Below(16) switch
    {
        < 8 => Put(world, random, operation),
        < 10 => DeleteRange(random),
        < 12 => Txn(world, random, operation),
        12 => new LeaseGrantRequest(1 + random.Below(Leases), TtlSeconds),
        13 => new LeaseRevokeRequest(1 + random.Below(Leases)),
        14 => new CompactRequest(random.Below(1 + (int)(world.Oracle?.Revision ?? 0))),
        _ => new AttributesRequest(1 + (ulong)random.Below(5), Key(random)),
    };

    /// <summary>A read; now and then of the past, which may be compacted, or of a future that has not happened.</summary>
    public static RangeRequest DrawRange(SimWorld world, RandomStream random)
    {
        long revision = random.Below(4) == 0 ? random.Below(2 + (int)(world.Oracle?.Revision ?? 0)) : 0;
        string key = Key(random);
        return new RangeRequest(key, random.Below(3) switch { 0 => "", 1 => Key(random), _ => "l" })
        {
            Revision = revision,
            Limit = random.Below(4) == 0 ? 1 + random.Below(5) : 0,
            KeysOnly = random.Below(8) == 0,
            CountOnly = random.Below(8) == 0,
        };
    }

    public static string Key(RandomStream random) => $"k{(char)('a' + random.Below(Keys))}";

    // The number makes every value the only one of its kind.
    private static PutRequest Put(SimWorld world, RandomStream random, ulong operation) => new(Key(random), $"{operation}:{new string('v', world.Clients.Requests.DrawValueBytes(random))}")
    {
        Lease = random.Below(4) == 0 ? random.Below(Leases + 1) : 0,
        Previous = random.Below(4) == 0,
    };

    private static DeleteRequest DeleteRange(RandomStream random) => new(Key(random), random.Below(2) == 0 ? Key(random) : "") { Previous = random.Below(2) == 0 };

    private static TxnRequest Txn(SimWorld world, RandomStream random, ulong operation)
    {
        CompareRequest compare = random.Below(3) switch
        {
            0 => new CompareRequest(Key(random), CompareTarget.Version, Result(random), random.Below(3)),
            1 => new CompareRequest(Key(random), CompareTarget.Mod, Result(random), random.Below(1 + (int)(world.Oracle?.Revision ?? 0))),
            _ => new CompareRequest(Key(random), CompareTarget.Lease, Result(random), random.Below(Leases)),
        };
        return new TxnRequest([compare], [Put(world, random, operation), new RangeRequest(Key(random))], [DeleteRange(random), new RangeRequest(Key(random), "l")]);
    }

    private static CompareResult Result(RandomStream random) => (CompareResult)random.Below(4);
}
