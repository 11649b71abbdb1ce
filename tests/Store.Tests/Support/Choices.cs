using FsCheck;
using FsCheck.Fluent;

namespace Conclave.Store.Tests;

/// <summary>A list of decisions taken from bytes. Fewer bytes are a shorter story, so that a failure shrinks by itself.</summary>
public sealed class Choices(byte[] bytes)
{
    private int _position;

    public bool AreLeft => _position < bytes.Length;

    public int Below(int bound)
    {
        if (!AreLeft)
            return 0;
        int value = bytes[_position++];
        return value % bound;
    }

    public bool Chance(int percent) => Below(100) < percent;

    public T Of<T>(params ReadOnlySpan<T> options) => options[Below(options.Length)];

    /// <summary>Programs of up to this many bytes.</summary>
    public static Arbitrary<byte[]> Programs(int bytesMax) =>
        Arb.From(from length in Gen.Choose(0, bytesMax) from b in Gen.ArrayOf(Gen.Choose(0, 255), length) select b.Select(i => (byte)i).ToArray(),
            Shorter);

    // Pieces go, large ones first. Changing single bytes as well would take minutes and teach nothing: a byte has no meaning of its own.
    private static IEnumerable<byte[]> Shorter(byte[] program)
    {
        for (int size = program.Length / 2; size >= 2; size /= 2)
        {
            for (int start = 0; start + size <= program.Length; start += size)
                yield return [.. program.AsSpan(0, start), .. program.AsSpan(start + size)];
        }
    }
}
