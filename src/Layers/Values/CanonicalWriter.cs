using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Conclave.Layers;

/// <summary>Writes records in their one binary form: equal content gives equal bytes. See docs/layers.md, "Records".</summary>
/// <remarks>Protobuf was the alternative; its bytes for equal messages may differ between versions, and state is compared by bytes here.</remarks>
internal sealed class CanonicalWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new();

    public int Length => _buffer.WrittenCount;

    public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

    /// <summary>Begins anew with the same buffer.</summary>
    public void Clear() => _buffer.ResetWrittenCount();

    public byte[] ToArray() => _buffer.WrittenSpan.ToArray();

    public void Byte(byte value)
    {
        _buffer.GetSpan(1)[0] = value;
        _buffer.Advance(1);
    }

    public void Boolean(bool value) => Byte(value ? (byte)1 : (byte)0);

    /// <summary>LEB128, shortest form.</summary>
    public void Unsigned(ulong value)
    {
        Span<byte> span = _buffer.GetSpan(10);
        int length = 0;
        while (value >= 0x80)
        {
            span[length++] = (byte)(value | 0x80);
            value >>= 7;
        }
        span[length++] = (byte)value;
        _buffer.Advance(length);
    }

    public void Count(int value) => Unsigned((ulong)value);

    /// <summary>Zigzag, then LEB128.</summary>
    public void Signed(long value) => Unsigned((ulong)((value << 1) ^ (value >> 63)));

    public void Text(string value)
    {
        int bytes = Encoding.UTF8.GetByteCount(value);
        Count(bytes);
        Encoding.UTF8.GetBytes(value, _buffer.GetSpan(bytes));
        _buffer.Advance(bytes);
    }

    public void OptionalText(string? value)
    {
        Boolean(value is not null);
        if (value is not null)
            Text(value);
    }

    public void OptionalValue(Value? value)
    {
        Boolean(value is not null);
        if (value is not null)
            Value(value);
    }

    public void Value(Value value)
    {
        Byte((byte)value.Kind);
        switch (value.Kind)
        {
            case ValueKind.Null:
                break;
            case ValueKind.Boolean:
                Boolean(value.AsBoolean);
                break;
            case ValueKind.Integer:
                Signed(value.AsInteger);
                break;
            case ValueKind.Float:
                BinaryPrimitives.WriteDoubleLittleEndian(_buffer.GetSpan(8), value.AsFloat);
                _buffer.Advance(8);
                break;
            case ValueKind.String:
                Text(value.AsString);
                break;
            case ValueKind.List:
                Count(value.Elements.Length);
                foreach (Value element in value.Elements)
                    Value(element);
                break;
            case ValueKind.Map:
                Count(value.Members.Length);
                foreach (KeyValuePair<string, Value> member in value.Members)
                {
                    Text(member.Key);
                    Value(member.Value);
                }
                break;
            default:
                throw new InvalidOperationException($"Kind {value.Kind} has no binary form. This is a bug: report it.");
        }
    }
}
