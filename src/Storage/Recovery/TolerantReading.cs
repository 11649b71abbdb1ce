namespace Conclave.Storage;

/// <summary>Reads around pages that the disk reports as unreadable: a latent bad sector is damage to those bytes, not a reason to give up the file.</summary>
internal static class TolerantReading
{
    /// <summary>More unreadable pages than this in one read, of 1 MiB at most, are not a bad spot but a failing device: then the error is passed on.</summary>
    internal const int UnreadablePagesMax = 64;

    private const int PageBytes = 4096;

    /// <summary>What stands in for unreadable bytes: neither zeros, which would look unwritten, nor anything with a good checksum.</summary>
    private const byte Filler = 0xE5;

    /// <exception cref="FileSystemException">Too much cannot be read, or something else is wrong.</exception>
    internal static int Read(IStorageFile file, long offset, Span<byte> buffer)
    {
        try
        {
            return file.Read(offset, buffer);
        }
        catch (FileSystemException failure) when (failure.Error == FileError.Io)
        {
            return ReadByPage(file, offset, buffer);
        }
    }

    private static int ReadByPage(IStorageFile file, long offset, Span<byte> buffer)
    {
        int total = (int)Math.Clamp(file.Length - offset, 0, buffer.Length), unreadable = 0;
        for (int done = 0; done < total;)
        {
            int count = (int)Math.Min(total - done, PageBytes - (offset + done) % PageBytes);
            Span<byte> page = buffer.Slice(done, count);
            try
            {
                file.Read(offset + done, page);
            }
            catch (FileSystemException failure) when (failure.Error == FileError.Io && ++unreadable <= UnreadablePagesMax)
            {
                page.Fill(Filler);
            }
            done += count;
        }
        return total;
    }
}
