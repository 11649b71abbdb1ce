using System.Text;
using Conclave.Node.Http.Port;

namespace Conclave.Node.Tests.Http.Port;

/// <summary>HTTP/2 as bytes: just enough to write a client's frames by hand.</summary>
internal static class Http2Bytes
{
    public const byte EndStream = 1, EndHeaders = 4, Padded = 8, Priority = 32;

    public static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    public static readonly byte[] EmptySettings = Frame(4, 0, 0, []);

    /// <summary>:method GET, :scheme http, both from the static table.</summary>
    public static readonly byte[] GetOverHttp = [0x82, 0x86];

    /// <summary>:method GET, :scheme https.</summary>
    public static readonly byte[] GetOverHttps = [0x82, 0x87];

    public static byte[] Frame(byte type, byte flags, int stream, byte[] payload) =>
        [(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, (byte)(stream >> 24), (byte)(stream >> 16), (byte)(stream >> 8), (byte)stream, .. payload];

    public static byte[] HeadersFrame(byte[] block, int stream = 1, byte flags = EndHeaders | EndStream) => Frame(1, flags, stream, block);

    /// <summary>A field that enters the table, its name from the static one.</summary>
    public static byte[] Literal(int nameIndex, string value, bool huffman) => [(byte)(0x40 | nameIndex), .. String(value, huffman)];

    public static byte[] Authority(string value, bool huffman) => Literal(1, value, huffman);

    public static byte[] String(string text, bool huffman)
    {
        byte[] bytes = huffman ? Huffman(text) : Encoding.ASCII.GetBytes(text);
        int flag = huffman ? 0x80 : 0;
        return bytes.Length < 127
            ? [(byte)(flag | bytes.Length), .. bytes]
            : [(byte)(flag | 127), (byte)(0x80 | (bytes.Length - 127) & 0x7f), (byte)(bytes.Length - 127 >> 7), .. bytes];
    }

    public static byte[] Huffman(string text)
    {
        byte[] coded = new byte[(text.Sum(c => HpackHuffman.LengthOf((byte)c)) + 7) / 8];
        coded.AsSpan().Fill(0xff);
        int bit = 0;
        foreach (char c in text) bit += HpackHuffman.Write(coded, bit, (byte)c);
        return coded;
    }

    public static string FromHuffman(ReadOnlySpan<byte> coded)
    {
        var text = new StringBuilder();
        for (int bit = 0; HpackHuffman.Read(coded, bit, out byte character) is > 0 and var bits; bit += bits) text.Append((char)character);
        return text.ToString();
    }
}
