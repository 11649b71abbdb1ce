using System.Runtime.InteropServices;

namespace Conclave.Storage;

/// <summary>The system calls that the base class library does not offer.</summary>
internal static partial class PosixCalls
{
    internal const int OpenReadOnly = 0x0, OpenDirectory = 0x10000, OpenCloseOnExec = 0x80000;
    internal const int OpenDirectoryArm64 = 0x4000;
    internal const int LockExclusive = 2, LockNonBlocking = 4;
    internal const int AdviceDontNeed = 4;
    internal const int ErrorInterrupted = 4, ErrorWouldBlock = 11, ErrorNoSuchCall = 38, ErrorNotSupported = 95;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    internal static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    internal static partial int Lock(SafeHandle descriptor, int operation);

    // Not posix_fallocate: where the file system cannot do it, that one writes into every block, and does so behind our back.
    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    internal static partial int Allocate(SafeHandle descriptor, int mode, long offset, long bytes);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    internal static partial int Advise(SafeHandle descriptor, long offset, long bytes, int advice);
}
