namespace Conclave.Storage;

/// <summary>What became of a piece of a transfer.</summary>
public enum SnapshotReceipt
{
    /// <summary>Taken, or there already.</summary>
    Accepted,

    /// <summary>A piece is missing before it. Send again from <see cref="SnapshotReceiver.ReceivedBytes"/>.</summary>
    Gap,

    /// <summary>A chunk does not match its checksum and was dropped. Send again from <see cref="SnapshotReceiver.ReceivedBytes"/>; if it happens again, the sender's file is damaged.</summary>
    Damaged,

    /// <summary>More than the manifest announced.</summary>
    TooLong,
}

/// <summary>
/// Takes a snapshot from another node, in order, and can go on after a break. Each chunk is checked before it is written. Dispose
/// without <see cref="Finish"/> throws it away.
/// </summary>
/// <remarks>
/// One thread. An exception of <see cref="Append"/>, or of <see cref="Finish"/> when all had arrived, disposes it: after a failed sync the kernel
/// may have dropped pages that a later sync calls durable, so no byte of such a file is used again. The next attempt starts from nothing.
/// </remarks>
public sealed class SnapshotReceiver : IDisposable
{
    private readonly SnapshotDraft _draft;
    private readonly Func<SnapshotManifest, SnapshotFile> _open;
    private readonly byte[] _chunk; // bytes of the chunk that is not complete yet
    private int _pending;
    private long _written;

    internal SnapshotReceiver(SnapshotDraft draft, SnapshotManifest manifest, Func<SnapshotManifest, SnapshotFile> open)
    {
        (_draft, Manifest, _open) = (draft, manifest, open);
        _chunk = new byte[SnapshotChunk.HeaderBytes + manifest.ChunkBytes];
    }

    public SnapshotManifest Manifest { get; }

    /// <summary>The offset that comes next.</summary>
    public long ReceivedBytes => _written + _pending;

    public bool IsComplete => _written == Manifest.BodyBytes;

    internal bool IsDisposed { get; private set; }

    /// <param name="offset">Where in the body the bytes belong; see <see cref="SnapshotManifest.BodyBytes"/>. Bytes that are there already are skipped.</param>
    /// <param name="bytes">Any number of bytes; pieces need not match the chunks.</param>
    /// <exception cref="StorageException">The disk is full or failed. What was received is gone.</exception>
    public SnapshotReceipt Append(long offset, ReadOnlySpan<byte> bytes)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        if (offset < 0 || offset > ReceivedBytes)
            return SnapshotReceipt.Gap;
        if (bytes.Length > Manifest.BodyBytes - offset)
            return SnapshotReceipt.TooLong;
        bytes = bytes[(int)Math.Min(ReceivedBytes - offset, bytes.Length)..];
        while (!bytes.IsEmpty)
        {
            int whole = (int)Math.Min(_chunk.Length, Manifest.BodyBytes - _written), count = Math.Min(bytes.Length, whole - _pending);
            bytes[..count].CopyTo(_chunk.AsSpan(_pending));
            bytes = bytes[count..];
            _pending += count;
            if (_pending < whole)
                break;
            _pending = 0;
            if (!SnapshotChunk.IsGood(_chunk.AsSpan(0, whole), Manifest.Id.Last, _draft.Chunks))
                return SnapshotReceipt.Damaged;
            Write(_chunk.AsSpan(0, whole));
            _written += whole;
        }
        return SnapshotReceipt.Accepted;
    }

    /// <summary>Checks the whole and makes it durable. When this returns the snapshot survives any crash.</summary>
    /// <exception cref="InvalidOperationException">Not complete yet.</exception>
    /// <exception cref="StorageException">The disk is full or failed, or (<see cref="StorageErrorKind.Corrupt"/>) every chunk is good but they are not the announced content. What was received is gone.</exception>
    public SnapshotFile Finish()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        if (!IsComplete)
            throw new InvalidOperationException($"{ReceivedBytes} of {Manifest.BodyBytes} bytes were received.");
        try
        {
            if (_draft.ContentHash != Manifest.ContentHash || _draft.ContentBytes != Manifest.ContentBytes)
                throw new StorageException(StorageErrorKind.Corrupt, SnapshotName.Of(Manifest.Id.Last), null,
                    "The received content is not what the sender announced.", "Fetch it again; if it happens again, check the sender's disk and memory.");
            _draft.Commit(Manifest);
        }
        catch (FileSystemException failure)
        {
            throw StorageException.From(failure);
        }
        finally
        {
            Dispose();
        }
        return _open(Manifest);
    }

    public void Dispose()
    {
        IsDisposed = true;
        _draft.Dispose();
    }

    private void Write(ReadOnlySpan<byte> chunk)
    {
        try
        {
            _draft.Append(chunk);
        }
        catch (FileSystemException failure)
        {
            Dispose();
            throw StorageException.From(failure);
        }
    }
}
