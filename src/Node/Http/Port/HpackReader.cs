namespace Conclave.Node.Http.Port;

/// <summary>Walks over an HPACK block (RFC 7541, section 6) as far as needed to find a literal field. Keeps no tables.</summary>
internal ref struct HpackReader(ReadOnlySpan<byte> block)
{
    /// <summary>More than any header that a server accepts; keeps the arithmetic far from overflowing.</summary>
    private const int IntegerMax = 1 << 20;

    private readonly ReadOnlySpan<byte> _block = block;
    private int _at;

    /// <summary>Goes to the next literal field, over indexed fields and changes of the table's size.</summary>
    /// <param name="nameIndex">Its name's place in the tables; 0 when the name is written out in <paramref name="name"/>.</param>
    /// <param name="name">Empty unless the name is written out.</param>
    /// <param name="value">Where its value stands in the block.</param>
    /// <returns>False at the end, and from the first byte on that makes no sense.</returns>
    public bool TryReadLiteral(out int nameIndex, out HpackString name, out HpackString value)
    {
        (nameIndex, name, value) = (0, default, default);
        while (_at < _block.Length)
        {
            byte first = _block[_at];
            if (first >= 0x80)
            {
                if (!TryReadInteger(7, out _)) return false;
                continue;
            }

            bool isTableSize = (first & 0xe0) == 0x20;
            int prefixBits = first >= 0x40 ? 6 : isTableSize ? 5 : 4; // incremental; size; without or never
            if (!TryReadInteger(prefixBits, out nameIndex)) return false;
            if (isTableSize) continue;
            return (nameIndex != 0 || TryReadString(out name)) && TryReadString(out value);
        }

        return false;
    }

    private bool TryReadString(out HpackString text)
    {
        text = default;
        if (_at >= _block.Length) return false;
        bool isHuffman = _block[_at] >= 0x80;
        if (!TryReadInteger(7, out int length) || length > _block.Length - _at) return false;
        text = new HpackString(_at, length, isHuffman);
        _at += length;
        return true;
    }

    /// <summary>An integer whose first bits share a byte with something else; at least one byte is left.</summary>
    private bool TryReadInteger(int prefixBits, out int value)
    {
        int prefix = (1 << prefixBits) - 1;
        value = _block[_at++] & prefix;
        if (value < prefix) return true;
        for (int shift = 0; _at < _block.Length && shift <= 14; shift += 7)
        {
            byte more = _block[_at++];
            value += (more & 0x7f) << shift;
            if (more < 0x80) return value <= IntegerMax;
        }

        return false;
    }
}

/// <summary>A string's place in an HPACK block.</summary>
internal readonly record struct HpackString(int Start, int Length, bool IsHuffman)
{
    public Span<byte> In(Span<byte> block) => block.Slice(Start, Length);
}
