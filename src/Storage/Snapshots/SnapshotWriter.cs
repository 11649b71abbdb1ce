using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>Takes the content of a new snapshot. Dispose without <see cref="Commit"/> throws it away.</summary>
/// <remarks>One thread. After an exception only <see cref="Dispose"/> is left; the log is not affected.</remarks>
public sealed class SnapshotWriter : Stream
{
    private readonly SnapshotDraft _draft;
    private readonly SnapshotId _id;
    private readonly ulong _clusterId;
    private readonly Func<SnapshotManifest, SnapshotFile> _open;
    private readonly byte[] _chunk = new byte[SnapshotChunk.HeaderBytes + SnapshotManifest.DefaultChunkBytes];
    private int _used = SnapshotChunk.HeaderBytes;

    internal SnapshotWriter(SnapshotDraft draft, SnapshotId id, ulong clusterId, Func<SnapshotManifest, SnapshotFile> open) =>
        (_draft, _id, _clusterId, _open) = (draft, id, clusterId, open);

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    /// <summary>Bytes written so far.</summary>
    public override long Length => _draft.ContentBytes + _used - SnapshotChunk.HeaderBytes;

    public override long Position { get => Length; set => throw new NotSupportedException(); }

    /// <exception cref="StorageException">The disk is full or failed.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int count = Math.Min(buffer.Length, _chunk.Length - _used);
            buffer[..count].CopyTo(_chunk.AsSpan(_used));
            _used += count;
            buffer = buffer[count..];
            if (_used == _chunk.Length)
                FlushChunk();
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Makes the snapshot durable. When this returns it survives any crash, and the log may be compacted.</summary>
    /// <exception cref="StorageException">The disk is full or failed; there is no new snapshot.</exception>
    public SnapshotFile Commit()
    {
        if (_used > SnapshotChunk.HeaderBytes)
            FlushChunk();
        var manifest = new SnapshotManifest
        {
            ClusterId = _clusterId,
            Id = _id,
            ContentBytes = _draft.ContentBytes,
            ContentHash = _draft.ContentHash,
            ChunkBytes = SnapshotManifest.DefaultChunkBytes,
        };
        try
        {
            _draft.Commit(manifest);
        }
        catch (FileSystemException failure)
        {
            throw StorageException.From(failure);
        }
        return _open(manifest);
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _draft.Dispose();
        base.Dispose(disposing);
    }

    private void FlushChunk()
    {
        Span<byte> chunk = _chunk.AsSpan(0, _used);
        SnapshotChunk.Seal(chunk, _id.Last, _draft.Chunks);
        try
        {
            _draft.Append(chunk);
        }
        catch (FileSystemException failure)
        {
            throw StorageException.From(failure);
        }
        _used = SnapshotChunk.HeaderBytes;
    }
}
