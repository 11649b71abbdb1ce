using System.Numerics;

namespace Conclave.Storage;

/// <summary>The unit that a disk writes whole or not at all.</summary>
internal static class Sectors
{
    internal const int Bytes = 512;

    internal static int RoundUp(int bytes) => (bytes + Bytes - 1) & -Bytes;

    internal static long RoundUp(long position, int alignment) => (position + alignment - 1) & -(long)alignment;

    /// <summary>Sectors after the first with at most one bit set: those that are, or by one flipped bit could become, all zeros.</summary>
    internal static int CountSparse(ReadOnlySpan<byte> content)
    {
        int sparse = 0;
        for (int at = Bytes; at < content.Length; at += Bytes)
            sparse += IsSparse(content[at..Math.Min(at + Bytes, content.Length)]) ? 1 : 0;
        return sparse;
    }

    /// <summary>Sectors after the first that are all zeros.</summary>
    internal static int CountEmpty(ReadOnlySpan<byte> content)
    {
        int empty = 0;
        for (int at = Bytes; at < content.Length; at += Bytes)
            empty += content[at..Math.Min(at + Bytes, content.Length)].ContainsAnyExcept((byte)0) ? 0 : 1;
        return empty;
    }

    internal static bool HasOneBit(ReadOnlySpan<byte> sector) => IsSparse(sector) && sector.ContainsAnyExcept((byte)0);

    private static bool IsSparse(ReadOnlySpan<byte> sector)
    {
        int first = sector.IndexOfAnyExcept((byte)0);
        return first < 0 || (BitOperations.PopCount(sector[first]) == 1 && !sector[(first + 1)..].ContainsAnyExcept((byte)0));
    }
}
