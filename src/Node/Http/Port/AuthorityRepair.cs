namespace Conclave.Node.Http.Port;

/// <summary>Makes a host of what a known client wrongly sends as <c>:authority</c>, without changing the length of anything.</summary>
/// <remarks>
/// Kestrel resets a stream whose authority is not a host, and cannot be told otherwise; etcd accepts any. Nothing here uses the authority,
/// so it need not be the right host: only one that passes.
/// </remarks>
internal static class AuthorityRepair
{
    /// <summary>A longer value is left as it is.</summary>
    public const int TextBytesMax = 1024;

    private const int AuthorityIndex = 1; // in HPACK's static table
    private const byte FlagPadded = 0x8, FlagPriority = 0x20;

    private static ReadOnlySpan<byte> Name => ":authority"u8;

    /// <summary>Repairs a whole HEADERS frame. Takes any bytes, and leaves all that it does not know as it is.</summary>
    /// <returns>Whether anything was changed.</returns>
    public static bool ApplyToFrame(Span<byte> payload, byte flags)
    {
        int start = 0, padding = 0;
        if ((flags & FlagPadded) != 0)
        {
            if (payload.IsEmpty) return false;
            padding = payload[0];
            start = 1;
        }

        if ((flags & FlagPriority) != 0) start += 5; // stream it depends on, and weight
        return start + padding <= payload.Length && ApplyToBlock(payload[start..^padding]);
    }

    private static bool ApplyToBlock(Span<byte> block)
    {
        var reader = new HpackReader(block);
        while (reader.TryReadLiteral(out int nameIndex, out HpackString name, out HpackString value))
        {
            if (nameIndex == AuthorityIndex || nameIndex == 0 && IsAuthority(name.In(block), name.IsHuffman))
                return value.IsHuffman ? ApplyToHuffman(value.In(block)) : ApplyToRaw(value.In(block));
        }

        return false;
    }

    private static bool IsAuthority(ReadOnlySpan<byte> name, bool isHuffman)
    {
        if (!isHuffman) return name.SequenceEqual(Name);
        Span<byte> text = stackalloc byte[Name.Length];
        return TryDecode(name, text, out int length) && text[..length].SequenceEqual(Name);
    }

    private static bool ApplyToRaw(Span<byte> value)
    {
        if (value.Length > TextBytesMax || !HostText.IsKnownWrong(value) || value.ContainsAnyExceptInRange((byte)' ', (byte)'~')) return false;
        int portColon = HostText.PortColon(value);
        for (int i = 0; i < value.Length; i++)
        {
            if (!HostText.MayStay(value[i], i, portColon)) value[i] = (byte)'-';
        }

        return true;
    }

    private static bool ApplyToHuffman(Span<byte> value)
    {
        Span<byte> text = stackalloc byte[TextBytesMax];
        if (!TryDecode(value, text, out int length)) return false;
        text = text[..length];
        if (!HostText.IsKnownWrong(text) || text.ContainsAnyExceptInRange((byte)' ', (byte)'~')) return false;
        int portColon = HostText.PortColon(text), bit = 0;
        for (int i = 0; i < text.Length; i++)
        {
            int bits = HpackHuffman.LengthOf(text[i]), at = bit;
            bit += bits;
            if (HostText.MayStay(text[i], i, portColon)) continue;
            foreach (byte substitute in HostText.Substitute(bits)) at += HpackHuffman.Write(value, at, substitute);
        }

        return true;
    }

    /// <returns>False when a character is not known here, or the text does not fit, or the padding is not one of RFC 7541.</returns>
    private static bool TryDecode(ReadOnlySpan<byte> coded, Span<byte> text, out int length)
    {
        length = 0;
        int bit = 0;
        while (HpackHuffman.Read(coded, bit, out byte character) is > 0 and var bits)
        {
            if (length == text.Length) return false;
            text[length++] = character;
            bit += bits;
        }

        int padding = coded.Length * 8 - bit, ones = (1 << padding) - 1;
        return padding < 8 && (padding == 0 || (coded[^1] & ones) == ones);
    }
}
