using System.Buffers;
using System.Buffers.Text;

namespace Conclave.Wire.Json;

/// <summary>Base64 in any of the usual spellings: standard or URL-safe alphabet, with or without padding.</summary>
internal static class Base64Text
{
    private const byte Invalid = 0xFF;

    private static readonly byte[] ValueOf = Alphabet();

    /// <param name="text">ASCII.</param>
    /// <param name="bytes">Exactly the decoded bytes.</param>
    /// <param name="badAt">Position of the first character that cannot be right; the length when the text is cut short.</param>
    public static bool TryDecode(ReadOnlySpan<byte> text, out byte[] bytes, out int badAt)
    {
        badAt = -1;
        int length = text.TrimEnd((byte)'=').Length;
        bytes = new byte[length / 4 * 3 + Math.Max(length % 4 - 1, 0)];
        // Nearly everybody sends this form, and this code is vectorised; the loop below only knows more spellings.
        if (text.Length % 4 == 0 && Base64.DecodeFromUtf8(text, bytes, out int used, out int written) == OperationStatus.Done
            && used == text.Length && written == bytes.Length)
            return true;
        // Padding may be left out, but what is there has to be whole: "YQ=" was cut short.
        bool isPaddedRight = text.Length == length || (text.Length % 4 == 0 && text.Length - length <= 2);
        return isPaddedRight && TryDecodeAnySpelling(text[..length], bytes, out badAt) || Fail(ref badAt, length);
    }

    private static bool TryDecodeAnySpelling(ReadOnlySpan<byte> text, Span<byte> bytes, out int badAt)
    {
        (int bits, int bitCount, int written) = (0, 0, 0);
        for (badAt = 0; badAt < text.Length; badAt++)
        {
            byte value = ValueOf[text[badAt]];
            if (value == Invalid)
                return false;
            bits = bits << 6 | value;
            bitCount += 6;
            if (bitCount < 8)
                continue;
            bitCount -= 8;
            bytes[written++] = (byte)(bits >> bitCount);
        }

        return text.Length % 4 != 1;
    }

    private static bool Fail(ref int badAt, int length)
    {
        if (badAt < 0)
            badAt = length;
        return false;
    }

    private static byte[] Alphabet()
    {
        byte[] values = new byte[256];
        Array.Fill(values, Invalid);
        ReadOnlySpan<byte> standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"u8;
        for (int i = 0; i < standard.Length; i++)
            values[standard[i]] = (byte)i;
        (values['-'], values['_']) = (values['+'], values['/']);
        return values;
    }
}
