using System.Buffers.Binary;

namespace Conclave.Fuzz.Engine;

/// <summary>Draws inputs: an item of the corpus, changed in a few places, in ways that formats with lengths, numbers and lists are sensitive to.</summary>
internal sealed class Mutator(IReadOnlyList<byte[]> corpus, IReadOnlyList<byte[]> words, int bytesMax)
{
    private static readonly ulong[] Numbers =
    [
        0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 20, 31, 32, 36, 63, 64, 100, 127, 128, 129, 255, 256, 257, 511, 512, 1023, 1024, 4095, 4096, 4097, 16384, 32767, 32768,
        65535, 65536, 1 << 20, (1 << 20) + 1, 1 << 24, int.MaxValue - 1, int.MaxValue, 1UL << 31, uint.MaxValue, 1UL << 32, 1UL << 53, long.MaxValue / 4, long.MaxValue - 1, long.MaxValue,
        1UL << 63, ulong.MaxValue - 1, ulong.MaxValue,
    ];

    public byte[] Draw(ref FuzzRandom random)
    {
        var bytes = new List<byte>(corpus[random.Below(corpus.Count)]);
        for (int changes = random.OneIn(16) ? 0 : 1 + random.Below(random.OneIn(4) ? 12 : 3); changes > 0; changes--) Change(bytes, ref random);
        if (bytes.Count > bytesMax) bytes.RemoveRange(bytesMax, bytes.Count - bytesMax);
        return [.. bytes];
    }

    private void Change(List<byte> bytes, ref FuzzRandom random)
    {
        int at = random.Below(bytes.Count + 1), left = bytes.Count - at;
        switch (random.Below(14))
        {
            case 0 or 1 when left > 0:
                bytes[at] ^= (byte)(1 << random.Below(8));
                break;
            case 2 when left > 0:
                bytes[at] = (byte)random.Next();
                break;
            case 3 when left > 0:
                bytes[at] += (byte)(random.OneIn(2) ? 1 : 255);
                break;
            case 4:   // cut off
                bytes.RemoveRange(at, left);
                break;
            case 5:   // cut out
                bytes.RemoveRange(at, random.Below(Math.Min(left, 64) + 1));
                break;
            case 6:   // again
                bytes.InsertRange(at, bytes.GetRange(at, random.Below(Math.Min(left, 64) + 1)));
                break;
            case 7:
                Fixed(bytes, at, ref random);
                break;
            case 8:
                Insert(bytes, at, Varint(Numbers[random.Below(Numbers.Length)]));
                break;
            case 9 when left > 0:   // a varint in place of one
                bytes.RemoveAt(at);
                Insert(bytes, at, Varint(Numbers[random.Below(Numbers.Length)]));
                break;
            case 10:   // splice: the rest of another item
                byte[] other = corpus[random.Below(corpus.Count)];
                bytes.RemoveRange(at, left);
                Insert(bytes, at, other.AsSpan(random.Below(other.Length + 1)));
                break;
            case 11:   // a piece of another item
                byte[] source = corpus[random.Below(corpus.Count)];
                int from = random.Below(source.Length + 1);
                Insert(bytes, at, source.AsSpan(from, random.Below(Math.Min(source.Length - from, 128) + 1)));
                break;
            case 12 when words.Count > 0:
                Insert(bytes, at, words[random.Below(words.Count)]);
                break;
            default:   // a run of one byte
                byte[] run = new byte[random.OneIn(32) ? random.Below(4096) : random.Below(24)];
                run.AsSpan().Fill((byte)random.Next());
                Insert(bytes, at, run);
                break;
        }
    }

    /// <summary>An interesting number, or the number that is there a little changed, in two, four or eight bytes of either order.</summary>
    private static void Fixed(List<byte> bytes, int at, ref FuzzRandom random)
    {
        int width = 1 << (1 + random.Below(3));
        if (bytes.Count - at < width) return;
        Span<byte> number = stackalloc byte[8];
        number.Clear();
        for (int i = 0; i < width; i++) number[i] = bytes[at + i];
        ulong value = random.OneIn(2) ? Numbers[random.Below(Numbers.Length)] : BinaryPrimitives.ReadUInt64LittleEndian(number) + (ulong)random.Below(17) - 8;
        if (random.OneIn(4)) value = (ulong)(bytes.Count - random.Below(16));
        BinaryPrimitives.WriteUInt64LittleEndian(number, value);
        if (random.OneIn(2)) number[..width].Reverse();
        for (int i = 0; i < width; i++) bytes[at + i] = number[i];
    }

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>(10);
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }

    private static void Insert(List<byte> bytes, int at, ReadOnlySpan<byte> what) => bytes.InsertRange(at, what);
}
