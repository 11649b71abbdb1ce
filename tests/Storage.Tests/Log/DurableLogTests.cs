using Conclave.Raft;

namespace Conclave.Storage.Tests;

public class DurableLogTests
{
    private readonly SimulatedFileSystem _disk = new(seed: 1);

    [Fact]
    public void An_empty_directory_is_formatted_and_keeps_its_identity()
    {
        using var session = new LogSession(_disk);
        RecoveredLog fresh = session.Open();
        Assert.True(fresh.Fresh);
        Assert.Equal(new StorageIdentity(0xC1, 7, LogSession.SmallFiles.Incarnation), fresh.Identity);

        RecoveredLog again = session.Reopen();
        Assert.False(again.Fresh);
        Assert.True(again.ClosedCleanly);
        Assert.Equal(fresh.Identity, again.Identity);
        Assert.Equal(LogSession.SmallFiles.Bootstrap, again.Bootstrap);
    }

    [Fact]
    public void What_was_persisted_is_there_after_a_power_cut()
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Vote(term: 3, candidate: 8);
        session.Append(10, 0, 700);
        session.Append(5);
        RecoveredLog recovered = session.Restart(); // compares with the model
        Assert.Equal(4, recovered.Entries.Count);
        Assert.Equal(new HardState(new Term(3), new NodeId(8)), recovered.HardState);
        Assert.False(recovered.ClosedCleanly);
    }

    [Fact]
    public void Any_number_of_operations_costs_one_sync()
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Vote(1, 7);
        session.Released.Clear();
        LogState state = session.Acknowledged;
        var ops = new PersistOp[20];
        for (int i = 0; i < ops.Length; i++)
            state = state.After(ops[i] = session.Op(new HardState(new Term(1), new NodeId(7)), null, [20], state));
        long before = _disk.Syncs;
        session.Persist(ops);
        Assert.Equal(1, _disk.Syncs - before);
        Assert.Equal(20, session.Released.Count);
    }

    [Fact]
    public void A_vote_costs_one_sync_more_and_is_then_in_two_places()
    {
        using var session = new LogSession(_disk);
        session.Open();
        long before = _disk.Syncs;
        session.Vote(2, 8);
        Assert.Equal(2, _disk.Syncs - before);
        session.Append(4);
        Assert.Equal(3, _disk.Syncs - before);
    }

    [Fact]
    public void An_operation_without_anything_to_write_releases_its_messages_without_a_sync()
    {
        using var session = new LogSession(_disk);
        session.Open();
        long before = _disk.Syncs;
        session.Persist(session.Op(null, null, []));
        Assert.Equal(0, _disk.Syncs - before);
        Assert.Single(session.Released);
    }

    [Fact]
    public void Truncated_entries_stay_away_and_their_successors_take_their_place()
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Vote(1, 7);
        session.Append(1, 2, 3, 4);
        session.Persist(session.Op(new HardState(new Term(2), new NodeId(8)), new LogIndex(3), [50]));
        session.Persist(session.Op(null, new LogIndex(2), []));
        RecoveredLog recovered = session.Restart();
        Assert.Equal(new EntryId(new LogIndex(1), new Term(1)), recovered.Last);
    }

    [Fact]
    public void An_operation_larger_than_a_segment_gets_a_segment_of_its_own()
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Append(100);
        session.Append(60_000, 60_000);
        session.Append(100);
        RecoveredLog recovered = session.Restart();
        Assert.Equal(4, recovered.Entries.Count);
    }

    [Fact]
    public void Compaction_frees_segments_and_the_disk_stays_bounded()
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Vote(1, 7);
        long highest = 0;
        for (int round = 0; round < 50; round++)
        {
            for (int i = 0; i < 10; i++)
                session.Append(900);
            session.CompactTo(session.Acknowledged.Last);
            highest = Math.Max(highest, session.Log.DiskBytes);
        }
        // The active segment, one that was just freed, and the spare.
        Assert.InRange(highest, 1, 16384 + 3 * LogSession.SmallFiles.SegmentBytes);
        Assert.Empty(session.Restart().Entries);
        session.Append(900);
        Assert.Equal(501UL, session.Restart().Last.Index.Value);
    }

    [Fact]
    public void A_reset_replaces_the_log_by_the_snapshot()
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Vote(1, 7);
        session.Append(1, 2, 3);
        var snapshot = new EntryId(new LogIndex(1000), new Term(4));
        session.ResetTo(snapshot, new HardState(new Term(5), new NodeId(9)));
        Assert.Equal(snapshot, session.Restart().Base);
        session.Append(10);
        Assert.Equal(new LogIndex(1001), session.Restart().Last.Index);
    }

    [Fact]
    public void Idle_preparation_comes_to_an_end_and_leaves_a_spare_segment()
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Append(7000);
        int steps = 0;
        while (session.Log.Prepare())
            Assert.InRange(++steps, 1, 100);
        Assert.Contains(_disk.List(LogSession.Directory), name => name.StartsWith("spare-", StringComparison.Ordinal));
        session.Append(7000);
        session.Append(7000);
        Assert.Equal(3, session.Restart().Entries.Count);
    }
}
