namespace Conclave.Exhaustive;

/// <summary>128 bits that stand for a value. Sums of hashes stand for bags: order does not matter, how often something occurs does.</summary>
internal readonly record struct Hash128(ulong A, ulong B)
{
    public static Hash128 operator +(Hash128 x, Hash128 y) => new(x.A + y.A, x.B + y.B);
    public static Hash128 operator -(Hash128 x, Hash128 y) => new(x.A - y.A, x.B - y.B);

    public bool IsBelow(Hash128 other) => A != other.A ? A < other.A : B < other.B;

    /// <summary>Appends a number to what this stands for.</summary>
    public Hash128 Then(ulong value) => new(
        Mix((A ^ value) * 0x9FB21C651E98DF25 + 0x2545F4914F6CDD1D),
        Mix((B + value) * 0xD6E8FEB86659FD93 ^ 0x9E3779B97F4A7C15));

    public Hash128 Then(Hash128 value) => Then(value.A).Then(value.B);

    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 32)) * 0xBF58476D1CE4E5B9;
        return x ^ (x >> 29);
    }
}
