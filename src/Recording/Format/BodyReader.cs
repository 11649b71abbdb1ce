using System.Buffers.Binary;
using Conclave.Raft;

namespace Conclave.Recording;

/// <summary>Reads the fields of one body whose checksum was right: what does not fit was written by another version, not damaged.</summary>
internal sealed class BodyReader(ReadOnlyMemory<byte> body)
{
    private int _at;

    public ReadOnlyMemory<byte> Whole => body;

    public bool AtEnd => _at == body.Length;

    public byte Byte() => Take(1)[0];

    public uint Fixed32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong Number()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = Byte();
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }

        throw Misfit();
    }

    /// <summary>A number of things that follow, each of at least one byte.</summary>
    public int Count()
    {
        ulong count = Number();
        return count <= (ulong)(body.Length - _at) ? (int)count : throw Misfit();
    }

    public ReadOnlyMemory<byte> Bytes()
    {
        int length = Count();
        Take(length);
        return body.Slice(_at - length, length);
    }

    public string Text() => System.Text.Encoding.UTF8.GetString(Bytes().Span);

    public NodeId Node() => new(Number());

    public EntryId Id() => new(new LogIndex(Number()), new Term(Number()));

    public Message Message() => MessageCodec.TryRead(Bytes(), out Message? message) ? message : throw Misfit();

    public Membership Membership() => Raft.Membership.TryDecode(Bytes().Span, out Membership? membership) ? membership : throw Misfit();

    public SnapshotId Snapshot() => new(Id(), Membership());

    public Entry Entry()
    {
        EntryId id = Id();
        var kind = (EntryKind)Byte();
        return new Entry(id.Index, id.Term, kind, Bytes());
    }

    public RecordingException Misfit() => new("A block with a right checksum cannot be understood: it was written by another version. Replay it with the version that recorded it.");

    private ReadOnlySpan<byte> Take(int count)
    {
        if (body.Length - _at < count) throw Misfit();
        _at += count;
        return body.Span.Slice(_at - count, count);
    }
}
