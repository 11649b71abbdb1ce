using System.Buffers;
using Conclave.Fuzz.Engine;
using Conclave.Node.Http.Port;

namespace Conclave.Fuzz.Targets;

/// <summary>Which protocol the first bytes of a connection speak.</summary>
internal sealed class PrefaceTarget : FuzzTarget
{
    public override string Name => "http-preface";

    public override IReadOnlyList<byte[]> Corpus() =>
        Texts("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI * HTTP/2.0\r", "GET /health HTTP/1.1\r\nHost: a\r\n\r\n", "P", "");

    public override void Read(byte[] input)
    {
        PortProtocol? whole = ProtocolRecognition.Recognise(new ReadOnlySequence<byte>(input)), split = ProtocolRecognition.Recognise(Pieces.Of(input, 1));
        ReadOnlySpan<byte> preface = "PRI * HTTP/2.0\r\n"u8;
        PortProtocol? expected = input.AsSpan().StartsWith(preface) ? PortProtocol.Http2 : preface.StartsWith(input) ? null : PortProtocol.Http1;
        Holds(whole == expected && split == expected, $"{whole} and {split} instead of {expected}");
    }
}

/// <summary>HEADERS frames as clients send them.</summary>
internal static class HeaderFrames
{
    public static readonly string[] Authorities = ["127.0.0.1:2379", "http://127.0.0.1:2379", "#initially=[127.0.0.1:2379;127.0.0.1:22379]", "https://[::1]:2379/~a^|{}<`", "http://a b\"c$&,;XZ@'()?!:8"];

    public static IEnumerable<byte[]> Blocks()
    {
        foreach (string authority in Authorities)
        {
            foreach (bool huffman in (bool[])[false, true])
            {
                byte[] value = huffman ? Huffman(authority) : System.Text.Encoding.ASCII.GetBytes(authority);
                byte[] text = [(byte)(value.Length | (huffman ? 0x80 : 0)), .. value];
                yield return [0x83, 0x86, 0x45, 0x82, 0x62, 0x63, 0x41, .. text, 0x5f, 0x90 & 0x7f, .. "application/grpc"u8];
                yield return [0x3f, 0xe1, 0x1f, 0x83, 0x00, 0x0a, .. ":authority"u8, .. text];
                yield return [0x83, 0x10, 0x80 | 8, .. Huffman(":authority"), .. text];
            }
        }
    }

    public static byte[] Frame(byte kind, byte flags, ReadOnlySpan<byte> payload) =>
        [(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, kind, flags, 0, 0, 0, 1, .. payload];

    private static byte[] Huffman(string text)
    {
        int bits = text.Sum(c => HpackHuffman.LengthOf((byte)c)), at = 0;
        byte[] coded = new byte[(bits + 7) / 8];
        coded.AsSpan().Fill(0xff);   // the padding
        foreach (char c in text) at += HpackHuffman.Write(coded, at, (byte)c);
        return coded;
    }
}

/// <summary>The HPACK reader, the Huffman code and the repair of an authority that is no host. The first byte is the frame's flags.</summary>
internal sealed class HpackTarget : FuzzTarget
{
    public override string Name => "http-hpack";

    public override IReadOnlyList<byte[]> Corpus() =>
    [
        .. HeaderFrames.Blocks().Select(block => (byte[])[0x4, .. block]),
        .. HeaderFrames.Blocks().Select(block => (byte[])[0x28, 3, 0, 0, 0, 0, 15, .. block, 0, 0, 0]),
    ];

    public override IReadOnlyList<byte[]> Words => Texts(":authority", "http://", "https://", "#initially=[", ":2379");

    public override void Read(byte[] input)
    {
        if (input.Length == 0) return;
        Span<byte> payload = input.AsSpan(1);
        (List<(int, HpackString, HpackString)> before, byte[] original) = (Fields(payload), payload.ToArray());
        bool changed = AuthorityRepair.ApplyToFrame(payload, input[0]);
        Holds(changed != payload.SequenceEqual(original), "it says that it changed something exactly when it did");
        if (!changed) return;
        Holds(!AuthorityRepair.ApplyToFrame(payload, input[0]), "what was repaired needs no repair");
        if ((input[0] & 0x28) == 0) Holds(Fields(payload).SequenceEqual(before), "fields stay where they are");
    }

    private static List<(int, HpackString, HpackString)> Fields(ReadOnlySpan<byte> block)
    {
        var fields = new List<(int, HpackString, HpackString)>();
        var reader = new HpackReader(block);
        while (reader.TryReadLiteral(out int index, out HpackString name, out HpackString value))
        {
            fields.Add((index, name, value));
            Holds(name.Start + name.Length <= block.Length && value.Start + value.Length <= block.Length, "strings lie in the block");
        }

        return fields;
    }
}

/// <summary>The frames of an HTTP/2 connection, as they are watched before Kestrel gets them; in any pieces.</summary>
internal sealed class HeadersWatchTarget : FuzzTarget
{
    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    public override string Name => "http-headers-watch";

    public override int BytesMax => 4 << 10;

    public override (long Fixed, long PerByte) MemoryMax => (64 << 10, 2048);   // the oracle cuts it into pieces of a few bytes, many times

    public override IReadOnlyList<byte[]> Corpus()
    {
        byte[] settings = HeaderFrames.Frame(4, 0, [0, 3, 0, 0, 0, 100]), data = HeaderFrames.Frame(0, 1, [0, 0, 0, 0, 2, 10, 0]);
        return
        [
            .. HeaderFrames.Blocks().Select(block => (byte[])[.. Preface, .. settings, .. HeaderFrames.Frame(1, 4, block), .. data, .. HeaderFrames.Frame(1, 4, block)]),
            [.. Preface, .. settings, .. HeaderFrames.Frame(1, 0, [0x83]), .. HeaderFrames.Frame(9, 4, [0x86])],
        ];
    }

    public override void Read(byte[] input)
    {
        byte[] whole = (byte[])input.Clone();
        var atOnce = new HeadersWatch();
        long passed = atOnce.Look(new ReadOnlySequence<byte>(whole));
        Holds(passed >= 0 && passed <= input.Length, "no more passes on than there is");

        var inPieces = new HeadersWatch();
        int step = 1 + input.Length % 97, consumed = 0;
        for (int arrived = 0; arrived < input.Length;)
        {
            arrived = Math.Min(arrived + step, input.Length);
            long some = inPieces.Look(Pieces.Of(input.AsMemory(consumed, arrived - consumed), 61));
            Holds(some >= 0 && some <= arrived - consumed, "no more passes on than there is");
            inPieces.Consumed(some);
            consumed += (int)some;
        }

        Holds(consumed == passed && inPieces.IsDone == atOnce.IsDone, "pieces make no difference to what passes on");
        Holds(input.AsSpan().SequenceEqual(whole), "pieces make no difference to what is repaired");
    }
}
