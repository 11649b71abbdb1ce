namespace Conclave.Store.Protobuf;

/// <summary>Walks the fields of one protobuf message. Total: damaged bytes set <see cref="Failed"/>, nothing throws.</summary>
/// <remarks>
/// Use: <c>while (reader.Next()) switch (reader.Tag) { case ...: value = reader.Varint(); break; default: reader.Skip(); break; }</c>,
/// then look at <see cref="Failed"/>. A known field number with another wire type falls into the default, as protobuf asks.
/// </remarks>
internal ref struct WireReader(ReadOnlySpan<byte> message)
{
    private const int VarintType = 0, Fixed64Type = 1, LengthType = 2, GroupStart = 3, GroupEnd = 4, Fixed32Type = 5;

    private readonly ReadOnlySpan<byte> _message = message;
    private int _position;

    /// <summary>Field number and wire type, as on the wire: <c>number &lt;&lt; 3 | type</c>.</summary>
    public uint Tag { get; private set; }

    public bool Failed { readonly get; private set; }

    /// <summary>For packed numbers, which have no tags.</summary>
    public readonly bool HasMore => !Failed && _position < _message.Length;

    /// <summary>Moves to the next field. False at the end, and after damage.</summary>
    public bool Next()
    {
        if (Failed || _position >= _message.Length)
            return false;
        ulong tag = Varint();
        if (tag is < 8 or > uint.MaxValue)
            Failed = true;
        Tag = (uint)tag;
        return !Failed;
    }

    public ulong Varint()
    {
        if (Failed)
            return 0;
        if ((uint)_position < (uint)_message.Length && _message[_position] < 0x80)
            return _message[_position++];
        return LongVarint();
    }

    public bool Bool() => Varint() != 0;

    public int Enum() => (int)Varint();

    /// <summary>A length-delimited field: a slice of the message.</summary>
    public ReadOnlySpan<byte> Bytes()
    {
        ulong length = Varint();
        if (Failed || length > (ulong)(_message.Length - _position))
        {
            Failed = true;
            return default;
        }

        ReadOnlySpan<byte> bytes = _message.Slice(_position, (int)length);
        _position += (int)length;
        return bytes;
    }

    /// <summary>Passes over the value of the current field.</summary>
    public void Skip() => Skip(Tag);

    private void Skip(uint tag)
    {
        // Groups are long dead, yet legal as unknown fields. Counting keeps a hostile nesting off the stack.
        int openGroups = 0;
        do
        {
            switch (tag & 7)
            {
                case VarintType: Varint(); break;
                case Fixed64Type: Advance(8); break;
                case LengthType: Bytes(); break;
                case GroupStart: openGroups++; break;
                case GroupEnd when openGroups > 0: openGroups--; break;
                case Fixed32Type: Advance(4); break;
                default: Failed = true; break;
            }

            if (openGroups > 0)
            {
                ulong next = Varint();
                if (next is < 8 or > uint.MaxValue)
                    Failed = true;
                tag = (uint)next;
            }
        }
        while (openGroups > 0 && !Failed);
    }

    private void Advance(int bytes)
    {
        if (bytes > _message.Length - _position)
            Failed = true;
        else
            _position += bytes;
    }

    private ulong LongVarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 70 && _position < _message.Length; shift += 7)
        {
            byte b = _message[_position++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
                return value;
        }

        Failed = true;
        return 0;
    }
}
