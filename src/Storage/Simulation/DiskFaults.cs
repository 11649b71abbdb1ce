namespace Conclave.Storage;

/// <summary>The calls of the file port that can be made to fail.</summary>
public enum DiskOperation
{
    Read,
    Write,
    Sync,
    SetLength,
    Create,
    Rename,
    Delete,
    SyncDirectory,
    Reserve,
}

/// <summary>What goes wrong on a <see cref="SimulatedFileSystem"/>. Nothing, unless told.</summary>
public sealed class DiskFaults
{
    private readonly List<Armed> _armed = [];
    private readonly List<(string NameContains, long From, long To)> _badSpots = [];

    /// <summary>The power goes just before the call with this number (see <see cref="SimulatedFileSystem.Steps"/>), or in the middle of it if it is a write.</summary>
    public long? CrashAtStep { get; set; }

    /// <summary>The power goes just before the sync of a file that has at least so many bytes waiting for it, and their beginning is what arrived.</summary>
    public long? CrashBeforeSyncOfBytes { get; set; }

    /// <summary>Writes and reservations that would need more than this fail with <see cref="FileError.NoSpace"/>; pages that were written or reserved can be written again.</summary>
    public long? SpaceBytesMax { get; set; }

    /// <summary>The file system cannot reserve.</summary>
    public bool NoReservations { get; set; }

    /// <summary>Every change fails with <see cref="FileError.AccessDenied"/>.</summary>
    public bool ReadOnly { get; set; }

    /// <summary>Lets calls fail.</summary>
    /// <param name="operation">Which call.</param>
    /// <param name="error">How it fails. A failed write has written a part; a failed sync leaves a part on the disk and the cache looking as if all were well.</param>
    /// <param name="nameContains">Only files whose path contains this; all when empty.</param>
    /// <param name="after">So many matching calls succeed first.</param>
    /// <param name="times">So many then fail.</param>
    public void Fail(DiskOperation operation, FileError error = FileError.Io, string nameContains = "", int after = 0, int times = 1) =>
        _armed.Add(new Armed(operation, error, nameContains) { After = after, Times = times });

    /// <summary>Writes that report success, look right until the cache is dropped or the power goes, and never reach the platter, sync or not.</summary>
    public void LoseWrite(string nameContains = "", int after = 0, int times = 1) => Arm(DiskEffect.LostWrite, nameContains, after, times);

    /// <summary>Writes that report success and land elsewhere in the same file.</summary>
    /// <param name="bySectors">How many sectors further (or before, when negative); stays within the file.</param>
    /// <param name="nameContains">As in <see cref="Fail"/>.</param>
    /// <param name="after">As in <see cref="Fail"/>.</param>
    /// <param name="times">As in <see cref="Fail"/>.</param>
    public void MisdirectWrite(int bySectors, string nameContains = "", int after = 0, int times = 1) =>
        _armed.Add(new Armed(DiskOperation.Write, FileError.Io, nameContains) { Effect = DiskEffect.MisdirectedWrite, BySectors = bySectors, After = after, Times = times });

    /// <summary>Reads that show what the sectors held before the last sync of the file.</summary>
    public void ReadStale(string nameContains = "", int after = 0, int times = 1) => Arm(DiskEffect.StaleRead, nameContains, after, times);

    /// <summary>Renames that no sync of the directory makes durable: the next power cut brings the old name back.</summary>
    public void LoseRename(string nameContains = "", int after = 0, int times = 1) => Arm(DiskEffect.LostRename, nameContains, after, times);

    /// <summary>Every read that touches these bytes fails with <see cref="FileError.Io"/>, until <see cref="Heal"/>: sectors that the disk cannot read any more.</summary>
    public void MakeUnreadable(string nameContains, long offset, long bytes) => _badSpots.Add((nameContains, offset, offset + bytes));

    /// <summary>Everything works again.</summary>
    public void Heal()
    {
        _armed.Clear();
        _badSpots.Clear();
        (CrashAtStep, CrashBeforeSyncOfBytes, SpaceBytesMax, ReadOnly) = (null, null, null, false);
    }

    internal FileError? Take(DiskOperation operation, string path)
    {
        foreach (Armed fault in _armed)
        {
            if (fault.Effect != DiskEffect.Failure || fault.Operation != operation || fault.Times == 0 || !path.Contains(fault.NameContains, StringComparison.Ordinal))
                continue;
            if (fault.After-- > 0)
                continue;
            fault.Times--;
            return fault.Error;
        }
        return null;
    }

    internal bool IsUnreadable(string path, long offset, int bytes) =>
        _badSpots.Exists(spot => path.Contains(spot.NameContains, StringComparison.Ordinal) && offset < spot.To && offset + bytes > spot.From);

    internal bool Takes(DiskEffect effect, string path) => Takes(effect, path, out _);

    internal bool Takes(DiskEffect effect, string path, out int bySectors)
    {
        bySectors = 0;
        foreach (Armed fault in _armed)
        {
            if (fault.Effect != effect || fault.Times == 0 || !path.Contains(fault.NameContains, StringComparison.Ordinal))
                continue;
            if (fault.After-- > 0)
                continue;
            fault.Times--;
            bySectors = fault.BySectors;
            return true;
        }
        return false;
    }

    private void Arm(DiskEffect effect, string nameContains, int after, int times) =>
        _armed.Add(new Armed(DiskOperation.Write, FileError.Io, nameContains) { Effect = effect, After = after, Times = times });

    private sealed record Armed(DiskOperation Operation, FileError Error, string NameContains)
    {
        public DiskEffect Effect { get; init; }

        public int BySectors { get; init; }

        public int After { get; set; }

        public int Times { get; set; }
    }
}

/// <summary>What an armed fault does.</summary>
internal enum DiskEffect
{
    /// <summary>The call fails.</summary>
    Failure,
    LostWrite,
    MisdirectedWrite,
    StaleRead,
    LostRename,
}
