using System.Numerics;

namespace Conclave.Raft;

/// <summary>The core's only source of chance: xoshiro256** seeded through splitmix64, the same on every platform.</summary>
internal sealed class Prng
{
    private ulong _a, _b, _c, _d;

    public Prng(ulong seed) => (_a, _b, _c, _d) = (Split(ref seed), Split(ref seed), Split(ref seed), Split(ref seed));

    public ulong Next()
    {
        ulong result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        ulong shifted = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= shifted;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>In [0, <paramref name="bound"/>). The bias of the multiplication is below one in a billion for bounds used here.</summary>
    public int Below(int bound) => (int)Math.BigMul(Next(), (ulong)bound, out _);

    public void Save(ref FieldWriter writer)
    {
        writer.Fixed(_a);
        writer.Fixed(_b);
        writer.Fixed(_c);
        writer.Fixed(_d);
    }

    public void Load(ref FieldReader reader)
    {
        (_a, _b, _c, _d) = (reader.Fixed(), reader.Fixed(), reader.Fixed(), reader.Fixed());
        reader.Expect((_a | _b | _c | _d) != 0); // it would stay there for ever
    }

    public void AddTo(ref StateHash hash)
    {
        hash.Add(_a);
        hash.Add(_b);
        hash.Add(_c);
        hash.Add(_d);
    }

    private static ulong Split(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        ulong z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
