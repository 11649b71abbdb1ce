using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Storage.Tests;

/// <summary>The simulated disk keeps what was synced, and is as treacherous as a real one about the rest.</summary>
public class SimulatedFileSystemTests(ITestOutputHelper output)
{
    private const string Path = "/d/f";

    [Fact]
    public void One_seed_gives_one_run() => Properties.Holds(Prop.ForAll((ulong seed, byte[] writes) =>
        ContentAfterCut(seed, writes).SequenceEqual(ContentAfterCut(seed, writes))), output);

    [Fact]
    public void Synced_bytes_survive_and_unsynced_sectors_are_old_or_new()
    {
        var outcomes = new HashSet<string>();
        for (ulong seed = 0; seed < 60; seed++)
        {
            var disk = new SimulatedFileSystem(seed);
            IStorageFile file = disk.Create(Path);
            disk.SyncDirectory("/d");
            file.Write(0, Filled(4096, 1));
            file.Sync();
            file.Write(0, Filled(1536, 2));
            disk.PowerCut();
            byte[] left = disk.ReadAll(Path);
            Assert.Equal(4096, left.Length);
            Assert.All(left.Skip(1536), value => Assert.Equal(1, value));
            Assert.All(left.Chunk(512), sector => Assert.Single(sector.Distinct()));
            outcomes.Add($"{left[0]}{left[512]}{left[1024]}");
        }
        Assert.Equal(8, outcomes.Count); // every combination: torn and reordered
    }

    [Fact]
    public void Names_that_were_not_synced_may_be_lost_in_any_combination()
    {
        var outcomes = new HashSet<string>();
        for (ulong seed = 0; seed < 100; seed++)
        {
            var disk = new SimulatedFileSystem(seed);
            disk.Create("/d/kept");
            disk.Create("/d/old");
            disk.SyncDirectory("/d");
            disk.Create("/d/new");
            disk.Rename("/d/old", "/d/renamed");
            disk.PowerCut();
            Assert.Contains("kept", disk.List("/d"));
            outcomes.Add(string.Join(',', disk.List("/d")));
        }
        Assert.Equal(4, outcomes.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Space_that_was_reserved_is_lost_with_the_power_or_is_not_and_never_once_it_was_synced(bool synced)
    {
        var outcomes = new HashSet<long>();
        for (ulong seed = 0; seed < 60; seed++)
        {
            var disk = new SimulatedFileSystem(seed);
            IStorageFile file = disk.Create(Path);
            disk.SyncDirectory("/d");
            file.SetLength(64 << 10);
            file.Sync();
            Assert.True(file.Reserve(64 << 10));
            if (synced) file.Sync();
            disk.PowerCut();
            Assert.All(disk.ReadAll(Path), value => Assert.Equal(0, value));   // place or not, it reads the same
            outcomes.Add(disk.UsedBytes);
        }

        Assert.Equal(synced ? [64 << 10] : [0, 64 << 10], outcomes.Order());
    }

    [Fact]
    public void A_failed_sync_is_followed_by_false_successes()
    {
        int lost = 0;
        for (ulong seed = 0; seed < 20; seed++)
        {
            var disk = new SimulatedFileSystem(seed);
            IStorageFile file = disk.Create(Path);
            file.SetLength(4096);
            file.Sync();
            disk.SyncDirectory("/d");
            file.Write(0, Filled(4096, 5));
            disk.Faults.Fail(DiskOperation.Sync);
            Assert.Throws<FileSystemException>(file.Sync);
            Assert.Equal(Filled(4096, 5), disk.ReadAll(Path)); // the cache still shows it
            file.Sync(); // succeeds and does nothing
            file.DropCache();
            lost += disk.ReadAll(Path).SequenceEqual(Filled(4096, 5)) ? 0 : 1;
        }
        Assert.InRange(lost, 10, 20);
    }

    [Fact]
    public void A_killed_process_loses_its_handles_and_locks_and_nothing_else()
    {
        var disk = new SimulatedFileSystem(1);
        IStorageFile file = disk.Create(Path);
        file.Write(0, [1, 2, 3]);
        disk.Lock("/d/LOCK");
        disk.KillProcess();
        Assert.Throws<SimulatedCrashException>(() => file.Write(0, [9]));
        disk.Lock("/d/LOCK").Dispose();
        Assert.Equal([1, 2, 3], disk.ReadAll(Path));
    }

    [Fact]
    public void Reading_agrees_with_a_plain_array() => Properties.Holds(Prop.ForAll((byte[] steps) =>
    {
        var disk = new SimulatedFileSystem(1);
        IStorageFile file = disk.Create(Path);
        byte[] model = [];
        for (int i = 0; i + 2 < steps.Length; i += 3)
        {
            int offset = steps[i] * 40, length = steps[i + 1] * 40;
            switch (steps[i + 2] % 4)
            {
                case 0:
                    file.SetLength(offset);
                    Array.Resize(ref model, offset);
                    break;
                case 1:
                    file.Sync();
                    break;
                default:
                    byte[] data = Filled(length, (byte)(steps[i + 2] / 4 % 3));
                    file.Write(offset, data);
                    if (length > 0)
                        Array.Resize(ref model, Math.Max(model.Length, offset + length));
                    data.CopyTo(model, Math.Min(offset, model.Length));
                    break;
            }
            if (!disk.ReadAll(Path).SequenceEqual(model))
                return false;
        }
        return disk.Copy(2).ReadAll(Path).SequenceEqual(model);
    }), output, tests: 300);

    [Fact]
    public void A_lost_write_looks_right_until_the_cache_is_dropped()
    {
        (SimulatedFileSystem disk, IStorageFile file) = WithDurable(1);
        disk.Faults.LoseWrite();
        file.Write(0, Filled(4096, 2));
        file.Sync();
        Assert.Equal(Filled(4096, 2), disk.ReadAll(Path));
        file.DropCache();
        Assert.Equal(Filled(4096, 1), disk.ReadAll(Path));
    }

    [Fact]
    public void A_misdirected_write_leaves_its_place_as_it_was()
    {
        (SimulatedFileSystem disk, IStorageFile file) = WithDurable(1);
        disk.Faults.MisdirectWrite(bySectors: 2);
        file.Write(0, Filled(512, 2));
        byte[] left = disk.ReadAll(Path);
        Assert.Equal((1, 2, 1), (left[0], left[1024], left[1536]));
    }

    [Fact]
    public void A_stale_read_shows_what_was_there_before_the_last_sync()
    {
        (SimulatedFileSystem disk, IStorageFile file) = WithDurable(1);
        file.Write(512, Filled(512, 2));
        file.Sync();
        disk.Faults.ReadStale();
        byte[] read = new byte[1024];
        file.Read(0, read);
        Assert.Equal(Filled(1024, 1), read);
        file.Read(0, read);
        Assert.Equal(2, read[512]);
    }

    [Fact]
    public void A_lost_rename_comes_back_with_the_power()
    {
        (SimulatedFileSystem disk, _) = WithDurable(1);
        disk.Faults.LoseRename();
        disk.Rename(Path, "/d/g");
        disk.SyncDirectory("/d");
        Assert.Equal(["g"], disk.List("/d"));
        disk.PowerCut();
        Assert.Equal(["f"], disk.List("/d"));
    }

    [Fact]
    public void A_disk_is_restored_from_a_copy_and_wiped()
    {
        (SimulatedFileSystem disk, IStorageFile file) = WithDurable(1);
        SimulatedFileSystem backup = disk.Clone();
        file.Write(0, Filled(4096, 2));
        disk.Create("/d/other");
        disk.RestoreFrom(backup);
        Assert.Equal(["f"], disk.List("/d"));
        Assert.Equal(Filled(4096, 1), disk.ReadAll(Path));
        Assert.Throws<SimulatedCrashException>(() => file.Write(0, [1]));
        disk.PowerCut();
        Assert.Equal(Filled(4096, 1), disk.ReadAll(Path));
        disk.Wipe();
        Assert.Empty(disk.List("/d"));
        Assert.Single(backup.List("/d"));
    }

    [Fact]
    public void Random_bits_flip_in_files_of_one_kind_and_the_seed_says_where()
    {
        byte[] Flipped(ulong seed)
        {
            var disk = new SimulatedFileSystem(seed);
            foreach (string name in (string[])["superblock", "wal-0000000001.log"])
                disk.Create("/d/" + name).Write(0, new byte[9000]);
            Assert.Equal(["/d/wal-0000000001.log", "/d/wal-0000000001.log"], disk.FlipRandomBits(DiskFileKind.Segment, bits: 2));
            Assert.Empty(disk.FlipRandomBits(DiskFileKind.Snapshot));
            Assert.Equal(new byte[9000], disk.ReadAll("/d/superblock"));
            return disk.ReadAll("/d/wal-0000000001.log");
        }
        Assert.Equal(2, Flipped(3).Sum(value => System.Numerics.BitOperations.PopCount(value)));
        Assert.Equal(Flipped(3), Flipped(3));
    }

    private static (SimulatedFileSystem, IStorageFile) WithDurable(byte value)
    {
        var disk = new SimulatedFileSystem(4);
        IStorageFile file = disk.Create(Path);
        file.Write(0, Filled(4096, value));
        file.Sync();
        disk.SyncDirectory("/d");
        return (disk, file);
    }

    private static byte[] ContentAfterCut(ulong seed, byte[] writes)
    {
        var disk = new SimulatedFileSystem(seed);
        IStorageFile file = disk.Create(Path);
        disk.SyncDirectory("/d");
        foreach (byte write in writes)
        {
            file.Write(write * 100, Filled(write * 20, write));
            if (write % 5 == 0)
                file.Sync();
        }
        disk.PowerCut();
        return disk.ReadAll(Path);
    }

    private static byte[] Filled(int length, byte value)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, value);
        return bytes;
    }
}
