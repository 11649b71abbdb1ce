namespace Conclave.Storage;

/// <summary>A small seeded source (SplitMix64): the same numbers on every platform and in every version.</summary>
internal struct SimulatedRandom(ulong seed)
{
    private ulong _state = seed;

    internal ulong Next()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>From 0 to limit - 1; 0 when the limit is 0.</summary>
    internal int Below(int limit) => limit <= 0 ? 0 : (int)(Next() % (uint)limit);

    internal bool Coin() => (Next() & 1) == 1;
}
