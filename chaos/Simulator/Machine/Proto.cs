using System.Text;

namespace Conclave.Simulator;

/// <summary>Writes one protobuf message. Zero values and empty strings are left out, as proto3 does.</summary>
internal sealed class ProtoWriter
{
    private readonly List<byte> _bytes = [];

    public byte[] ToArray() => [.. _bytes];

    public ProtoWriter Number(int field, long value) => value == 0 ? this : Zero(field, value);

    /// <summary>Writes a 0 too: a union says by its presence which member is meant.</summary>
    public ProtoWriter Zero(int field, long value)
    {
        Varint((ulong)field << 3);
        Varint((ulong)value);
        return this;
    }

    public ProtoWriter Flag(int field, bool value) => Number(field, value ? 1 : 0);

    public ProtoWriter Text(int field, string value) => value.Length == 0 ? this : Bytes(field, Encoding.Latin1.GetBytes(value));

    public ProtoWriter Message(int field, ProtoWriter message) => Bytes(field, message.ToArray());

    public ProtoWriter Bytes(int field, ReadOnlySpan<byte> content)
    {
        Varint((ulong)field << 3 | 2);
        Varint((ulong)content.Length);
        _bytes.AddRange(content);
        return this;
    }

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) _bytes.Add((byte)(value | 0x80));
        _bytes.Add((byte)value);
    }
}

/// <summary>The fields of one protobuf message: numbers and parts, in their order. Written for what the store answers; anything else is a failure.</summary>
internal readonly ref struct ProtoFields
{
    private readonly ReadOnlySpan<byte> _message;

    public ProtoFields(ReadOnlySpan<byte> message) => _message = message;

    /// <summary>The number in a field, 0 when it is not there.</summary>
    public long Number(int field)
    {
        var rest = _message;
        while (Next(ref rest, out int at, out ulong number, out _))
            if (at == field) return (long)number;
        return 0;
    }

    public bool Has(int field)
    {
        var rest = _message;
        while (Next(ref rest, out int at, out _, out _))
            if (at == field) return true;
        return false;
    }

    public ReadOnlySpan<byte> Part(int field)
    {
        var rest = _message;
        while (Next(ref rest, out int at, out _, out ReadOnlySpan<byte> part))
            if (at == field) return part;
        return default;
    }

    public string Text(int field) => Encoding.Latin1.GetString(Part(field));

    public ProtoFields Message(int field) => new(Part(field));

    /// <summary>All messages in a repeated field.</summary>
    public List<byte[]> Parts(int field)
    {
        var parts = new List<byte[]>();
        var rest = _message;
        while (Next(ref rest, out int at, out _, out ReadOnlySpan<byte> part))
            if (at == field) parts.Add(part.ToArray());
        return parts;
    }

    /// <summary>The one field of a union.</summary>
    public int First(out byte[] part)
    {
        var rest = _message;
        if (!Next(ref rest, out int field, out _, out ReadOnlySpan<byte> bytes)) throw new SimulationFailure("A message is empty where a union should be.");
        part = bytes.ToArray();
        return field;
    }

    private static bool Next(scoped ref ReadOnlySpan<byte> rest, out int field, out ulong number, out ReadOnlySpan<byte> part)
    {
        (field, number) = (0, 0);
        part = default;
        if (rest.IsEmpty) return false;
        ulong tag = Varint(ref rest);
        field = (int)(tag >> 3);
        switch (tag & 7)
        {
            case 0:
                number = Varint(ref rest);
                return true;
            case 2:
                int length = (int)Varint(ref rest);
                part = rest[..length];
                rest = rest[length..];
                return true;
            default:
                throw new SimulationFailure($"An answer has a field {field} of wire type {tag & 7}, which no message of the store has.");
        }
    }

    private static ulong Varint(scoped ref ReadOnlySpan<byte> rest)
    {
        ulong value = 0;
        for (int at = 0, shift = 0; ; at++, shift += 7)
        {
            value |= (ulong)(rest[at] & 0x7F) << shift;
            if (rest[at] >= 0x80) continue;
            rest = rest[(at + 1)..];
            return value;
        }
    }
}
