using System.Buffers.Binary;

namespace Conclave.Raft;

/// <summary>Reads fields and remembers the first failure instead of throwing; after it every read returns zero.</summary>
internal ref struct FieldReader(ReadOnlyMemory<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _span = bytes.Span;
    private int _at;

    public bool Failed { get; private set; }
    public readonly int Remaining => _span.Length - _at;
    public readonly bool AtEnd => _at == _span.Length;

    public byte Byte() => Take(1) ? _span[_at - 1] : (byte)0;

    public ulong Fixed() => Take(8) ? BinaryPrimitives.ReadUInt64LittleEndian(_span[(_at - 8)..]) : 0;

    public EntryId Id()
    {
        ulong index = Fixed();
        return new EntryId(new LogIndex(index), new Term(Fixed()));
    }

    public ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = Byte();
            if (shift == 63 && next > 1) break;
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return Failed ? 0 : value;
        }
        Failed = true;
        return 0;
    }

    public ReadOnlyMemory<byte> Slice(ulong count)
    {
        if (count > (ulong)Remaining)
        {
            Failed = true;
            return default;
        }
        return Take((int)count) ? bytes.Slice(_at - (int)count, (int)count) : default;
    }

    /// <summary>What was read makes no sense.</summary>
    public void Fail() => Failed = true;

    /// <summary>Fails unless this is so.</summary>
    public void Expect(bool condition) => Failed |= !condition;

    public bool Flag()
    {
        byte value = Byte();
        Expect(value <= 1);
        return value == 1;
    }

    /// <summary>A number in [0, <paramref name="max"/>].</summary>
    public int Int(int max = int.MaxValue)
    {
        ulong value = Varint();
        Expect(value <= (ulong)max);
        return Failed ? 0 : (int)value;
    }

    public long Long() => unchecked((long)Varint());

    /// <summary>How many things follow, each of at least so many bytes: never more than there is room for.</summary>
    public int Count(int bytesMin = 1) => Int(Remaining / bytesMin);

    public LogIndex Index() => new(Varint());

    public Membership Membership()
    {
        if (Raft.Membership.TryDecode(Slice(Varint()).Span, out Membership? membership)) return membership;
        Fail();
        return new Membership();
    }

    private bool Take(int count)
    {
        if (Failed || Remaining < count)
        {
            Failed = true;
            return false;
        }
        _at += count;
        return true;
    }
}
