using Conclave.Raft;

namespace Conclave.Storage.Tests;

/// <summary>Bugs that other logs had, as scenarios. The numbers are those of the list of known bugs of the specification.</summary>
public class KnownBugTests
{
    private const string Directory = LogSession.Directory;
    private static readonly (byte, byte)[] Busy = [(2, 255), (0, 9), (4, 1), (2, 254), (19, 1), (6, 2), (2, 255), (3, 9), (5, 1), (8, 1), (2, 255), (0, 3)];

    [Fact]
    public void Bug_41_A_sync_that_fails_once_and_then_succeeds_never_makes_a_write_count()
    {
        for (int sync = 0; sync < 40; sync++)
            foreach (bool powerCut in (bool[])[true, false])
            {
                var disk = new SimulatedFileSystem((ulong)sync);
                using var session = new LogSession(disk);
                session.Open();
                disk.Faults.Fail(DiskOperation.Sync, after: sync, times: 1);
                int released = 0;
                try
                {
                    new LogHistory(Busy).Run(session);
                }
                catch (StorageException failure)
                {
                    Assert.Equal(StorageErrorKind.Poisoned, failure.Kind);
                    released = session.Released.Count;
                    Assert.Throws<StorageException>(() => session.Append(1)); // although the disk works again
                    Assert.Equal(released, session.Released.Count);
                }
                disk.Faults.Heal();
                session.Restart(powerCut); // compares with everything acknowledged
                session.Append(5);
                session.Restart(powerCut: true);
            }
    }

    [Fact]
    public void Bug_41_A_snapshot_whose_sync_failed_once_is_never_taken_for_durable()
    {
        for (int sync = 0; sync < 3; sync++)
        {
            var disk = new SimulatedFileSystem((ulong)sync);
            var store = new SnapshotStore(disk, Directory);
            SnapshotStoreTests.Write(store, 1, SnapshotStoreTests.Content(3000)).Dispose();
            disk.Faults.Fail(DiskOperation.Sync, after: sync, times: 1);
            bool acknowledged = true;
            try
            {
                SnapshotStoreTests.Write(store, 2, SnapshotStoreTests.Content(5 << 20)).Dispose();
            }
            catch (StorageException)
            {
                acknowledged = false;
            }
            Assert.False(acknowledged);
            disk.PowerCut();
            using SnapshotFile latest = new SnapshotStore(disk, Directory).Latest()!;
            Assert.Equal(1UL, latest.Id.Last.Index.Value);
            latest.Verify();
        }
    }

    [Fact]
    public void Bug_42_A_power_cut_at_any_step_of_a_roll_over_leaves_no_gap_and_no_lost_tail()
    {
        for (ulong seed = 0; seed < 20; seed++)
            CrashEnumeration.CrashEverywhere(seed, [(2, 255), (2, 255), (2, 254), (0, 7), (2, 255)], powerCut: true);
    }

    [Fact]
    public void Bug_42_A_rename_that_the_disk_forgets_is_noticed_and_repaired_and_never_passed_over()
    {
        var disk = new SimulatedFileSystem(5);
        using var session = new LogSession(disk);
        session.Open();
        session.Append(3000);
        disk.Faults.LoseRename("wal-0000000002");
        session.Append(14_000); // rolls over, and is acknowledged
        session.Append(100);
        disk.PowerCut();
        SimulatedFileSystem copy = disk.Copy(1);
        Assert.Null(Reopened.Check(copy, session.History, allowRepair: false));
        RecoveredLog repaired = Reopened.Open(disk, session.History, allowRepair: true);
        Assert.Equal((1, ulong.MaxValue), (repaired.Entries.Count, repaired.LostEnd.Index.Value));
    }

    [Fact]
    public void Bug_43_Whatever_a_crash_leaves_of_snapshot_compaction_and_vote_the_node_starts_without_a_gap()
    {
        for (ulong seed = 0; seed < 4; seed++)
            for (int step = 1; ; step++)
            {
                var disk = new SimulatedFileSystem(seed * 1000 + (ulong)step);
                using var session = new LogSession(disk);
                session.Open();
                for (int i = 0; i < 12; i++)
                    session.Append(2000);
                disk.Faults.CrashAtStep = disk.Steps + step;
                try
                {
                    // The order of a driver: the snapshot is durable, then the log is released, then life goes on.
                    var store = new SnapshotStore(disk, Directory);
                    SaveSnapshot(store, session.Acknowledged.Entries[8].Id);
                    session.CompactTo(session.Acknowledged.Entries[8].Id);
                    session.Vote(5, 8);
                    session.Append(2000, 2000, 2000);
                    store.Prune(keep: 1);
                }
                catch (StorageException) when (disk.IsDown)
                {
                }
                bool crashed = disk.IsDown;
                RecoveredLog recovered = session.Restart(powerCut: step % 3 != 0);
                var notes = new List<string>();
                SnapshotFile? loaded = new SnapshotStore(disk, Directory).LoadNewest(session.Log, file => { file.Verify(); return file; }, notes);
                RecoveredState start = session.Log.StartFrom(recovered, loaded?.Id);
                Assert.Empty(notes);
                ulong covered = loaded?.Id.Last.Index.Value ?? 0;
                Assert.True(start.Base.Index.Value <= covered); // no gap between the snapshot and the log
                Assert.True(start.Base.Index.Value + (ulong)start.Entries.Count >= 12); // and nothing acknowledged is missing after it
                if (!crashed)
                    break;
            }
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Bug_44_What_was_acknowledged_is_there_after_every_kill_and_restart(bool powerCut)
    {
        var disk = new SimulatedFileSystem(6);
        using var session = new LogSession(disk);
        session.Open();
        int acknowledged = 0;
        for (int life = 0; life < 30; life++)
        {
            session.Append(10 + life * 90, 5);
            session.Append(life);
            acknowledged += 3;
            RecoveredLog recovered = session.Restart(powerCut); // compares payloads with the model
            Assert.Equal((acknowledged, EntryId.Zero), (recovered.Entries.Count, recovered.LostEnd));
        }
    }

    [Fact]
    public void Bug_44_A_restart_after_damage_admits_what_was_forgotten()
    {
        var disk = new SimulatedFileSystem(6);
        using var session = new LogSession(disk);
        session.Open();
        session.Append(100, 100, 100);
        session.Append(100);
        disk.KillProcess();
        disk.FlipBit("/data/wal-0000000001.log", (4096 + 300) * 8);
        RecoveredLog recovered = Reopened.Open(disk, session.History, allowRepair: true);
        Assert.Equal((0, session.Acknowledged.Last), (recovered.Entries.Count, recovered.LostEnd));
    }

    private static void SaveSnapshot(SnapshotStore store, EntryId last)
    {
        using SnapshotWriter writer = store.Create(new SnapshotId(last, LogSession.SmallFiles.Bootstrap));
        writer.Write(new byte[70_000]);
        writer.Commit().Dispose();
    }
}
