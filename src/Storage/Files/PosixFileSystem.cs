using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Conclave.Storage;

/// <summary>The real file system of a Linux host. Has no state of its own: safe for any number of threads.</summary>
public sealed class PosixFileSystem : IFileSystem
{
    public void CreateDirectory(string directory)
    {
        if (Directory.Exists(directory))
            return;
        string full = Path.GetFullPath(directory);
        string? parent = Path.GetDirectoryName(full);
        if (parent is not null)
            CreateDirectory(parent);
        // What is in there is everything that the cluster holds, password hashes and the secret of tokens too: nobody else's on this host.
        PosixErrors.Translate(full, static path => OperatingSystem.IsWindows() ? Directory.CreateDirectory(path)
            : Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));
        if (parent is not null)
            SyncDirectory(parent);
    }

    public IReadOnlyList<string> List(string directory)
    {
        string[] names = PosixErrors.Translate(directory, static path => Directory.GetFiles(path));
        for (int i = 0; i < names.Length; i++)
            names[i] = Path.GetFileName(names[i]);
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    }

    public IStorageFile Open(string path) => new PosixFile(path, FileMode.Open);

    public IStorageFile Create(string path) => new PosixFile(path, FileMode.CreateNew);

    public void Rename(string source, string target) =>
        PosixErrors.Translate(source, path => { File.Move(path, target, overwrite: true); return true; });

    public void Delete(string path) => PosixErrors.Translate(path, static victim => { File.Delete(victim); return true; });

    public void SyncDirectory(string directory)
    {
        int directoryFlag = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm
            ? PosixCalls.OpenDirectoryArm64 : PosixCalls.OpenDirectory;
        int descriptor = PosixCalls.Open(directory, PosixCalls.OpenReadOnly | directoryFlag | PosixCalls.OpenCloseOnExec, 0);
        if (descriptor < 0)
            throw PosixErrors.FromLastCall(directory, "cannot open the directory to sync it");
        try
        {
            // An interrupted fsync has done nothing yet, so it is the one error after which trying again is sound.
            while (PosixCalls.Sync(descriptor) < 0)
                if (Marshal.GetLastPInvokeError() != PosixCalls.ErrorInterrupted)
                    throw PosixErrors.FromLastCall(directory, "cannot sync the directory");
        }
        finally
        {
            // The descriptor was only read from: there is nothing left that closing it could lose.
            _ = PosixCalls.Close(descriptor);
        }
    }

    public IDisposable Lock(string path)
    {
        // Opening already takes a shared lock and so meets an exclusive one; but .NET can be told not to lock, and this must never be skipped.
        SafeFileHandle handle = PosixErrors.Translate(path, static file =>
            File.OpenHandle(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite));
        if (PosixCalls.Lock(handle, PosixCalls.LockExclusive | PosixCalls.LockNonBlocking) == 0)
            return handle;
        FileSystemException failure = PosixErrors.FromLastCall(path, "cannot lock");
        handle.Dispose();
        throw failure;
    }
}
