using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>A durable snapshot, open for reading. Stays readable when it is pruned meanwhile.</summary>
/// <remarks>Reads from several threads are fine; content is checked whenever it is read.</remarks>
public sealed class SnapshotFile : IDisposable
{
    private readonly IStorageFile _file;

    internal SnapshotFile(string path, IStorageFile file, SnapshotManifest manifest) => (Path, _file, Manifest) = (path, file, manifest);

    public string Path { get; }

    public SnapshotManifest Manifest { get; }

    public SnapshotId Id => Manifest.Id;

    /// <summary>Length of the content.</summary>
    public long LengthBytes => Manifest.ContentBytes;

    public ulong ContentHash => Manifest.ContentHash;

    /// <summary>The content, from its beginning. Reading throws <see cref="StorageException"/> when it comes to damaged bytes; what was read before is good.</summary>
    public Stream OpenContent() => new SnapshotContentStream(this);

    /// <summary>Reads everything once and checks it, for a sender before it offers the file.</summary>
    /// <exception cref="StorageException">Damaged; names the byte.</exception>
    public void Verify()
    {
        using Stream content = OpenContent();
        byte[] buffer = new byte[64 << 10];
        while (content.Read(buffer) > 0)
        {
        }
    }

    /// <summary>Bytes of the body as they are on the disk, for a transfer; the receiver checks them. The number of bytes read, 0 at the end.</summary>
    /// <param name="offset">From 0 to <see cref="SnapshotManifest.BodyBytes"/>.</param>
    /// <param name="buffer">Filled as far as there is something.</param>
    /// <exception cref="StorageException">The device failed.</exception>
    public int ReadRaw(long offset, Span<byte> buffer)
    {
        int wanted = (int)Math.Clamp(Manifest.BodyBytes - offset, 0, buffer.Length);
        try
        {
            return _file.Read(SnapshotManifest.Bytes + offset, buffer[..wanted]);
        }
        catch (FileSystemException failure)
        {
            throw StorageException.From(failure);
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>The next reads show what the disk holds.</summary>
    internal void DropCache() => _file.DropCache();

    internal StorageException Corrupt(long bodyOffset, string problem) =>
        new(StorageErrorKind.Corrupt, Path, SnapshotManifest.Bytes + bodyOffset, problem, SnapshotStore.DamageRemedy);
}
