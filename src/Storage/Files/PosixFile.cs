using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Conclave.Storage;

/// <summary>A file of the host, read and written by position.</summary>
/// <remarks>
/// <c>RandomAccess.FlushToDisk</c> is fsync. On segments whose blocks are already written and whose length is fixed it costs
/// what fdatasync costs, because there is no metadata to commit.
/// </remarks>
internal sealed class PosixFile : IStorageFile
{
    private readonly SafeFileHandle _handle;
    private readonly string _path;

    // Shared: it is the lock file that keeps other processes out, and a snapshot is sent while it may be pruned.
    internal PosixFile(string path, FileMode mode)
    {
        _path = path;
        _handle = PosixErrors.Translate(path, file =>
        {
            SafeFileHandle handle = File.OpenHandle(file, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            // The directory may have been made by somebody else, for all to read. Nothing is in the file yet.
            if (mode == FileMode.CreateNew && !OperatingSystem.IsWindows())
                File.SetUnixFileMode(handle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            return handle;
        });
    }

    public long Length
    {
        get
        {
            try
            {
                return RandomAccess.GetLength(_handle);
            }
            catch (IOException failure)
            {
                throw PosixErrors.From(_path, failure);
            }
        }
    }

    public void SetLength(long bytes)
    {
        try
        {
            RandomAccess.SetLength(_handle, bytes);
        }
        catch (Exception failure) when (failure is IOException or ArgumentOutOfRangeException)
        {
            throw PosixErrors.From(_path, failure);
        }
    }

    public bool Reserve(long bytes)
    {
        while (PosixCalls.Allocate(_handle, mode: 0, offset: 0, bytes) < 0)
            switch (Marshal.GetLastPInvokeError())
            {
                case PosixCalls.ErrorInterrupted:
                    break;
                case PosixCalls.ErrorNotSupported or PosixCalls.ErrorNoSuchCall:
                    return false;
                default:
                    throw PosixErrors.FromLastCall(_path, $"cannot set {bytes} bytes aside");
            }
        return true;
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(_handle, bytes, offset); // goes on after a short write until all is written or an error comes
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            throw PosixErrors.From(_path, failure);
        }
    }

    public int Read(long offset, Span<byte> buffer)
    {
        try
        {
            int total = 0;
            while (total < buffer.Length)
            {
                int read = RandomAccess.Read(_handle, buffer[total..], offset + total);
                if (read == 0)
                    break;
                total += read;
            }
            return total;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw PosixErrors.From(_path, failure);
        }
    }

    public void Sync()
    {
        try
        {
            RandomAccess.FlushToDisk(_handle);
        }
        catch (IOException failure)
        {
            throw PosixErrors.From(_path, failure);
        }
    }

    public void DropCache() => _ = PosixCalls.Advise(_handle, 0, 0, PosixCalls.AdviceDontNeed); // advice: some file systems have no cache to drop

    public void Dispose() => _handle.Dispose();
}
