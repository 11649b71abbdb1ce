using System.Buffers;
using System.Buffers.Binary;

namespace Conclave.Raft;

/// <summary>Writes fields to a buffer writer with few calls to it. <see cref="Flush"/> ends it.</summary>
internal ref struct FieldWriter(IBufferWriter<byte> output)
{
    private const int ChunkBytes = 512;
    private Span<byte> _span;
    private int _used;

    public void Byte(byte value) => Reserve(1)[0] = value;

    public void Fixed(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Reserve(8), value);

    public void Id(EntryId id)
    {
        Fixed(id.Index.Value);
        Fixed(id.Term.Value);
    }

    public void Varint(ulong value)
    {
        while (value >= 0x80)
        {
            Byte((byte)(value | 0x80));
            value >>= 7;
        }
        Byte((byte)value);
    }

    public void Flag(bool value) => Byte(value ? (byte)1 : (byte)0);

    /// <summary>Small ones are short; a negative one, which nothing here should be, takes ten bytes.</summary>
    public void Long(long value) => Varint(unchecked((ulong)value));

    public void Index(LogIndex index) => Varint(index.Value);

    public void Membership(Membership membership)
    {
        byte[] bytes = membership.Encode();
        Varint((ulong)bytes.Length);
        Bytes(bytes);
    }

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length <= _span.Length - _used)
        {
            bytes.CopyTo(_span[_used..]);
            _used += bytes.Length;
            return;
        }
        Flush();
        output.Write(bytes);
    }

    public void Flush()
    {
        if (_used > 0) output.Advance(_used);
        _span = default;
        _used = 0;
    }

    private Span<byte> Reserve(int count)
    {
        if (_span.Length - _used < count)
        {
            Flush();
            _span = output.GetSpan(ChunkBytes);
        }
        Span<byte> place = _span.Slice(_used, count);
        _used += count;
        return place;
    }
}
