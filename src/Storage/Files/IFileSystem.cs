namespace Conclave.Storage;

/// <summary>The few things that the log and the snapshots ask of a file system.</summary>
/// <remarks>
/// Two implementations: <see cref="PosixFileSystem"/> and <see cref="SimulatedFileSystem"/>, whose power can be cut between
/// any two calls. Nothing is durable before the matching sync returned: file contents and length after
/// <see cref="IStorageFile.Sync"/>, names (create, rename, delete) after <see cref="SyncDirectory"/>.
/// Every failure is a <see cref="FileSystemException"/>.
/// </remarks>
public interface IFileSystem
{
    /// <summary>Creates the directory and its missing parents, durably. Does nothing when it exists.</summary>
    void CreateDirectory(string directory);

    /// <summary>Names (without the directory) of the files in it, in ordinal order.</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Opens an existing file for reading and writing.</summary>
    IStorageFile Open(string path);

    /// <summary>Creates an empty file that must not exist yet.</summary>
    IStorageFile Create(string path);

    /// <summary>Gives the file another name, replacing whatever has it.</summary>
    void Rename(string source, string target);

    /// <summary>Removes the name; open handles stay usable.</summary>
    void Delete(string path);

    /// <summary>Makes all creations, renames and deletions in the directory durable.</summary>
    void SyncDirectory(string directory);

    /// <summary>Takes the exclusive lock that the file stands for, creating it; held until disposed or the process ends.</summary>
    /// <exception cref="FileSystemException"><see cref="FileError.Locked"/> when somebody else, also in this process, holds it.</exception>
    IDisposable Lock(string path);
}
