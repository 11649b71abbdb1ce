using System.Buffers.Binary;

namespace Conclave.Store.Saving;

/// <summary>Reads a saved state piece by piece and adds up its checksum.</summary>
internal sealed class SavedReader(Stream source)
{
    private readonly byte[] _buffer = new byte[64 << 10];
    private byte[] _record = new byte[4 << 10];
    private int _position, _filled;
    private long _offset;
    private Crc32C _crc = new();

    /// <summary>A few bytes, valid until the next call.</summary>
    public ReadOnlySpan<byte> Bytes(int count)
    {
        // The room grows with what is there, not with what a damaged length says.
        for (int read = 0; read < count;)
        {
            if (read == _record.Length)
                Array.Resize(ref _record, Math.Min(count, _record.Length * 2));
            int part = Math.Min(count, _record.Length) - read;
            Read(_record.AsSpan(read, part));
            read += part;
        }

        Span<byte> target = _record.AsSpan(0, count);
        _crc.Add(target);
        return target;
    }

    public ulong Integer(int bytes = sizeof(ulong))
    {
        Span<byte> value = stackalloc byte[sizeof(ulong)];
        Bytes(bytes).CopyTo(value);
        return BinaryPrimitives.ReadUInt64LittleEndian(value);
    }

    /// <summary>The next record of the section, valid until the next call; false at the end of the section.</summary>
    public bool TryRecord(out ReadOnlySpan<byte> record)
    {
        uint length = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte b = Bytes(1)[0];
            length |= (uint)(b & 0x7f) << shift;
            if (b < 0x80)
                break;
            Expect(shift < 28, "A length is not a length");
        }

        Expect(length <= SavedState.RecordBytesMax, "A record is larger than any can be");
        record = length == 0 ? default : Bytes((int)length);
        return length != 0;
    }

    /// <summary>What follows must be the right checksum, and nothing else.</summary>
    /// <param name="paddingMax">Zero bytes that may stand behind it.</param>
    public void CheckEnd(int paddingMax)
    {
        uint expected = _crc.Value;
        Expect((uint)Integer(sizeof(uint)) == expected, "The checksum is wrong");
        for (int padding = 0; ;)
        {
            if (_position == _filled)
                (_position, _filled) = (0, source.Read(_buffer));
            if (_filled == 0)
                return;
            Span<byte> rest = _buffer.AsSpan(_position, _filled - _position);
            Expect(padding + rest.Length <= paddingMax && !rest.ContainsAnyExcept((byte)0), "There are bytes behind the end");
            padding += rest.Length;
            _position = _filled;
        }
    }

    public void Expect(bool condition, string otherwise)
    {
        if (!condition)
            throw Damaged(otherwise);
    }

    public StoreDamagedException Damaged(string what) => new(what, _offset);

    private void Read(Span<byte> target)
    {
        while (!target.IsEmpty)
        {
            if (_position == _filled)
            {
                _position = 0;
                _filled = source.Read(_buffer);
                if (_filled == 0)
                    throw Damaged("The saved state is cut short");
            }

            int part = Math.Min(target.Length, _filled - _position);
            _buffer.AsSpan(_position, part).CopyTo(target);
            _position += part;
            _offset += part;
            target = target[part..];
        }
    }
}
