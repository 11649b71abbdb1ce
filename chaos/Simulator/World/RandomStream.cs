using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>Chance for one purpose. Whole numbers only, so that every machine draws the same.</summary>
internal sealed class RandomStream(ulong seed)
{
    private readonly Prng _random = new(seed);

    public ulong Next() => _random.Next();

    /// <summary>In [0, <paramref name="bound"/>).</summary>
    public int Below(int bound) => _random.Below(bound);

    /// <summary>In [<paramref name="min"/>, <paramref name="max"/>].</summary>
    public long Between(long min, long max) => min + (long)(_random.Next() % (ulong)(max - min + 1));

    /// <summary>True so many times in a thousand. Draws in any case, so that another probability changes nothing else.</summary>
    public bool Permille(int probability) => _random.Below(1_000) < probability;

    public T Pick<T>(params ReadOnlySpan<T> choices) => choices[Below(choices.Length)];
}
