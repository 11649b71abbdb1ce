using System.Text;

namespace Conclave.Bench.Load;

/// <summary>HPACK for the few headers that a gRPC request has: sent literally once per connection, afterwards as one-byte indices, as real clients do.</summary>
internal sealed class RequestHeaders(string authority)
{
    private const byte MethodPost = 0x83, SchemeHttp = 0x86;
    private const int PathName = 4, AuthorityName = 1, ContentTypeName = 31, UserAgentName = 58, StaticEntries = 61;

    /// <summary>Position of each entry in the order in which it entered the peer's dynamic table.</summary>
    private readonly Dictionary<string, int> _inserted = [];

    /// <summary>Writes the header block.</summary>
    /// <returns>Bytes written; at most 200.</returns>
    public int Write(Span<byte> target, string path)
    {
        target[0] = MethodPost;
        target[1] = SchemeHttp;
        int at = 2;
        at += WriteField(target[at..], PathName, "", path);
        at += WriteField(target[at..], AuthorityName, "", authority);
        at += WriteField(target[at..], ContentTypeName, "", "application/grpc");
        at += WriteField(target[at..], 0, "te", "trailers");
        at += WriteField(target[at..], UserAgentName, "", "conclave-bench");
        return at;
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
        target[0] = checked((byte)text.Length);   // below 127, so one byte without Huffman
        return 1 + Encoding.ASCII.GetBytes(text, target[1..]);
    }
}
