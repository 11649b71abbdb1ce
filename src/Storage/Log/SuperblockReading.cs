namespace Conclave.Storage;

/// <summary>What the superblock file says when it is opened, good or bad. Reading changes nothing.</summary>
internal sealed class SuperblockReading
{
    private SuperblockReading(SuperblockFinding finding) => Finding = finding;

    internal SuperblockFinding Finding { get; private set; }

    /// <summary>What is wrong, for people; null when nothing is, or when a twin has the truth.</summary>
    internal StorageException? Problem { get; private set; }

    /// <summary>To go on with; null when no content can be trusted.</summary>
    internal SuperblockFile? File { get; private set; }

    /// <summary>Copies that are damaged, or older than their twin.</summary>
    internal int BadCopies { get; private set; }

    internal static SuperblockReading Of(LogFiles names, bool tolerant)
    {
        string path = names.PathOf(LogFiles.SuperblockName);
        if (!names.Files.List(names.Directory).Contains(LogFiles.SuperblockName))
            return new SuperblockReading(SuperblockFinding.Missing);
        IStorageFile file = names.Files.Open(path);
        try
        {
            // A process that was killed may have left an update in the cache that is not on the disk.
            file.Sync();
            file.DropCache();
            byte[] all = new byte[SuperblockFile.FileBytes];
            int read = tolerant ? TolerantReading.Read(file, 0, all) : file.Read(0, all); // what a cut file lacks reads as zeros, which is a damaged copy
            SuperblockReading reading = Understand(path, all, file);
            if (reading.File is not null && file.Length != SuperblockFile.FileBytes)
                reading.NoteLength(path, read, file.Length);
            return reading;
        }
        catch (FileSystemException)
        {
            file.Dispose();
            throw;
        }
    }

    private static SuperblockReading Understand(string path, byte[] all, IStorageFile file)
    {
        var result = new SuperblockReading(SuperblockFinding.Whole);
        SuperblockContent? first = result.ReadPair(path, all, 0), second = result.ReadPair(path, all, 1);
        if (result.Finding == SuperblockFinding.OtherFormat || (first is null && second is null))
        {
            result.Finding = result.Finding == SuperblockFinding.OtherFormat ? SuperblockFinding.OtherFormat : SuperblockFinding.Unreadable;
            file.Dispose();
            return result;
        }
        if (first is not null && second is not null)
        {
            (SuperblockContent older, SuperblockContent newest) = first.Sequence < second.Sequence ? (first, second) : (second, first);
            bool consecutive = newest.Sequence == older.Sequence + 1 && newest.ParentChecksum == older.Checksum;
            bool equal = newest.Sequence == older.Sequence && newest.Checksum == older.Checksum;
            if (!consecutive && !equal)
            {
                result.Finding = SuperblockFinding.Contradictory;
                result.Problem = StorageException.Corrupt(path, 0, $"Its two newest contents, {older.Sequence} and {newest.Sequence}, do not follow each other.");
                file.Dispose();
                return result;
            }
            result.File = new SuperblockFile(file, newest, olderPair: newest == first ? 1 : 0);
            if (result.BadCopies > 0)
                result.Finding = SuperblockFinding.CopyDamaged;
            return result;
        }
        SuperblockContent left = first ?? second!; // one of them, see above
        result.Finding = left.IsOldFormat ? SuperblockFinding.PairDamagedOldFormat : SuperblockFinding.PairDamaged;
        result.File = new SuperblockFile(file, left, olderPair: first is null ? 0 : 1);
        return result;
    }

    private SuperblockContent? ReadPair(string path, ReadOnlySpan<byte> all, int pair)
    {
        SuperblockContent? newest = null;
        string problem = "";
        int good = 0;
        for (int slot = 2 * pair; slot < 2 * pair + 2; slot++)
        {
            HeaderCheck check = SuperblockContent.TryRead(all.Slice(slot * SuperblockFile.SlotBytes, SuperblockContent.Bytes), out SuperblockContent? content, out string found);
            if (check == HeaderCheck.OtherFormat)
            {
                Finding = SuperblockFinding.OtherFormat;
                Problem = new StorageException(StorageErrorKind.WrongFormat, path, slot * SuperblockFile.SlotBytes, found, "Start the version that wrote it.");
                return null;
            }
            if (check == HeaderCheck.Damaged)
                problem = found;
            else if (newest is null || content!.Sequence > newest.Sequence)
                (newest, good) = (content, 1);
            else if (content!.Sequence == newest.Sequence)
                good++;
        }
        BadCopies += 2 - good;
        if (newest is null && Finding != SuperblockFinding.OtherFormat)
            Problem = StorageException.Corrupt(path, 2 * pair * SuperblockFile.SlotBytes, $"{problem} Its twin at byte {(2 * pair + 1) * SuperblockFile.SlotBytes} is damaged too.");
        return newest;
    }

    /// <summary>No crash changes the length: even when every copy that is left can be read, somebody or something has cut the file.</summary>
    private void NoteLength(string path, int read, long length)
    {
        Problem ??= StorageException.Corrupt(path, read, $"The superblock file has {length} bytes instead of {SuperblockFile.FileBytes}.");
        if (Finding is SuperblockFinding.Whole or SuperblockFinding.CopyDamaged)
            Finding = File!.Current.IsOldFormat ? SuperblockFinding.PairDamagedOldFormat : SuperblockFinding.PairDamaged; // not null, see the caller
    }
}
