using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>The superblock on disk: two pairs of equal copies, written in turn.</summary>
/// <remarks>
/// <para>Each copy is one sector in a page of its own, so a power cut leaves it old or new, never in between. An update writes both
/// copies of the older pair: until its sync returns, the other pair still holds the state before.</para>
/// <para>A copy that does not check out is therefore damage, and its twin has the truth. When both copies of a pair are damaged nobody
/// can tell how new they were, and the log refuses to open rather than go back to an older state.</para>
/// </remarks>
internal sealed class SuperblockFile : IDisposable
{
    internal const int SlotBytes = 4096, Slots = 4, FileBytes = Slots * SlotBytes;

    private readonly IStorageFile _file;
    private readonly byte[] _pair = new byte[SlotBytes + SuperblockContent.Bytes];

    private SuperblockFile(IStorageFile file, SuperblockContent current) => (_file, Current) = (file, current);

    /// <summary>The newest content; durable, except between <see cref="Open"/> and <see cref="Repair"/> after a crash.</summary>
    internal SuperblockContent Current { get; private set; }

    internal static SuperblockFile Create(LogFiles names, SuperblockContent first)
    {
        string path = names.PathOf(LogFiles.SuperblockName), temporary = path + LogFiles.TemporarySuffix;
        IStorageFile file = names.Files.Create(temporary);
        byte[] all = new byte[FileBytes];
        SuperblockContent written = first;
        for (int slot = 0; slot < Slots; slot++)
            written = first.Write(all.AsSpan(slot * SlotBytes));
        file.Write(0, all);
        file.Sync();
        file.Dispose();
        names.Files.Rename(temporary, path);
        names.Files.SyncDirectory(names.Directory);
        return new SuperblockFile(names.Files.Open(path), written);
    }

    /// <exception cref="StorageException">Damaged, or of another format.</exception>
    internal static SuperblockFile Open(LogFiles names)
    {
        string path = names.PathOf(LogFiles.SuperblockName);
        IStorageFile file = names.Files.Open(path);
        // A process that was killed may have left an update in the cache that is not on the disk.
        file.Sync();
        file.DropCache();
        long length = file.Length;
        if (length != FileBytes)
            throw StorageException.Corrupt(path, Math.Min(length, FileBytes), $"The superblock file has {length} bytes instead of {FileBytes}.");
        byte[] all = new byte[FileBytes];
        Invariant.Holds(file.Read(0, all) == FileBytes, "The length was just checked, and the directory is locked.");

        SuperblockContent first = ReadPair(path, all, 0), second = ReadPair(path, all, 1);
        (SuperblockContent older, SuperblockContent newest) = first.Sequence < second.Sequence ? (first, second) : (second, first);
        bool consecutive = newest.Sequence == older.Sequence + 1 && newest.ParentChecksum == older.Checksum;
        bool justCreated = newest.Sequence == older.Sequence && newest.Checksum == older.Checksum;
        if (!consecutive && !justCreated)
            throw StorageException.Corrupt(path, 0, $"Its two newest contents, {older.Sequence} and {newest.Sequence}, do not follow each other.");
        return new SuperblockFile(file, newest);
    }

    /// <summary>Writes missing and damaged copies again, so that the next damage finds two good ones. The number of copies written.</summary>
    internal int Repair()
    {
        byte[] sector = new byte[SuperblockContent.Bytes], wanted = new byte[SuperblockContent.Bytes];
        int repaired = 0;
        for (int slot = 0; slot < Slots; slot++)
        {
            Invariant.Holds(_file.Read(slot * SlotBytes, sector) == sector.Length, "The length was checked.");
            Invariant.Holds(_file.Read((slot ^ 1) * SlotBytes, wanted) == wanted.Length, "The length was checked.");
            bool good = SuperblockContent.TryRead(sector, out SuperblockContent? own, out _) == HeaderCheck.Good;
            bool twinGood = SuperblockContent.TryRead(wanted, out SuperblockContent? twin, out _) == HeaderCheck.Good;
            if (twinGood && (!good || own!.Sequence < twin!.Sequence))
            {
                _file.Write(slot * SlotBytes, wanted);
                repaired++;
            }
        }
        if (repaired > 0)
            _file.Sync();
        return repaired;
    }

    /// <summary>Makes the content durable, with the next sequence number.</summary>
    internal void Update(SuperblockContent next)
    {
        SuperblockContent linked = next with { Sequence = Current.Sequence + 1, ParentChecksum = Current.Checksum };
        SuperblockContent written = linked.Write(_pair);
        _pair.AsSpan(0, SuperblockContent.Bytes).CopyTo(_pair.AsSpan(SlotBytes));
        _file.Write((long)(linked.Sequence % 2) * 2 * SlotBytes, _pair);
        _file.Sync();
        Current = written;
    }

    public void Dispose() => _file.Dispose();

    private static SuperblockContent ReadPair(string path, ReadOnlySpan<byte> all, int pair)
    {
        SuperblockContent? newest = null;
        string problem = "";
        for (int slot = 2 * pair; slot < 2 * pair + 2; slot++)
        {
            HeaderCheck check = SuperblockContent.TryRead(all.Slice(slot * SlotBytes, SuperblockContent.Bytes), out SuperblockContent? content, out string found);
            if (check == HeaderCheck.OtherFormat)
                throw new StorageException(StorageErrorKind.WrongFormat, path, slot * SlotBytes, found, "Start the version that wrote it.");
            if (check == HeaderCheck.Damaged)
                problem = found;
            else if (newest is null || content!.Sequence > newest.Sequence)
                newest = content;
        }
        return newest ?? throw StorageException.Corrupt(path, 2 * pair * SlotBytes, $"{problem} Its twin at byte {(2 * pair + 1) * SlotBytes} is damaged too.");
    }
}
