using System.Buffers.Binary;
using Conclave.Raft;

namespace Conclave.Storage.Tests;

/// <summary>Every opening counts, durably.</summary>
public class BootTests
{
    private readonly SimulatedFileSystem _disk = new(seed: 12);

    [Fact]
    public void Every_opening_has_a_higher_boot_and_another_nonce()
    {
        using var session = new LogSession(_disk);
        RecoveredLog before = session.Open();
        Assert.Equal(1UL, before.Boot);
        for (int i = 0; i < 5; i++)
        {
            RecoveredLog again = i % 2 == 0 ? session.Restart(powerCut: true) : session.Reopen();
            Assert.Equal((before.Boot + 1, session.Log.Boot), (again.Boot, again.Boot));
            Assert.NotEqual(before.BootNonce, again.BootNonce);
            before = again;
        }
    }

    [Fact]
    public void A_nonce_that_was_given_is_used()
    {
        var nonce = new Guid(5, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0);
        using var session = new LogSession(_disk, LogSession.SmallFiles with { BootNonce = nonce });
        Assert.Equal(nonce, session.Open().BootNonce);
    }

    [Fact]
    public void No_crash_makes_a_boot_repeat_itself()
    {
        for (int step = 1; ; step++)
        {
            var disk = new SimulatedFileSystem((ulong)step);
            ulong highest = 0;
            bool crashed = false;
            disk.Faults.CrashAtStep = step;
            for (int i = 0; i < 4; i++)
            {
                try
                {
                    using DurableLog log = DurableLog.Open(disk, LogSession.Directory, LogSession.SmallFiles, out RecoveredLog recovered);
                    Assert.True(recovered.Boot > highest);
                    highest = recovered.Boot;
                }
                catch (StorageException) when (disk.IsDown)
                {
                }
                crashed |= disk.IsDown;
                disk.PowerCut();
            }
            if (!crashed)
                return;
        }
    }

    [Fact]
    public void A_kill_in_the_middle_of_an_update_and_another_one_in_the_next_opening_leave_a_superblock_that_can_be_read()
    {
        // Found by the simulator: the first leaves one copy of a pair newer than its twin, the second tears that copy, and the twin was two updates behind.
        for (ulong seed = 0; seed < 1500; seed++)
        {
            var disk = new SimulatedFileSystem(seed);
            using var session = new LogSession(disk);
            session.Open();
            session.Vote(2, 8);
            disk.Faults.CrashAtStep = disk.Steps + 3; // the batch is written and synced, then comes the superblock
            Assert.Throws<StorageException>(() => session.Vote(3, 9));
            disk.KillProcess();
            disk.Faults.CrashAtStep = disk.Steps + 6; // three syncs before anything is decided, then write and sync of one pair, then the other pair
            try
            {
                session.Open();
            }
            catch (StorageException) when (disk.IsDown)
            {
            }
            session.Restart(powerCut: false);
        }
    }

    [Fact]
    public void A_copy_of_the_directory_that_is_older_shows_a_lower_boot()
    {
        using var session = new LogSession(_disk);
        session.Open();
        _disk.KillProcess();
        SimulatedFileSystem backup = _disk.Copy(5);
        session.Open();
        session.Reopen();
        using DurableLog restored = DurableLog.Open(backup, LogSession.Directory, LogSession.SmallFiles, out RecoveredLog older);
        Assert.True(older.Boot < session.Log.Boot);
    }

    [Fact]
    public void A_directory_of_the_first_format_opens_and_is_of_the_second_from_then_on()
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Vote(3, 8);
        session.Append(100);
        session.Reopen();
        _disk.KillProcess();
        _disk.Overwrite("/data/superblock", 0, InFirstFormat(_disk.ReadAll("/data/superblock")));

        RecoveredLog opened = session.Open(); // compares with the model
        Assert.Equal((1UL, EntryId.Zero), (opened.Boot, opened.LostEnd)); // boot 0 was read, and raised
        Assert.Equal(LogSession.SmallFiles.Bootstrap, opened.Bootstrap);
        Assert.Equal(2UL, session.Reopen().Boot);
    }

    [Fact]
    public void A_damaged_pair_of_the_first_format_is_refused_with_or_without_repair()
    {
        using (var session = new LogSession(_disk))
            session.Open();
        byte[] old = InFirstFormat(_disk.ReadAll("/data/superblock"));
        old[200] ^= 1;
        old[4096 + 200] ^= 1;
        _disk.Overwrite("/data/superblock", 0, old);
        Assert.Throws<StorageException>(() => DurableLog.Open(_disk, LogSession.Directory, Reopened.Repairing, out _));
    }

    /// <summary>The same content as the version before wrote it: no lost end, no boot, the membership at 112, and the newest content in one pair only.</summary>
    private static byte[] InFirstFormat(byte[] superblock)
    {
        byte[] old = (byte[])superblock.Clone();
        uint parent = 0;
        for (int pair = 0; pair < 2; pair++)
        {
            Span<byte> sector = old.AsSpan(2 * pair * 4096, 512);
            int membershipBytes = BinaryPrimitives.ReadInt32LittleEndian(sector[60..]);
            sector.Slice(136, membershipBytes).ToArray().CopyTo(sector[112..]);
            sector[(112 + membershipBytes)..].Clear();
            sector[12] = 1;
            BinaryPrimitives.WriteUInt64LittleEndian(sector[48..], 20 + (ulong)pair);
            BinaryPrimitives.WriteUInt32LittleEndian(sector[56..], parent);
            BinaryPrimitives.WriteUInt32LittleEndian(sector[8..], parent = Crc32C.Of(sector[12..]));
            sector.CopyTo(old.AsSpan((2 * pair + 1) * 4096));
        }
        return old;
    }
}
