namespace Conclave.Storage;

/// <summary>An open file. Not for two threads at once.</summary>
public interface IStorageFile : IDisposable
{
    /// <summary>Length in bytes.</summary>
    long Length { get; }

    /// <summary>Cuts the file or extends it with zeros.</summary>
    void SetLength(long bytes);

    /// <summary>
    /// Gives the first so many bytes their place on the disk, so that writing them cannot fail for lack of space. A shorter file grows; new bytes
    /// are zeros, and what is there stays.
    /// </summary>
    /// <returns>False when the file system cannot do that: nothing has changed, and only what is written has a place.</returns>
    /// <exception cref="FileSystemException"><see cref="FileError.NoSpace"/>; a part of the bytes may have a place.</exception>
    bool Reserve(long bytes);

    /// <summary>Writes all bytes at the offset. After a failure any part of them may be there.</summary>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Reads until the buffer is full or the file ends; the number of bytes read.</summary>
    int Read(long offset, Span<byte> buffer);

    /// <summary>Makes everything written so far durable.</summary>
    void Sync();

    /// <summary>Forgets clean cached pages, so that the next read shows what the disk holds.</summary>
    /// <remarks>After a failed sync the cache shows bytes that never reached the disk, and a later sync does not write them.</remarks>
    void DropCache();
}
