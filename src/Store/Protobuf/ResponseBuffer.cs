using System.Buffers;

namespace Conclave.Store.Protobuf;

/// <summary>A growing buffer for messages inside messages: the content first, its tag and length put before it afterwards.</summary>
/// <remarks>The writer keeps one and reuses it, so it gives a very large array back to the collector when it is cleared.</remarks>
internal sealed class ResponseBuffer : IBufferWriter<byte>
{
    private const int KeptBytesMax = 1 << 20;

    private byte[] _bytes = new byte[512];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Clear()
    {
        Length = 0;
        if (_bytes.Length > KeptBytesMax)
            _bytes = new byte[512];
    }

    public void Advance(int count) => Length += count;

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        if (_bytes.Length - Length < Math.Max(1, sizeHint))
            Grow(sizeHint);
        return _bytes.AsSpan(Length);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_bytes.Length - Length < Math.Max(1, sizeHint))
            Grow(sizeHint);
        return _bytes.AsMemory(Length);
    }

    public void WriteLong(byte tag, long value) => Length = Varint.WriteLong(Room(1 + Varint.LongBytesMax), Length, tag, value);

    public void WriteBytes(byte tag, ReadOnlySpan<byte> bytes) =>
        Length = Varint.WriteBytes(Room(1 + Varint.IntBytesMax + bytes.Length), Length, tag, bytes);

    /// <summary>Turns everything written since <paramref name="start"/> into one length-delimited field.</summary>
    public void Enclose(int start, byte tag)
    {
        int length = Length - start;
        int prefix = 1 + Varint.Size((ulong)length);
        Span<byte> room = Room(prefix);
        room.Slice(start, length).CopyTo(room[(start + prefix)..]);
        room[start] = tag;
        Varint.Write(room, start + 1, (ulong)length);
        Length += prefix;
    }

    /// <summary>The whole array, with at least this many bytes free behind <see cref="Length"/>.</summary>
    private Span<byte> Room(int bytes)
    {
        if (_bytes.Length - Length < bytes)
            Grow(bytes);
        return _bytes;
    }

    private void Grow(int bytes) =>
        Array.Resize(ref _bytes, checked((int)Math.Max(_bytes.Length * 2L > Array.MaxLength ? Array.MaxLength : _bytes.Length * 2L, (long)Length + bytes)));
}
