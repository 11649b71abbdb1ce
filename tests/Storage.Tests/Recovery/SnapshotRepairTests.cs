using Conclave.Raft;

namespace Conclave.Storage.Tests;

/// <summary>A snapshot that the log builds on is damaged.</summary>
public class SnapshotRepairTests
{
    private const string Directory = LogSession.Directory;
    private static readonly Membership Members = Membership.Of(new NodeId(7), new NodeId(8), new NodeId(9));
    private readonly SimulatedFileSystem _disk = new(seed: 21);

    [Fact]
    public void Without_repair_the_start_is_refused_and_nothing_is_changed()
    {
        Prepare(_disk, snapshots: [10]);
        Flip(_disk, 10);
        using DurableLog log = DurableLog.Open(_disk, Directory, LogSession.SmallFiles, out _);
        byte[] before = _disk.ReadAll(PathOf(10));
        Assert.Throws<StorageException>(() => new SnapshotStore(_disk, Directory).LoadNewest(log, Load, []));
        Assert.Equal(before, _disk.ReadAll(PathOf(10)));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void With_repair_the_node_starts_from_nothing_and_knows_how_far_it_was(bool missing)
    {
        LogState state = Prepare(_disk, snapshots: [10]);
        if (missing)
            _disk.Remove(PathOf(10));
        else
            Flip(_disk, 10);
        (RecoveredState start, Loaded? loaded, List<string> notes) = Start(_disk);
        Assert.Null(loaded);
        Assert.Equal((EntryId.Zero, 0, state.Last, state.HardState), (start.Base, start.Entries.Count, start.LostEnd, start.HardState));
        Assert.Contains(notes, note => note.Contains($"{state.Last}", StringComparison.Ordinal));
        Assert.Equal(missing ? 0 : 1, _disk.List(Directory + "/quarantine").Count);
        Assert.DoesNotContain(_disk.List(Directory), name => name.StartsWith(SnapshotName.Prefix, StringComparison.Ordinal));
    }

    [Fact]
    public void A_snapshot_that_cannot_be_read_is_as_good_as_damaged()
    {
        LogState state = Prepare(_disk, snapshots: [10]);
        _disk.Faults.MakeUnreadable(PathOf(10), 4096, 512);
        (RecoveredState start, Loaded? loaded, _) = Start(_disk);
        Assert.Null(loaded);
        Assert.Equal(state.Last, start.LostEnd);
    }

    [Fact]
    public void An_older_snapshot_that_does_not_reach_the_log_is_a_better_start_than_nothing()
    {
        LogState state = Prepare(_disk, snapshots: [4, 10]);
        Flip(_disk, 10);
        (RecoveredState start, Loaded? loaded, _) = Start(_disk);
        Assert.Equal((4UL, 4UL), (loaded!.Id.Last.Index.Value, start.Base.Index.Value));
        Assert.Equal(state.Last, start.LostEnd);
    }

    [Fact]
    public void A_damaged_snapshot_that_is_passed_over_is_taken_out_of_use()
    {
        Prepare(_disk, snapshots: [10, 14]);
        Flip(_disk, 14);
        (RecoveredState start, Loaded? loaded, _) = Start(_disk);
        Assert.Equal((10UL, EntryId.Zero), (loaded!.Id.Last.Index.Value, start.LostEnd));
        Assert.DoesNotContain(SnapshotName.Of(IdAt(14)), _disk.List(Directory));
    }

    [Fact]
    public void A_snapshot_of_another_cluster_is_not_repaired()
    {
        Prepare(_disk, snapshots: [10], cluster: 99);
        using DurableLog log = DurableLog.Open(_disk, Directory, Reopened.Repairing, out _);
        Assert.Equal(StorageErrorKind.WrongCluster, Assert.Throws<StorageException>(() => new SnapshotStore(_disk, Directory, 0xC1).LoadNewest(log, Load, [])).Kind);
        Assert.Equal(IdAt(10), log.Base);
    }

    [Fact]
    public void A_crash_at_any_step_of_the_reset_goes_on_with_it()
    {
        foreach (ulong[] snapshots in (ulong[][])[[10], [4, 10]])
            for (int step = 1; ; step++)
            {
                var disk = new SimulatedFileSystem((ulong)step);
                LogState state = Prepare(disk, snapshots);
                Flip(disk, 10);
                disk.Faults.CrashAtStep = disk.Steps + step;
                try
                {
                    Start(disk);
                }
                catch (StorageException) when (disk.IsDown)
                {
                }
                bool crashed = disk.IsDown;
                if (step % 3 == 0)
                    disk.KillProcess();
                else
                    disk.PowerCut();
                (RecoveredState start, Loaded? loaded, _) = Start(disk);
                Assert.Equal((state.Last, state.HardState), (start.LostEnd, start.HardState));
                Assert.Equal(snapshots.Length == 1 ? 0UL : 4UL, start.Base.Index.Value);
                Assert.Equal(snapshots.Length == 1, loaded is null);
                Assert.Empty(start.Entries);
                if (!crashed)
                    break;
            }
    }

    [Fact]
    public void Damage_in_the_log_and_in_the_snapshot_at_once_is_repaired_as_one()
    {
        LogState state = Prepare(_disk, snapshots: [10]);
        Flip(_disk, 10);
        string segment = Directory + "/" + _disk.List(Directory).First(name => name.StartsWith("wal-", StringComparison.Ordinal));
        _disk.FlipBit(segment, (4096 + 100) * 8);
        (RecoveredState start, _, _) = Start(_disk);
        Assert.Equal(EntryId.Zero, start.Base);
        Assert.True(start.LostEnd >= state.Last);
    }

    /// <summary>Sixteen entries in term 3; compacted to the tenth.</summary>
    private static LogState Prepare(SimulatedFileSystem disk, ulong[] snapshots, ulong cluster = 0xC1)
    {
        using var session = new LogSession(disk);
        session.Open();
        session.Vote(3, 8);
        for (int i = 0; i < 16; i++)
            session.Append(900);
        var store = new SnapshotStore(disk, Directory, cluster);
        foreach (ulong index in snapshots)
        {
            using SnapshotWriter writer = store.Create(new SnapshotId(IdAt(index), Members));
            writer.Write(new byte[2000]);
            writer.Commit().Dispose();
        }
        session.CompactTo(IdAt(10));
        return session.Acknowledged;
    }

    private static (RecoveredState, Loaded?, List<string>) Start(SimulatedFileSystem disk)
    {
        using DurableLog log = DurableLog.Open(disk, Directory, Reopened.Repairing, out RecoveredLog recovered);
        var notes = new List<string>(recovered.Notes);
        Loaded? loaded = new SnapshotStore(disk, Directory, recovered.Identity.ClusterId).LoadNewest(log, Load, notes);
        return (log.StartFrom(recovered, loaded?.Id), loaded, notes);
    }

    private sealed record Loaded(SnapshotId Id);

    private static Loaded Load(SnapshotFile file)
    {
        file.Verify();
        return new Loaded(file.Id);
    }

    private static void Flip(SimulatedFileSystem disk, ulong index) => disk.FlipBit(PathOf(index), 5000 * 8);

    private static EntryId IdAt(ulong index) => new(new LogIndex(index), new Term(3));

    private static string PathOf(ulong index) => Path.Combine(Directory, SnapshotName.Of(IdAt(index)));
}
