using System.Buffers.Binary;
using Conclave.Raft;

namespace Conclave.Storage.Tests;

/// <summary>Directories of earlier releases. The numbers are those of the list of known bugs of the specification.</summary>
public class UpgradeTests
{
    private const string Superblock = LogSession.Directory + "/" + LogFiles.SuperblockName;

    [Fact]
    public void Bug_49_A_directory_of_the_first_format_is_read_goes_on_and_has_the_newest_format_from_its_first_start_on()
    {
        var disk = new SimulatedFileSystem(49);
        using var session = new LogSession(disk);
        session.Open();
        session.Vote(3, 8);
        session.Append(10, 900, 3000);
        session.Append(20_000); // rolls over
        session.Log.Dispose();
        MakeFirstFormat(disk);

        RecoveredLog recovered = session.Open(); // compares with what was acknowledged: entries, term and vote
        Assert.Equal((1UL, EntryId.Zero), (recovered.Boot, recovered.LostEnd)); // there were no such fields
        Assert.Equal(LogSession.SmallFiles.Bootstrap, recovered.Bootstrap);
        Assert.Equal(2, FormatOf(disk));

        session.Append(7);
        session.Vote(4, 9);
        Assert.Equal(2UL, session.Restart(powerCut: true).Boot);
    }

    [Fact]
    public void Bug_49_A_power_cut_anywhere_in_the_first_start_on_an_old_directory_loses_nothing()
    {
        for (int step = 1; ; step++)
        {
            var disk = new SimulatedFileSystem((ulong)step);
            using var session = new LogSession(disk);
            session.Open();
            session.Vote(3, 8);
            session.Append(10, 900);
            session.Log.Dispose();
            MakeFirstFormat(disk);
            disk.Faults.CrashAtStep = disk.Steps + step;
            bool crashed = false;
            try
            {
                session.Open();
            }
            catch (StorageException)
            {
                crashed = true;
            }
            disk.Faults.CrashAtStep = null;
            session.Restart(powerCut: true);
            Assert.Equal(2, FormatOf(disk));
            if (!crashed) return;
        }
    }

    [Fact]
    public void Bug_49_A_directory_of_a_later_format_is_refused_as_it_is_and_not_called_damaged()
    {
        var disk = new SimulatedFileSystem(49);
        using var session = new LogSession(disk, LogSession.SmallFiles with { AllowRepair = true });
        session.Open();
        session.Append(10);
        session.Log.Dispose();
        Rewrite(disk, sector => BinaryPrimitives.WriteUInt16LittleEndian(sector.AsSpan(12), 3));
        byte[] before = disk.ReadAll(Superblock);
        StorageException refused = Assert.Throws<StorageException>(session.Open);
        Assert.Equal(StorageErrorKind.WrongFormat, refused.Kind);
        Assert.Equal(before, disk.ReadAll(Superblock));
    }

    private static int FormatOf(SimulatedFileSystem disk) => BinaryPrimitives.ReadUInt16LittleEndian(disk.ReadAll(Superblock).AsSpan(12));

    /// <summary>The first format had no lost end and no number of starts: its membership stood 24 bytes further up.</summary>
    private static void MakeFirstFormat(SimulatedFileSystem disk) => Rewrite(disk, sector =>
    {
        BinaryPrimitives.WriteUInt16LittleEndian(sector.AsSpan(12), 1);
        sector.AsSpan(136, SuperblockContent.Bytes - 136).CopyTo(sector.AsSpan(112));
        sector.AsSpan(SuperblockContent.Bytes - 24).Clear();
    });

    /// <summary>All copies, the older content first: the newer one names its checksum.</summary>
    private static void Rewrite(SimulatedFileSystem disk, Action<byte[]> change)
    {
        byte[] all = disk.ReadAll(Superblock);
        (ulong Sequence, uint Checksum) before = default;
        foreach (int slot in Enumerable.Range(0, SuperblockFile.Slots).OrderBy(SequenceOf))
        {
            byte[] sector = all[(slot * SuperblockFile.SlotBytes)..(slot * SuperblockFile.SlotBytes + SuperblockContent.Bytes)];
            change(sector);
            if (before.Sequence + 1 == SequenceOf(slot))
                BinaryPrimitives.WriteUInt32LittleEndian(sector.AsSpan(56), before.Checksum);
            uint checksum = Crc32C.Of(sector.AsSpan(12));
            BinaryPrimitives.WriteUInt32LittleEndian(sector.AsSpan(8), checksum);
            disk.Overwrite(Superblock, slot * SuperblockFile.SlotBytes, sector);
            if (before.Sequence == 0)
                before = (SequenceOf(slot), checksum); // the other copies of the same content have the same
        }

        ulong SequenceOf(int slot) => BinaryPrimitives.ReadUInt64LittleEndian(all.AsSpan(slot * SuperblockFile.SlotBytes + 48));
    }
}
