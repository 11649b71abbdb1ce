namespace Conclave.Storage;

/// <summary>Reads a snapshot chunk by chunk, each checked before a byte of it is handed out, and the whole at the end.</summary>
internal sealed class SnapshotContentStream(SnapshotFile file) : Stream
{
    private readonly byte[] _chunk = new byte[SnapshotChunk.HeaderBytes + file.Manifest.ChunkBytes];
    private long _number, _bodyOffset, _position;
    private int _from, _to;
    private ulong _hash;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => file.Manifest.ContentBytes;

    public override long Position { get => _position; set => throw new NotSupportedException(); }

    /// <exception cref="StorageException">Damaged, or the device failed.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (_from == _to && !NextChunk())
            return 0;
        int count = Math.Min(buffer.Length, _to - _from);
        _chunk.AsSpan(_from, count).CopyTo(buffer);
        (_from, _position) = (_from + count, _position + count);
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private bool NextChunk()
    {
        long left = file.Manifest.BodyBytes - _bodyOffset;
        if (left == 0)
            return false;
        Span<byte> chunk = _chunk.AsSpan(0, (int)Math.Min(_chunk.Length, left));
        if (file.ReadRaw(_bodyOffset, chunk) < chunk.Length)
            throw file.Corrupt(_bodyOffset, $"The file ends within chunk {_number}.");
        if (!SnapshotChunk.IsGood(chunk, file.Id.Last, _number))
            throw file.Corrupt(_bodyOffset, $"Chunk {_number} of {file.Manifest.Chunks} is damaged.");
        _hash = SnapshotChunk.Hash(_hash, chunk[SnapshotChunk.HeaderBytes..]);
        if (left == chunk.Length && _hash != file.ContentHash)
            throw file.Corrupt(_bodyOffset, "Every chunk is good, but they are not the content that the manifest describes.");
        (_number, _bodyOffset) = (_number + 1, _bodyOffset + chunk.Length);
        (_from, _to) = (SnapshotChunk.HeaderBytes, chunk.Length);
        return true;
    }
}
