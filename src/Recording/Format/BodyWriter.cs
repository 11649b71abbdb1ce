using System.Buffers;
using System.Buffers.Binary;
using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>Writes the fields of a block's body; used again for each block.</summary>
internal sealed class BodyWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new(4096);
    private readonly ArrayBufferWriter<byte> _message = new(1024);

    /// <summary>For those who write more than a field.</summary>
    public IBufferWriter<byte> Buffer => _buffer;

    public ReadOnlySpan<byte> Body => _buffer.WrittenSpan;

    public int Length => _buffer.WrittenCount;

    public void Clear() => _buffer.ResetWrittenCount();

    public void Byte(byte value)
    {
        _buffer.GetSpan(1)[0] = value;
        _buffer.Advance(1);
    }

    public void Fixed32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer.GetSpan(4), value);
        _buffer.Advance(4);
    }

    public void Number(ulong value)
    {
        Span<byte> span = _buffer.GetSpan(10);
        int used = 0;
        for (; value >= 0x80; value >>= 7) span[used++] = (byte)(value | 0x80);
        span[used++] = (byte)value;
        _buffer.Advance(used);
    }

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        Number((ulong)bytes.Length);
        _buffer.Write(bytes);
    }

    public void Text(string text) => Bytes(System.Text.Encoding.UTF8.GetBytes(text));

    public void Id(EntryId id)
    {
        Number(id.Index.Value);
        Number(id.Term.Value);
    }

    public void Message(Message message)
    {
        _message.ResetWrittenCount();
        MessageCodec.Write(_message, message);
        Bytes(_message.WrittenSpan);
    }

    public void Snapshot(SnapshotId snapshot)
    {
        Id(snapshot.Last);
        Bytes(snapshot.Membership.Encode());
    }

    public void Entry(in Entry entry)
    {
        Id(entry.Id);
        Byte((byte)entry.Kind);
        Bytes(entry.Payload.Span);
    }
}
