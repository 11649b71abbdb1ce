using System.Runtime.InteropServices;

namespace Conclave.Agent;

/// <summary>The file system of a Linux host.</summary>
public sealed class PosixFiles : IFiles
{
    private const long ReadMax = 64 << 20;
    private const int WouldBlock = 11;

    public byte[]? Read(string path) => Try(path, "read", () =>
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (file.Length > ReadMax) throw new FileFailure($"{path} has {file.Length:N0} bytes; the agent reads files of at most {ReadMax:N0}.");
            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    });

    public FileStat? Look(string path) => PosixCalls.Look(path);

    public void Write(string path, ReadOnlySpan<byte> bytes, UnixFileMode mode, FileOwner owner)
    {
        byte[] copy = bytes.ToArray();
        Try(path, "write", () =>
        {
            File.Delete(path);
            try
            {
                // Exclusive, so that a link that somebody put there is not followed; and closed to others until owner and mode are right.
                using FileStream file = new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite, BufferSize = 0 });
                file.Write(copy);
                if (owner.User is not null || owner.Group is not null) PosixCalls.ChangeOwner(file.SafeFileHandle, path, owner);
                File.SetUnixFileMode(file.SafeFileHandle, mode);
                file.Flush(flushToDisk: true);
            }
            catch
            {
                File.Delete(path);   // half of it may be there
                throw;
            }

            return true;
        });
    }

    public void Rename(string path, string target) => Try(target, "replace", () =>
    {
        File.Move(path, target, overwrite: true);
        return true;
    });

    public void SyncDirectory(string directory) => PosixCalls.SyncDirectory(directory);

    public void Delete(string path) => Try(path, "delete", () =>
    {
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            // Then neither is the file.
        }

        return true;
    });

    public void CreateDirectory(string directory) => Try(directory, "make", () => Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));

    public IReadOnlyList<string> List(string directory) => Try(directory, "list", () => Directory.Exists(directory) ? Directory.GetFiles(directory).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal).ToArray() : []);

    /// <summary>Takes a lock that ends with this process.</summary>
    /// <returns>Null when another process has it.</returns>
    public static IDisposable? Lock(string path) => Try(path, "lock", () =>
    {
        try
        {
            Microsoft.Win32.SafeHandles.SafeFileHandle handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            if (PosixCalls.TryLock(handle)) return handle;
            handle.Dispose();
        }
        catch (IOException taken) when (taken.HResult == WouldBlock)
        {
            // Opening takes a shared lock itself, unless .NET is told not to lock.
        }

        return null;
    });

    private static T Try<T>(string path, string what, Func<T> call)
    {
        try
        {
            return call();
        }
        catch (UnauthorizedAccessException refused)
        {
            throw new FileFailure($"Cannot {what} {path}: permission denied. Run the agent as a user that may write in {Path.GetDirectoryName(path)}.", refused);
        }
        catch (DirectoryNotFoundException missing)
        {
            throw new FileFailure($"Cannot {what} {path}: there is no directory {Path.GetDirectoryName(path)}. Create it.", missing);
        }
        catch (IOException failed)
        {
            const int NoSpace = 28, NoQuota = 122, ReadOnly = 30;
            string why = failed.HResult switch
            {
                NoSpace or NoQuota => "there is no space left. Make room; it is tried again.",
                ReadOnly => "the file system is read-only. Mount it for writing; it is tried again.",
                _ => failed.Message,
            };
            throw new FileFailure($"Cannot {what} {path}: {why}", failed);
        }
    }
}

/// <summary>What .NET has no call for.</summary>
internal static partial class PosixCalls
{
    private const int AtCurrentDirectory = -100, NoFollow = 0x100, BasicStats = 0x7ff, StatxBytes = 256;
    private const int OpenCloseOnExec = 0x80000, LockExclusiveNonBlocking = 2 | 4, ErrorMissing = 2, ErrorNoDirectory = 20, ErrorInterrupted = 4;

    public static unsafe FileStat? Look(string path)
    {
        // struct statx is the same on every architecture: | mask 4 | block 4 | attributes 8 | links 4 | user 4 | group 4 | mode 2 | ...
        byte* stat = stackalloc byte[StatxBytes];
        if (Statx(AtCurrentDirectory, path, NoFollow, BasicStats, stat) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error is ErrorMissing or ErrorNoDirectory) return null;
            throw new FileFailure($"Cannot look at {path}: {Marshal.GetPInvokeErrorMessage(error)}.");
        }

        ushort mode = *(ushort*)(stat + 28);
        FileKind kind = (mode & 0xF000) switch { 0x8000 => FileKind.File, 0x4000 => FileKind.Directory, 0xA000 => FileKind.Link, _ => FileKind.Other };
        return new FileStat(kind, (UnixFileMode)(mode & 0xFFF), *(uint*)(stat + 20), *(uint*)(stat + 24));
    }

    public static void ChangeOwner(Microsoft.Win32.SafeHandles.SafeFileHandle handle, string path, FileOwner owner)
    {
        if (FChown(handle, owner.User ?? uint.MaxValue, owner.Group ?? uint.MaxValue) == 0) return;
        throw new FileFailure($"Cannot give {path} to user {owner.User?.ToString() ?? "(as is)"} and group {owner.Group?.ToString() ?? "(as is)"}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}. Only root may give files away.");
    }

    public static void SyncDirectory(string directory)
    {
        int descriptor = Open(directory, OpenCloseOnExec);
        if (descriptor < 0) throw Failure(directory);
        try
        {
            while (FSync(descriptor) < 0)
            {
                if (Marshal.GetLastPInvokeError() != ErrorInterrupted) throw Failure(directory);
            }
        }
        finally
        {
            _ = Close(descriptor);   // it was only read from
        }

        static FileFailure Failure(string directory) => new($"Cannot sync the directory {directory}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}.");
    }

    public static bool TryLock(Microsoft.Win32.SafeHandles.SafeFileHandle handle) => FLock(handle, LockExclusiveNonBlocking) == 0;

    /// <summary>A user's number by name or digits; null when there is no such user.</summary>
    public static unsafe uint? UserOf(string name)
    {
        if (uint.TryParse(name, out uint number)) return number;
        byte* entry = GetPwNam(name);   // | name, password: pointers | user 4 | group 4 | ...
        return entry is null ? null : *(uint*)(entry + (2 * sizeof(nint)));
    }

    public static unsafe uint? GroupOf(string name)
    {
        if (uint.TryParse(name, out uint number)) return number;
        byte* entry = GetGrNam(name);   // | name, password: pointers | group 4 | ...
        return entry is null ? null : *(uint*)(entry + (2 * sizeof(nint)));
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Statx(int directory, string path, int flags, uint mask, byte* stat);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int FChown(Microsoft.Win32.SafeHandles.SafeFileHandle handle, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int FLock(Microsoft.Win32.SafeHandles.SafeFileHandle handle, int operation);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "getpwnam", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial byte* GetPwNam(string name);

    [LibraryImport("libc", EntryPoint = "getgrnam", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial byte* GetGrNam(string name);
}
