using System.Buffers;
using Conclave.Store.History;
using Conclave.Store.Protobuf;

namespace Conclave.Store.Reading;

/// <summary>Writes the fields kvs, more and count of a RangeResponse, asking the output for room once for many keys.</summary>
internal ref struct KeyValueOutput(IBufferWriter<byte> output)
{
    private const byte KvsTag = 2 << 3 | 2, MoreTag = 3 << 3, CountTag = 4 << 3;
    private const int EndBytesMax = 3 + Varint.LongBytesMax;

    private Span<byte> _room;
    private int _used;

    public void Write(bool keysOnly, byte[] wire)
    {
        // The end fits behind every key, so that the answer to a small range asks for room once.
        Reserve(1 + Varint.IntBytesMax + wire.Length + EndBytesMax);
        if (!keysOnly)
        {
            _used = Varint.WriteBytes(_room, _used, KvsTag, wire);
            return;
        }

        KeyValueFields fields = KeyValueWire.Fields(wire);
        _room[_used] = KvsTag;
        _used = Varint.Write(_room, _used + 1, (uint)(fields.BeforeValue.Length + fields.AfterValue.Length));
        fields.BeforeValue.CopyTo(_room[_used..]);
        _used += fields.BeforeValue.Length;
        fields.AfterValue.CopyTo(_room[_used..]);
        _used += fields.AfterValue.Length;
    }

    /// <summary>Writes what stands behind the keys and hands everything to the output.</summary>
    public void WriteEnd(bool more, long count)
    {
        Reserve(EndBytesMax);
        if (more)
            _used = Varint.WriteLong(_room, _used, MoreTag, 1);
        if (count != 0)
            _used = Varint.WriteLong(_room, _used, CountTag, count);
        output.Advance(_used);
    }

    private void Reserve(int bytes)
    {
        if (_room.Length - _used >= bytes)
            return;
        if (_used > 0)
            output.Advance(_used);
        _room = output.GetSpan(bytes);
        _used = 0;
    }
}
