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
