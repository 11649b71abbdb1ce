using System.Buffers;
using System.Text;

namespace Conclave.Wire.Grpc;

/// <summary>
/// Percent-encoding of <c>grpc-message</c>: UTF-8 bytes outside printable ASCII, and the percent sign itself, become <c>%XX</c>.
/// </summary>
public static class GrpcMessageText
{
    private static readonly SearchValues<char> Plain = SearchValues.Create(
        " !\"#$&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    /// <summary>The header value for a status text. Plain ASCII comes back as the same string.</summary>
    public static string Encode(string text)
    {
        if (!text.AsSpan().ContainsAnyExcept(Plain))
            return text;
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        var encoded = new StringBuilder(utf8.Length * 3);
        foreach (byte b in utf8)
        {
            if (Plain.Contains((char)b))
                encoded.Append((char)b);
            else
                encoded.Append('%').Append(HexDigit(b >> 4)).Append(HexDigit(b & 15));
        }

        return encoded.ToString();
    }

    /// <summary>The status text of a header value. Lenient, as the protocol asks: a percent sign that starts no pair of hex digits stays.</summary>
    public static string Decode(string value)
    {
        if (!value.Contains('%'))
            return value;
        byte[] source = Encoding.UTF8.GetBytes(value);
        int length = 0;
        for (int i = 0; i < source.Length; i++)
        {
            bool isPair = source[i] == '%' && i + 2 < source.Length
                && char.IsAsciiHexDigit((char)source[i + 1]) && char.IsAsciiHexDigit((char)source[i + 2]);
            if (isPair)
            {
                source[length++] = (byte)(HexValue(source[i + 1]) << 4 | HexValue(source[i + 2]));
                i += 2;
            }
            else
            {
                source[length++] = source[i];
            }
        }

        return Encoding.UTF8.GetString(source, 0, length);
    }

    private static char HexDigit(int value) => (char)(value < 10 ? '0' + value : 'A' + value - 10);

    private static int HexValue(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
