namespace Conclave.Storage;

/// <summary>What a file of a data directory is, by its name.</summary>
public enum DiskFileKind
{
    Other,
    Superblock,

    /// <summary>A segment of the log that counts, or did.</summary>
    Segment,
    Spare,
    Snapshot,

    /// <summary>A copy of a damaged file.</summary>
    Quarantined,
}

internal static class DiskFileKinds
{
    internal static DiskFileKind Of(string path)
    {
        string name = Path.GetFileName(path);
        if (Path.GetFileName(Path.GetDirectoryName(path)) == Quarantine.DirectoryName)
            return DiskFileKind.Quarantined;
        if (name == LogFiles.SuperblockName)
            return DiskFileKind.Superblock;
        if (LogFiles.TryParseSegment(name, out _))
            return DiskFileKind.Segment;
        if (LogFiles.TryParseSpare(name, out _))
            return DiskFileKind.Spare;
        return SnapshotName.TryParse(name, out _) ? DiskFileKind.Snapshot : DiskFileKind.Other;
    }
}
