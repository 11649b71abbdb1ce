namespace Conclave.Storage;

/// <summary>What is wrong with the data directory.</summary>
public enum StorageErrorKind
{
    /// <summary>Bytes that were acknowledged cannot be read back, or files contradict each other.</summary>
    Corrupt,

    /// <summary>The data belongs to another cluster.</summary>
    WrongCluster,

    /// <summary>The data belongs to another member of the cluster.</summary>
    WrongMember,

    /// <summary>Written by a version with another format.</summary>
    WrongFormat,

    /// <summary>The directory is empty, and no identity was given to format it with.</summary>
    NotFormatted,

    /// <summary>Another process uses the directory.</summary>
    Locked,

    /// <summary>No permission to write, or a read-only file system.</summary>
    NotWritable,

    /// <summary>The disk is full, or a file must not become so large on it.</summary>
    NoSpace,

    /// <summary>The device failed.</summary>
    Io,

    /// <summary>A write or a sync failed before; nothing is accepted any more until the process starts again.</summary>
    Poisoned,
}

/// <summary>The durable state cannot be used. Names the file, the place and what a person can do.</summary>
public sealed class StorageException : Exception
{
    public StorageException(StorageErrorKind kind, string file, long? offset, string problem, string remedy, Exception? inner = null)
        : base(offset is { } at ? $"{file}, byte {at}: {problem} {remedy}" : $"{file}: {problem} {remedy}", inner) =>
        (Kind, File, Offset, Problem, Remedy) = (kind, file, offset, problem, remedy);

    public StorageErrorKind Kind { get; }

    /// <summary>Path of the file, or of the directory when the whole of it is meant.</summary>
    public string File { get; }

    /// <summary>Where in the file, in bytes, if known.</summary>
    public long? Offset { get; }

    /// <summary>Entries are damaged and so may be the newest vote, in both places that hold it: nothing that a repair could make good.</summary>
    internal bool IsVoteLost { get; init; }

    /// <summary>What is wrong, without the file and the remedy.</summary>
    internal string Problem { get; }

    /// <summary>What is wrong and where, without the remedy.</summary>
    internal string FullProblem => Offset is { } at ? $"{File}, byte {at}: {Problem}" : $"{File}: {Problem}";

    /// <summary>What to do now, in words for an operator.</summary>
    public string Remedy { get; }

    internal static StorageException Corrupt(string file, long? offset, string problem) => new(StorageErrorKind.Corrupt, file, offset, problem,
        "Do not delete single files, and keep the directory for inspection. If the other members have a majority, replace this one: conclave member replace, with its name, says how. A single member needs a backup.");

    /// <summary>A failure of the file system while opening, in the words of this layer.</summary>
    internal static StorageException From(FileSystemException failure) => failure.Error switch
    {
        FileError.Locked => new(StorageErrorKind.Locked, failure.Path, null, "Another process uses this data directory.",
            "Stop it first, or give this node a directory of its own.", failure),
        FileError.AccessDenied => new(StorageErrorKind.NotWritable, failure.Path, null, "It cannot be written.",
            "Give the node's user write permission, and check that the file system is not mounted read-only.", failure),
        FileError.NoSpace => new(StorageErrorKind.NoSpace, failure.Path, null, "The disk is full.", "Free some space, then start the node again.", failure),
        FileError.TooLarge => new(StorageErrorKind.NoSpace, failure.Path, null, $"{failure.Message}.", "Raise the limit (ulimit -f), or move the data directory to a file system that holds larger files.", failure),
        FileError.Exhausted => new(StorageErrorKind.Io, failure.Path, null, $"{failure.Message}.", "Give the process more file descriptors (ulimit -n) or memory.", failure),
        _ => new(StorageErrorKind.Io, failure.Path, null, $"{failure.Message}.", "Check the disk and the path, then start the node again.", failure),
    };
}
