using System.Text;

namespace Conclave.Bench.Load;

/// <summary>HPACK for the few headers that a gRPC request has: sent literally once per connection, afterwards as one-byte indices, as real clients do.</summary>
/// <param name="authority">host:port.</param>
/// <param name="token">What a login gave; null without auth.</param>
/// <param name="isTls">Whether the scheme is https.</param>
internal sealed class RequestHeaders(string authority, string? token, bool isTls)
{
    private const byte MethodPost = 0x83, SchemeHttp = 0x86, SchemeHttps = 0x87;
    private const int PathName = 4, AuthorityName = 1, ContentTypeName = 31, UserAgentName = 58, StaticEntries = 61;

    /// <summary>Position of each entry in the order in which it entered the peer's dynamic table.</summary>
    private readonly Dictionary<string, int> _inserted = [];

    /// <summary>Writes the header block.</summary>
    /// <returns>Bytes written; at most 200 and the token.</returns>
    public int Write(Span<byte> target, string path)
    {
        target[0] = MethodPost;
        target[1] = isTls ? SchemeHttps : SchemeHttp;
        int at = 2;
        at += WriteField(target[at..], PathName, "", path);
        at += WriteField(target[at..], AuthorityName, "", authority);
        at += WriteField(target[at..], ContentTypeName, "", "application/grpc");
        at += WriteField(target[at..], 0, "te", "trailers");
        at += WriteField(target[at..], UserAgentName, "", "conclave-bench");
        return token is null ? at : at + WriteField(target[at..], 0, "token", token);
    }

    private int WriteField(Span<byte> target, int staticName, string name, string value)
    {
        if (_inserted.TryGetValue(value, out int order))
        {
            // The newest entry is the first after the static table.
            target[0] = (byte)(0x80 | (StaticEntries + _inserted.Count - order));
            return 1;
        }
        _inserted.Add(value, _inserted.Count);
        target[0] = (byte)(0x40 | staticName);   // literal with incremental indexing
        int at = 1;
        if (staticName == 0)
            at += WriteText(target[at..], name);
        return at + WriteText(target[at..], value);
    }

    private static int WriteText(Span<byte> target, string text)
    {
        // No Huffman. Seven bits, and for long texts the rest in groups of seven.
        int at = 1, rest = text.Length - 127;
        target[0] = (byte)Math.Min(text.Length, 127);
        for (; rest >= 0; rest = rest < 128 ? -1 : rest >> 7)
            target[at++] = (byte)((rest & 127) | (rest < 128 ? 0 : 128));
        return at + Encoding.ASCII.GetBytes(text, target[at..]);
    }
}
