namespace Conclave.Agent;

/// <summary>The few calls that the agent makes to a file system. The real one and the one of the crash tests.</summary>
public interface IFiles
{
    /// <returns>Null when there is nothing.</returns>
    byte[]? Read(string path);

    /// <summary>What is there itself, links not followed.</summary>
    /// <returns>Null when there is nothing.</returns>
    FileStat? Look(string path);

    /// <summary>A new file in place of whatever has the name: content, owner and mode are set and synced when it returns, its name in the directory is not. Nobody else can read it before it has its mode.</summary>
    /// <exception cref="FileFailure">Nothing is there then.</exception>
    void Write(string path, ReadOnlySpan<byte> bytes, UnixFileMode mode, FileOwner owner);

    /// <summary>Replaces the target at one moment.</summary>
    void Rename(string path, string target);

    void SyncDirectory(string directory);

    /// <summary>Nothing being there is fine.</summary>
    void Delete(string path);

    /// <summary>With those above it; for the agent's user alone.</summary>
    void CreateDirectory(string directory);

    /// <summary>Names of files.</summary>
    IReadOnlyList<string> List(string directory);
}

/// <summary>Who owns a file, by number; null leaves it.</summary>
public readonly record struct FileOwner(uint? User, uint? Group);

/// <summary>What a name is.</summary>
public readonly record struct FileStat(FileKind Kind, UnixFileMode Mode, uint User, uint Group);

public enum FileKind
{
    File,
    Directory,
    Link,
    Other,
}

/// <summary>A file could not be read or written: which, and why.</summary>
public sealed class FileFailure(string message, Exception? cause = null) : Exception(message, cause);
