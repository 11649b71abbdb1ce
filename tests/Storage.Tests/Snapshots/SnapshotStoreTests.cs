using Conclave.Raft;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Storage.Tests;

public class SnapshotStoreTests(ITestOutputHelper output)
{
    private const string Directory = "/data";
    private static readonly Membership Members = Membership.Of(new NodeId(7), new NodeId(8), new NodeId(9));
    private readonly SimulatedFileSystem _disk = new(seed: 4);

    [Theory, InlineData(0), InlineData(1), InlineData(65536), InlineData(65537), InlineData(300_000)]
    public void What_is_written_is_read_back(int bytes)
    {
        var store = new SnapshotStore(_disk, Directory, clusterId: 5);
        byte[] content = Content(bytes);
        using (SnapshotFile written = Write(store, 10, content))
            Assert.Equal((bytes, At(10)), (written.LengthBytes, written.Id.Last));
        _disk.PowerCut();
        using SnapshotFile file = new SnapshotStore(_disk, Directory, clusterId: 5).Latest()!;
        Assert.Equal(Members, file.Id.Membership);
        Assert.Equal(content, ReadAll(file));
        file.Verify();
    }

    [Fact]
    public void Equal_contents_have_equal_hashes_however_they_were_written() =>
        Properties.Holds(Prop.ForAll((byte[] content, byte piece) =>
        {
            using SnapshotFile whole = Write(new SnapshotStore(new SimulatedFileSystem(1), Directory), 1, content);
            using SnapshotWriter writer = new SnapshotStore(new SimulatedFileSystem(1), Directory).Create(new SnapshotId(At(1), Members));
            for (int at = 0; at < content.Length; at += piece + 1)
                writer.Write(content.AsSpan(at, Math.Min(piece + 1, content.Length - at)));
            using SnapshotFile pieces = writer.Commit();
            return whole.ContentHash == pieces.ContentHash && whole.Manifest == pieces.Manifest;
        }), output, tests: 50);

    [Fact]
    public void A_writer_that_is_not_committed_leaves_nothing()
    {
        var store = new SnapshotStore(_disk, Directory);
        using (SnapshotWriter writer = store.Create(new SnapshotId(At(3), Members)))
            writer.Write(new byte[100_000]);
        Assert.Null(store.Latest());
        Assert.Empty(_disk.List(Directory));
    }

    [Fact]
    public void Leftovers_of_a_killed_process_are_removed()
    {
        SnapshotWriter abandoned = new SnapshotStore(_disk, Directory).Create(new SnapshotId(At(3), Members));
        abandoned.Write(new byte[100_000]);
        Assert.NotEmpty(_disk.List(Directory));
        _disk.KillProcess();
        _ = new SnapshotStore(_disk, Directory);
        Assert.Empty(_disk.List(Directory));
    }

    [Fact]
    public void Old_snapshots_are_pruned_and_stay_readable_while_open()
    {
        var store = new SnapshotStore(_disk, Directory);
        byte[] content = Content(200_000);
        using SnapshotFile old = Write(store, 1, content);
        Write(store, 2, content).Dispose();
        Write(store, 3, content).Dispose();
        store.Prune(keep: 2);
        Assert.Equal([3UL, 2UL], store.List().Select(listing => listing.Last.Index.Value));
        Assert.Equal(content, ReadAll(old));
    }

    [Fact]
    public void Any_flipped_bit_is_found_while_reading_at_the_latest() =>
        Properties.Holds(Prop.ForAll((uint position, ushort size) =>
        {
            var disk = new SimulatedFileSystem(1);
            byte[] content = Content(size * 3);
            string path = WriteAndName(disk, content);
            long bit = position % (disk.ReadAll(path).Length * 8L);
            disk.FlipBit(path, bit);
            var store = new SnapshotStore(disk, Directory);
            try
            {
                return store.LoadNewest(EntryId.Zero with { Index = new LogIndex(1) }, ReadAll, []) is null; // every byte of the file is covered, so nothing may load
            }
            catch (StorageException damage)
            {
                return damage.Kind == StorageErrorKind.Corrupt && damage.File == path && damage.Remedy.Length > 0;
            }
        }), output, tests: 200);

    [Fact]
    public void A_file_of_any_shorter_length_is_refused() =>
        Properties.Holds(Prop.ForAll((uint length) =>
        {
            var disk = new SimulatedFileSystem(1);
            string path = WriteAndName(disk, Content(150_000));
            disk.Truncate(path, length % disk.ReadAll(path).Length);
            return new SnapshotStore(disk, Directory).List().Single().Problem is { Kind: StorageErrorKind.Corrupt } problem && problem.File == path;
        }), output, tests: 50);

    [Fact]
    public void A_damaged_newest_snapshot_is_passed_over_only_if_the_log_reaches_back()
    {
        var store = new SnapshotStore(_disk, Directory);
        byte[] old = Content(1000), newest = Content(90_000);
        Write(store, 10, old).Dispose();
        string path;
        using (SnapshotFile file = Write(store, 20, newest))
            path = file.Path;
        _disk.FlipBit(path, 8 * 80_000);

        var notes = new List<string>();
        Assert.Equal(old, store.LoadNewest(At(10), ReadAll, notes));
        Assert.Contains(path, Assert.Single(notes), StringComparison.Ordinal);
        Assert.Equal(path, Assert.Throws<StorageException>(() => store.LoadNewest(At(11), ReadAll, notes)).File);
        Assert.Equal(path, Assert.Throws<StorageException>(() => store.LoadNewest(At(20), ReadAll, notes)).File);
    }

    [Fact]
    public void A_compacted_log_without_its_snapshot_is_refused_and_a_whole_one_needs_none()
    {
        var store = new SnapshotStore(_disk, Directory);
        Assert.Null(store.LoadNewest(EntryId.Zero, ReadAll, []));
        Assert.Throws<StorageException>(() => store.LoadNewest(At(5), ReadAll, []));
    }

    [Fact]
    public void A_snapshot_of_another_cluster_is_refused()
    {
        Write(new SnapshotStore(_disk, Directory, clusterId: 1), 10, [1]).Dispose();
        var other = new SnapshotStore(_disk, Directory, clusterId: 2);
        Assert.Equal(StorageErrorKind.WrongCluster, other.List().Single().Problem!.Kind);
        Assert.Equal(StorageErrorKind.WrongCluster, Assert.Throws<StorageException>(() => other.LoadNewest(At(10), ReadAll, [])).Kind);
    }

    [Fact]
    public void A_full_disk_costs_the_snapshot_and_nothing_else()
    {
        var store = new SnapshotStore(_disk, Directory);
        Write(store, 1, Content(10)).Dispose();
        _disk.Faults.SpaceBytesMax = 100_000;
        Assert.Equal(StorageErrorKind.NoSpace, Assert.Throws<StorageException>(() => Write(store, 2, Content(300_000))).Kind);
        Assert.Equal(At(1), store.List().Single().Last);
        _disk.Faults.Heal();
        Write(store, 2, Content(300_000)).Dispose();
        Assert.Equal(2, store.List().Count);
    }

    [Fact]
    public void A_crash_at_any_step_leaves_the_old_snapshot_or_the_new_one()
    {
        byte[] old = Content(70_000), next = Content(130_000);
        for (ulong seed = 0; seed < 6; seed++)
            for (int step = 1; ; step++)
            {
                var disk = new SimulatedFileSystem(seed * 100 + (ulong)step);
                var store = new SnapshotStore(disk, Directory);
                Write(store, 1, old).Dispose();
                disk.Faults.CrashAtStep = disk.Steps + step;
                bool acknowledged = false;
                try
                {
                    Write(store, 2, next).Dispose();
                    acknowledged = true;
                    store.Prune(keep: 1);
                }
                catch (StorageException) when (disk.IsDown)
                {
                }
                bool crashed = disk.IsDown;
                disk.PowerCut();
                var restarted = new SnapshotStore(disk, Directory);
                Assert.All(restarted.List(), listing => Assert.Null(listing.Problem));
                using SnapshotFile latest = restarted.Latest()!;
                Assert.Equal(latest.Id.Last == At(2) ? next : old, ReadAll(latest));
                Assert.True(!acknowledged || latest.Id.Last == At(2));
                if (!crashed)
                    break;
            }
    }

    internal static EntryId At(ulong index) => new(new LogIndex(index), new Term(3));

    internal static byte[] Content(int bytes)
    {
        byte[] content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        return content;
    }

    internal static SnapshotFile Write(SnapshotStore store, ulong index, byte[] content)
    {
        using SnapshotWriter writer = store.Create(new SnapshotId(At(index), Members));
        writer.Write(content);
        return writer.Commit();
    }

    internal static byte[] ReadAll(SnapshotFile file)
    {
        using Stream content = file.OpenContent();
        using var copy = new MemoryStream();
        content.CopyTo(copy);
        return copy.ToArray();
    }

    private static string WriteAndName(SimulatedFileSystem disk, byte[] content)
    {
        using SnapshotFile file = Write(new SnapshotStore(disk, Directory), 5, content);
        return file.Path;
    }
}
