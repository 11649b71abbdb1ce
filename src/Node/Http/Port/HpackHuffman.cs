namespace Conclave.Node.Http.Port;

/// <summary>The part of HPACK's Huffman code (RFC 7541, appendix B) that printable text is written in: codes of 5 to 15 bits.</summary>
/// <remarks>The code is canonical: codes of one length are consecutive numbers, in the order of their characters. So a length, its first code and its characters say everything.</remarks>
internal static class HpackHuffman
{
    private const int BitsMax = 15;

    /// <summary>By length in bits; empty where no code is that long.</summary>
    private static readonly (int First, string Characters)[] Codes =
    [
        (0, ""), (0, ""), (0, ""), (0, ""), (0, ""),
        (0x0, "012aceiost"), (0x14, " %-./3456789=A_bdfghlmnpru"), (0x5c, ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"), (0xf8, "&*,;XZ"),
        (0, ""), (0x3f8, "!\"()?"), (0x7fa, "'+|"), (0xffa, "#>"), (0x1ff8, "\0$@[]~"), (0x3ffc, "^}"), (0x7ffc, "<`{"),
    ];

    /// <summary>Reads the character that starts at a bit.</summary>
    /// <returns>Its length in bits; 0 when there is none that is known here, as in the padding at the end.</returns>
    public static int Read(ReadOnlySpan<byte> coded, int bitOffset, out byte character)
    {
        int code = 0;
        for (int bits = 1; bits <= BitsMax && bitOffset + bits <= coded.Length * 8; bits++)
        {
            int at = bitOffset + bits - 1;
            code = code << 1 | coded[at >> 3] >> (7 - (at & 7)) & 1;
            (int first, string characters) = Codes[bits];
            if (code >= first && code - first < characters.Length)
            {
                character = (byte)characters[code - first];
                return bits;
            }
        }

        character = 0;
        return 0;
    }

    /// <summary>Writes a character over the bits from an offset on.</summary>
    /// <returns>Its length in bits.</returns>
    public static int Write(Span<byte> coded, int bitOffset, byte character)
    {
        int bits = LengthOf(character);
        (int first, string characters) = Codes[bits];
        int code = first + characters.IndexOf((char)character, StringComparison.Ordinal);
        for (int i = 0; i < bits; i++)
        {
            int at = bitOffset + i;
            byte mask = (byte)(0x80 >> (at & 7));
            bool set = (code >> (bits - 1 - i) & 1) != 0;
            coded[at >> 3] = set ? (byte)(coded[at >> 3] | mask) : (byte)(coded[at >> 3] & ~mask);
        }

        return bits;
    }

    /// <returns>The length of a character's code, in bits.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The character's code is longer than 15 bits.</exception>
    public static int LengthOf(byte character)
    {
        for (int bits = 5; bits <= BitsMax; bits++)
        {
            if (Codes[bits].Characters.Contains((char)character, StringComparison.Ordinal))
                return bits;
        }

        throw new ArgumentOutOfRangeException(nameof(character), character, "This character has a code of more than 15 bits, which is not known here.");
    }
}
