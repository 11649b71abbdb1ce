using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace Conclave.Layers;

/// <summary>Reads what <see cref="CanonicalWriter"/> wrote and refuses everything else: a second form of the same content too.</summary>
/// <remarks>Counts are checked against the bytes that are left before anything is allocated for them.</remarks>
internal ref struct CanonicalReader(ReadOnlySpan<byte> bytes)
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private ReadOnlySpan<byte> _left = bytes;

    public readonly int Left => _left.Length;

    public byte Byte()
    {
        ReadOnlySpan<byte> one = Take(1);
        return one[0];
    }

    public bool Boolean() => Byte() switch
    {
        0 => false,
        1 => true,
        byte other => throw Damaged($"{other} is not a boolean"),
    };

    public ulong Unsigned()
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = Byte();
            if (shift == 63 && next > 1)
                throw Damaged("a number is longer than 64 bits");
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return next == 0 && shift > 0 ? throw Damaged("a number is not in its shortest form") : value;
        }
    }

    /// <summary>A number of things of at least <paramref name="bytesEach"/> bytes that follow.</summary>
    public int Count(int bytesEach = 1)
    {
        ulong value = Unsigned();
        return value <= (ulong)(_left.Length / bytesEach) ? (int)value : throw Damaged($"{value} elements cannot follow in {_left.Length} bytes");
    }

    public long Signed()
    {
        ulong value = Unsigned();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    public string Text()
    {
        ReadOnlySpan<byte> bytes = Take(Count());
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Damaged("a text is not UTF-8");
        }
    }

    public string? OptionalText() => Boolean() ? Text() : null;

    public Value? OptionalValue() => Boolean() ? Value() : null;

    public Value Value(int depth = 0)
    {
        if (depth > Limits.ValueDepthMax)
            throw Damaged($"a value is nested deeper than {Limits.ValueDepthMax}");
        byte kind = Byte();
        switch ((ValueKind)kind)
        {
            case ValueKind.Null: return Layers.Value.Null;
            case ValueKind.Boolean: return Layers.Value.Of(Boolean());
            case ValueKind.Integer: return Layers.Value.Of(Signed());
            case ValueKind.Float:
                double number = BinaryPrimitives.ReadDoubleLittleEndian(Take(8));
                return double.IsFinite(number) && !(number == 0 && double.IsNegative(number)) ? Layers.Value.Of(number) : throw Damaged("a float is not finite or is -0");
            case ValueKind.String: return Layers.Value.Of(Text());
            case ValueKind.List:
                var elements = ImmutableArray.CreateBuilder<Value>(Count());
                for (int i = 0; i < elements.Capacity; i++)
                    elements.Add(Value(depth + 1));
                return Layers.Value.List(elements.MoveToImmutable());
            case ValueKind.Map:
                var members = ImmutableArray.CreateBuilder<KeyValuePair<string, Value>>(Count(bytesEach: 2));
                for (int i = 0; i < members.Capacity; i++)
                {
                    string name = Text();
                    if (i > 0 && string.CompareOrdinal(members[i - 1].Key, name) >= 0)
                        throw Damaged($"member \"{name}\" of a map is out of order");
                    members.Add(new(name, Value(depth + 1)));
                }
                return Layers.Value.FromSorted(members.MoveToImmutable());
            default:
                throw Damaged($"there is no kind of value {kind}");
        }
    }

    public readonly void End()
    {
        if (_left.Length > 0)
            throw Damaged($"{_left.Length} bytes follow its end");
    }

    public static RecordDamagedException Damaged(string what) => new($"The record cannot be read: {what}.");

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _left.Length)
            throw Damaged($"it ends {count - _left.Length} bytes too early");
        ReadOnlySpan<byte> taken = _left[..count];
        _left = _left[count..];
        return taken;
    }
}
