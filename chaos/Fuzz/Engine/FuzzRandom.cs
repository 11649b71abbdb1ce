namespace Conclave.Fuzz.Engine;

/// <summary>A seeded source (SplitMix64): the same numbers everywhere, and one stream for each input, so that any input can be drawn alone.</summary>
internal struct FuzzRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The stream of one input of one target.</summary>
    public static FuzzRandom Of(ulong seed, string target, long input)
    {
        ulong state = seed * 0x9E3779B97F4A7C15 + (ulong)input;
        foreach (char c in target) state = (state ^ c) * 0x100000001B3;
        var random = new FuzzRandom(state);
        random.Next();
        return random;
    }

    public ulong Next()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>From 0 to limit - 1; 0 when the limit is 0.</summary>
    public int Below(int limit) => limit <= 0 ? 0 : (int)(Next() % (uint)limit);

    public bool OneIn(int n) => Below(n) == 0;
}
