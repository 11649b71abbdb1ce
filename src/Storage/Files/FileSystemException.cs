namespace Conclave.Storage;

/// <summary>Why a file operation failed, as far as a caller acts on it.</summary>
public enum FileError
{
    /// <summary>The device failed, or something unexpected happened.</summary>
    Io,

    /// <summary>No such file or directory.</summary>
    NotFound,

    /// <summary>The name is taken.</summary>
    Exists,

    /// <summary>The disk or the quota is full.</summary>
    NoSpace,

    /// <summary>No permission, or a read-only file system.</summary>
    AccessDenied,

    /// <summary>Somebody else holds the lock.</summary>
    Locked,

    /// <summary>This process or the machine has no file descriptors or memory left for it. It says nothing of the disk.</summary>
    Exhausted,

    /// <summary>The file would be larger than its file system or a limit of this process allows. The disk is as good as before, and only as small for this file.</summary>
    TooLarge,
}

/// <summary>A file operation failed. What is on the disk may be any part of what was asked.</summary>
public class FileSystemException : IOException
{
    public FileSystemException(FileError error, string path, string message, Exception? inner = null)
        : base($"{path}: {message}", inner) => (Error, Path) = (error, path);

    public FileError Error { get; }

    public string Path { get; }
}
