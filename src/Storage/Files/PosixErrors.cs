using System.Runtime.InteropServices;

namespace Conclave.Storage;

/// <summary>Turns the platform's errors into <see cref="FileSystemException"/>.</summary>
internal static class PosixErrors
{
    private const int NotFound = 2, AccessDenied = 13, Exists = 17, NoSpace = 28, ReadOnly = 30, NotPermitted = 1, QuotaExceeded = 122, NoMemory = 12, NoFiles = 23, NoFilesHere = 24, FileTooBig = 27;

    internal static T Translate<T>(string path, Func<string, T> operation)
    {
        try
        {
            return operation(path);
        }
        catch (Exception failure) when (failure is UnauthorizedAccessException or (IOException and not FileSystemException))
        {
            throw From(path, failure);
        }
    }

    internal static FileSystemException From(string path, Exception failure) => failure switch
    {
        FileNotFoundException or DirectoryNotFoundException => new(FileError.NotFound, path, "does not exist", failure),
        UnauthorizedAccessException => new(FileError.AccessDenied, path, "access denied", failure),
        // What .NET makes of EFBIG.
        ArgumentOutOfRangeException => new(FileError.TooLarge, path, "it would be larger than its file system or a limit of this process (ulimit -f) allows", failure),
        // On Unix the low bits of HResult are errno.
        _ => new(Classify(failure.HResult & 0xFFFF), path, failure.Message, failure),
    };

    internal static FileSystemException FromLastCall(string path, string what)
    {
        int error = Marshal.GetLastPInvokeError();
        return new FileSystemException(Classify(error), path, $"{what}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    private static FileError Classify(int error) => error switch
    {
        NotFound => FileError.NotFound,
        Exists => FileError.Exists,
        NoSpace or QuotaExceeded => FileError.NoSpace,
        NoMemory or NoFiles or NoFilesHere => FileError.Exhausted,
        FileTooBig => FileError.TooLarge,
        PosixCalls.ErrorWouldBlock => FileError.Locked,
        AccessDenied or NotPermitted or ReadOnly => FileError.AccessDenied,
        _ => FileError.Io,
    };
}
