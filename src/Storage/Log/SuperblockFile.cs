using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>The superblock on disk: two pairs of equal copies.</summary>
/// <remarks>
/// <para>Each copy is one sector in a page of its own, so a power cut leaves it old or new, never in between. An update writes both
/// copies of the older pair: until its sync returns, the other pair still holds the state before. Then it writes the same to the other pair. Nothing is
/// built on an update before all four copies hold it.</para>
/// <para>A copy that does not check out is therefore damage, and its twin has the truth. When both copies of a pair are damaged, the other pair holds the
/// same, or an update less that nothing was built on: enough for a repair. The exception is term and vote, see <see cref="UpdateHardState"/>.</para>
/// </remarks>
internal sealed class SuperblockFile : IDisposable
{
    internal const int SlotBytes = 4096, Slots = 4, FileBytes = Slots * SlotBytes;

    private readonly IStorageFile _file;
    private readonly byte[] _pair = new byte[SlotBytes + SuperblockContent.Bytes];
    private int _olderPair;

    internal SuperblockFile(IStorageFile file, SuperblockContent current, int olderPair) => (_file, Current, _olderPair) = (file, current, olderPair);

    /// <summary>The newest content; durable, except between <see cref="SuperblockReading.Of"/> and the first update, which every opening makes.</summary>
    internal SuperblockContent Current { get; private set; }

    /// <summary>Deliberate mistakes, for tests.</summary>
    internal StorageFaults Faults { get; set; }

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
        return new SuperblockFile(names.Files.Open(path), written, olderPair: 0);
    }

    /// <summary>
    /// Makes the copies of each pair equal again, before anything is updated: an update that is interrupted may tear one copy of a pair, and then the twin must have
    /// what the pair held, not something older.
    /// </summary>
    internal void EqualizeCopies()
    {
        byte[] sector = new byte[SuperblockContent.Bytes], wanted = new byte[SuperblockContent.Bytes];
        for (int slot = 0; slot < Slots; slot++)
        {
            bool good = TryRead(slot, sector, out SuperblockContent? own), twinGood = TryRead(slot ^ 1, wanted, out SuperblockContent? twin);
            if (twinGood && (!good || own!.Sequence < twin!.Sequence)) // good, so they were read
                _file.Write(slot * SlotBytes, wanted);
        }
        _file.Sync();
    }

    /// <summary>Makes the content durable in all four copies, with the next sequence number. Two syncs.</summary>
    internal void Update(SuperblockContent next)
    {
        UpdateOlderPair(next);
        if ((Faults & StorageFaults.SuperblockOnePair) == 0)
            WritePair(_olderPair);
    }

    /// <summary>
    /// The same with one sync, and only the older pair: on the way of every vote. Term and vote are in the log too, so a damaged pair alone does not lose them; a
    /// damaged pair together with a damaged end of the log does, and recovery knows that.
    /// </summary>
    internal void UpdateHardState(HardState hardState) => UpdateOlderPair(Current with { HardState = hardState });

    /// <summary>A file that was cut gets its length back, so that the next update finds room for every copy.</summary>
    internal void RestoreLength()
    {
        if (_file.Length != FileBytes)
            _file.SetLength(FileBytes);
    }

    public void Dispose() => _file.Dispose();

    private bool TryRead(int slot, byte[] sector, out SuperblockContent? content)
    {
        Array.Clear(sector);
        TolerantReading.Read(_file, slot * SlotBytes, sector); // what is unreadable or missing is a bad copy
        return SuperblockContent.TryRead(sector, out content, out _) == HeaderCheck.Good;
    }

    private void UpdateOlderPair(SuperblockContent next)
    {
        if ((Faults & StorageFaults.KeepBoot) != 0)
            next = next with { Boot = Current.Boot };
        SuperblockContent linked = next with { Sequence = Current.Sequence + 1, ParentChecksum = Current.Checksum };
        SuperblockContent written = linked.Write(_pair);
        _pair.AsSpan(0, SuperblockContent.Bytes).CopyTo(_pair.AsSpan(SlotBytes));
        WritePair(_olderPair);
        (Current, _olderPair) = (written, 1 - _olderPair);
    }

    private void WritePair(int pair)
    {
        bool one = (Faults & StorageFaults.SuperblockOneCopy) != 0;
        _file.Write(pair * 2L * SlotBytes, one ? _pair.AsSpan(0, SuperblockContent.Bytes) : _pair);
        _file.Sync();
    }
}
