using Conclave.Raft;

namespace Conclave.Storage.Tests;

/// <summary>What a repair keeps, what it says was lost, and that it does not forget.</summary>
public class RepairTests
{
    private const string First = "/data/wal-0000000001.log", Second = "/data/wal-0000000002.log", Third = "/data/wal-0000000003.log", Superblock = "/data/superblock";
    private static readonly EntryId Unknown = new(new LogIndex(ulong.MaxValue), new Term(4));
    private readonly SimulatedFileSystem _disk = new(seed: 8);

    [Fact]
    public void A_damaged_payload_in_the_middle_loses_the_rest_and_names_the_last_entry()
    {
        LogState state = ThreeSegments();
        _disk.FlipBit(First, (4096 + 2 * 512 + BatchHeader.Bytes + RecordHeader.Bytes + 3) * 8); // the second entry
        RecoveredLog repaired = Repair(state);
        Assert.Equal((1, state.Last), (repaired.Entries.Count, repaired.LostEnd));
        Assert.Contains(repaired.Notes, note => note.Contains("entry 2@4", StringComparison.Ordinal));
        Assert.Contains(repaired.Notes, note => note.Contains($"reached entry {state.Last}", StringComparison.Ordinal));
    }

    [Fact]
    public void A_missing_segment_in_the_middle_loses_it_and_everything_after_it()
    {
        LogState state = ThreeSegments();
        _disk.Remove(Second);
        RecoveredLog repaired = Repair(state);
        Assert.InRange(repaired.Entries.Count, 1, state.Entries.Count - 2);
        Assert.Equal(state.Last, repaired.LostEnd);
    }

    [Fact]
    public void A_missing_last_segment_leaves_the_extent_unknown_but_not_term_and_vote()
    {
        LogState state = ThreeSegments();
        _disk.Remove(Third);
        RecoveredLog repaired = Repair(state);
        Assert.Equal(Unknown, repaired.LostEnd);
        Assert.Equal(state.HardState, repaired.HardState);
    }

    [Fact]
    public void A_damaged_last_batch_that_carried_a_vote_does_not_make_the_member_forget_it()
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Append(100);
        session.Vote(4, 9);
        session.Dispose();
        _disk.Overwrite(First, 4096 + 512, Garbage(512)); // the vote
        _disk.Overwrite(First, 4096 + 1024, new byte[512]); // the closing mark
        RecoveredLog repaired = Repair(session.Acknowledged);
        Assert.Equal(new HardState(new Term(4), new NodeId(9)), repaired.HardState);
        Assert.Equal(Unknown, repaired.LostEnd);
    }

    [Fact]
    public void A_vote_whose_batch_vanished_without_a_trace_is_missed()
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Append(100);
        session.Vote(4, 9);
        _disk.KillProcess();
        _disk.Overwrite(First, 4096 + 512, new byte[512]);
        Assert.Null(Reopened.Check(_disk.Copy(1), session.History, allowRepair: false));
        RecoveredLog repaired = Repair(session.Acknowledged);
        Assert.Equal((Unknown, 1), (repaired.LostEnd, repaired.Entries.Count)); // an entry of an acknowledged batch may have vanished with it
    }

    [Theory, InlineData(3), InlineData(1)]
    public void A_write_that_replaced_the_base_and_vanished_without_a_trace_is_missed(int replacing)
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Vote(1, 8);
        session.Append(100);
        session.Vote(2, 8);
        session.Append(110);
        session.Append(120);
        session.Vote(4, 9);
        _disk.Faults.LoseWrite("wal-");
        Entry[] entries = [.. Enumerable.Range(2, 4).Select(at => new Entry(new LogIndex((ulong)at), new Term(at < 4 ? (ulong)replacing : 4), EntryKind.Command, new byte[at]))];
        session.Persist(new PersistOp(new IoTicket(100), null, entries[0].Index, entries, [new OutboundMessage(new NodeId(8), null!)]));
        session.CompactTo(entries[1].Id);
        _disk.PowerCut();
        SimulatedFileSystem alone = _disk.Copy(1);
        StorageException refusal = Assert.Throws<StorageException>(() => DurableLog.Open(alone, LogSession.Directory, LogSession.SmallFiles, out _));
        Assert.Contains($"base 3@{replacing}, but 3@2", refusal.Message, StringComparison.Ordinal);
        RecoveredLog repaired = Repair(session.Acknowledged);
        // What stands there was replaced, and is not the log any more. What came after the base may be what a majority counts on.
        Assert.Equal((entries[1].Id, 0, Unknown), (repaired.Base, repaired.Entries.Count, repaired.LostEnd));
    }

    [Fact]
    public void A_log_that_cannot_ever_have_contained_its_base_is_refused_with_or_without_repair()
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Vote(4, 9);
        session.Append(100);
        session.Append(110);
        _disk.KillProcess();
        SuperblockContent known = SuperblockReading.Of(new LogFiles(_disk, LogSession.Directory), tolerant: false).File!.Current;
        byte[] sector = new byte[SuperblockContent.Bytes];
        (known with { Base = new EntryId(new LogIndex(2), new Term(3)) }).Write(sector); // the newest term is 4, and nothing of it is ever replaced
        for (int slot = 0; slot < SuperblockFile.Slots; slot++)
            _disk.Overwrite(Superblock, slot * SuperblockFile.SlotBytes, sector);
        foreach (bool allowRepair in (bool[])[false, true])
            Assert.Contains("does not contain its base 2@3, but 2@4", Assert.Throws<StorageException>(() => Reopened.Open(_disk.Copy(1), session.History, allowRepair)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void When_both_places_of_the_vote_are_damaged_even_a_repair_refuses()
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Append(100);
        session.Vote(4, 9);
        session.Dispose();
        _disk.Overwrite(First, 4096 + 512, Garbage(1024));
        for (int pair = 0; pair < 2; pair++)
        {
            SimulatedFileSystem copy = _disk.Copy(1);
            copy.FlipBit(Superblock, (2 * pair) * 4096 * 8 + 1000);
            copy.FlipBit(Superblock, (2 * pair + 1) * 4096 * 8 + 1000);
            StorageException refusal = Assert.Throws<StorageException>(() => DurableLog.Open(copy, LogSession.Directory, Reopened.Repairing, out _));
            Assert.Contains("vote", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Theory, InlineData(0), InlineData(1)]
    public void A_damaged_superblock_pair_is_written_again_from_the_other(int pair)
    {
        LogState state = ThreeSegments(clean: pair == 0);
        _disk.FlipBit(Superblock, (2 * pair) * 4096 * 8 + 1000);
        _disk.FlipBit(Superblock, (2 * pair + 1) * 4096 * 8 + 1000);
        RecoveredLog repaired = Repair(state);
        Assert.Equal((state.Entries.Count, EntryId.Zero), (repaired.Entries.Count, repaired.LostEnd));
        Assert.InRange(repaired.Boot, 2UL, 3UL);
        Assert.Contains(_disk.List("/data/quarantine"), name => name.EndsWith("superblock", StringComparison.Ordinal));
    }

    [Fact]
    public void A_superblock_that_was_cut_gets_its_length_back()
    {
        LogState state = ThreeSegments();
        _disk.Truncate(Superblock, 5000);
        Repair(state);
        Assert.Equal(4 * 4096, _disk.ReadAll(Superblock).Length);
    }

    [Fact]
    public void Damage_before_the_base_costs_what_follows_and_the_snapshot_still_fits()
    {
        LogState state;
        using (var session = new LogSession(_disk))
        {
            session.Open();
            session.Vote(4, 7);
            for (int i = 0; i < 10; i++)
                session.Append(900);
            session.CompactTo(session.Acknowledged.Entries[4].Id);
            state = session.Acknowledged;
        }
        _disk.FlipBit(First, (4096 + 3 * 1024 + 700) * 8);
        RecoveredLog repaired = Repair(state);
        Assert.Equal((state.Base, 0, state.Last), (repaired.Base, repaired.Entries.Count, repaired.LostEnd));
    }

    [Fact]
    public void The_lost_end_is_forgotten_when_the_log_has_reached_it_and_not_before()
    {
        LogState state = ThreeSegments();
        _disk.FlipBit(First, (4096 + 2 * 512 + 200) * 8);
        using DurableLog log = DurableLog.Open(_disk, LogSession.Directory, Reopened.Repairing, out RecoveredLog repaired);
        var ticket = new IoTicket();
        foreach (Entry entry in state.Entries.Skip(repaired.Entries.Count))
        {
            Assert.Equal(state.Last, log.LostEnd);
            log.Persist([new PersistOp(ticket = ticket.Next, null, null, new[] { entry }, [])], []);
        }
        Assert.Equal(EntryId.Zero, log.LostEnd);
        _disk.PowerCut();
        Assert.Equal(EntryId.Zero, Reopened.Check(_disk, [state], allowRepair: false)!.LostEnd);
    }

    [Fact]
    public void An_entry_of_a_later_term_ends_an_unknown_extent_and_a_longer_log_of_the_same_term_does_not()
    {
        LogState state = ThreeSegments();
        _disk.Remove(Third);
        using DurableLog log = DurableLog.Open(_disk, LogSession.Directory, Reopened.Repairing, out RecoveredLog repaired);
        LogIndex next = repaired.Last.Index.Next;
        log.Persist([new PersistOp(new IoTicket(1), null, null, new[] { new Entry(next, new Term(4), EntryKind.NoOp, default) }, [])], []);
        Assert.Equal(Unknown, log.LostEnd);
        log.Persist([new PersistOp(new IoTicket(2), new HardState(new Term(5), NodeId.None), null, new[] { new Entry(next.Next, new Term(5), EntryKind.NoOp, default) }, [])], []);
        Assert.Equal(EntryId.Zero, log.LostEnd);
        Assert.NotEmpty(state.Entries);
    }

    [Fact]
    public void A_snapshot_beyond_the_lost_end_ends_it_and_an_older_one_does_not()
    {
        LogState state = ThreeSegments();
        _disk.Remove(Second);
        using DurableLog log = DurableLog.Open(_disk, LogSession.Directory, Reopened.Repairing, out RecoveredLog repaired);
        log.ResetTo(new EntryId(repaired.LostEnd.Index.Previous, new Term(4)), log.HardState);
        Assert.Equal(state.Last, log.LostEnd);
        log.ResetTo(new EntryId(repaired.LostEnd.Index.Next, new Term(4)), log.HardState);
        Assert.Equal(EntryId.Zero, log.LostEnd);
    }

    [Fact]
    public void A_second_damage_does_not_make_the_first_forgotten()
    {
        LogState state = ThreeSegments();
        _disk.Remove(Third);
        Assert.Equal(Unknown, Repair(state).LostEnd);
        string segment = "/data/" + _disk.List("/data").Single(name => name.StartsWith("wal-", StringComparison.Ordinal));
        _disk.FlipBit(segment, (4096 + 200) * 8);
        Assert.Equal(Unknown, Repair(state).LostEnd);
    }

    [Fact]
    public void The_damaged_file_is_kept_for_inspection_and_only_a_few_of_them()
    {
        LogState state = ThreeSegments();
        byte[] damaged = [];
        for (int round = 0; round < Quarantine.FilesMax + 2; round++)
        {
            string segment = "/data/" + _disk.List("/data").First(name => name.StartsWith("wal-", StringComparison.Ordinal));
            _disk.FlipBit(segment, (4096 + 10) * 8);
            damaged = _disk.ReadAll(segment);
            Repair(state);
        }
        IReadOnlyList<string> kept = _disk.List("/data/quarantine");
        Assert.Equal(Quarantine.FilesMax, kept.Count);
        Assert.Equal(damaged, _disk.ReadAll("/data/quarantine/" + kept[^1]));
    }

    [Fact]
    public void A_full_disk_costs_the_evidence_and_not_the_repair_of_the_superblock()
    {
        LogState state = ThreeSegments();
        _disk.FlipBit(Superblock, 1000);
        _disk.FlipBit(Superblock, 4096 * 8 + 1000);
        _disk.Faults.SpaceBytesMax = _disk.UsedBytes;
        Assert.Contains(Repair(state).Notes, note => note.Contains("disk is full", StringComparison.Ordinal));
        Assert.Empty(_disk.List("/data/quarantine"));
    }

    [Theory, InlineData("wal-0000000001", 8192), InlineData("wal-0000000002", 0), InlineData("wal-0000000003", 4096), InlineData("superblock", 4096)]
    public void Sectors_that_cannot_be_read_are_damage_like_any_other(string file, long offset)
    {
        LogState state = ThreeSegments();
        _disk.Faults.MakeUnreadable("/data/" + file, offset, 512);
        Assert.Equal(StorageErrorKind.Io, Assert.Throws<StorageException>(() => DurableLog.Open(_disk, LogSession.Directory, LogSession.SmallFiles, out _)).Kind);
        RecoveredLog repaired = Repair(state);
        Assert.Equal(file == "superblock", repaired.LostEnd == EntryId.Zero);
        _disk.Faults.Heal();
    }

    [Fact]
    public void A_device_that_cannot_be_read_at_all_is_not_repaired_to_nothing()
    {
        DurableLogOptions large = Reopened.Repairing with { SegmentBytes = 1 << 20 };
        using (var session = new LogSession(_disk, large))
        {
            session.Open();
            session.Append(1000);
        }
        _disk.Faults.Fail(DiskOperation.Read, nameContains: "wal-", times: int.MaxValue);
        Assert.Equal(StorageErrorKind.Io, Assert.Throws<StorageException>(() => DurableLog.Open(_disk, LogSession.Directory, large, out _)).Kind);
    }

    [Theory, InlineData("other cluster"), InlineData("no superblock"), InlineData("other format"), InlineData("older superblock")]
    public void What_is_not_damage_is_refused_with_or_without_repair(string what)
    {
        byte[] older;
        using (var session = new LogSession(_disk))
        {
            session.Open();
            older = _disk.ReadAll(Superblock);
            for (int i = 0; i < 3; i++)
                session.Append(15_000);
        }
        DurableLogOptions options = what == "other cluster" ? Reopened.Repairing with { ClusterId = 99 } : Reopened.Repairing;
        if (what == "no superblock")
            _disk.Remove(Superblock);
        else if (what == "other format")
        {
            byte[] header = _disk.ReadAll(First)[..512];
            header[12] = 9;
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), Crc32C.Of(header.AsSpan(12)));
            _disk.Overwrite(First, 0, header);
        }
        else if (what == "older superblock")
            _disk.Overwrite(Superblock, 0, older);
        Assert.Throws<StorageException>(() => DurableLog.Open(_disk, LogSession.Directory, options, out _));
    }

    [Fact]
    public void A_crash_at_any_step_of_a_repair_forgets_nothing()
    {
        foreach (string damage in (string[])["payload", "segment", "superblock", "end"])
            for (int step = 1; ; step++)
            {
                var disk = new SimulatedFileSystem((ulong)step);
                (List<LogState> history, EntryId lost) = Damaged(disk, damage);
                disk.Faults.CrashAtStep = disk.Steps + step;
                RecoveredLog? first = Reopened.Check(disk, history, allowRepair: true);
                bool crashed = disk.IsDown;
                disk.Faults.CrashAtStep = null;
                if (crashed)
                    if (step % 3 == 0) disk.KillProcess();
                    else disk.PowerCut();
                RecoveredLog repaired = Reopened.Open(disk, history, allowRepair: true);
                Assert.Equal(lost, repaired.LostEnd);
                Assert.True(first is null || repaired.Boot > first.Boot);
                if (!crashed)
                    break;
            }
    }

    private static (List<LogState>, EntryId) Damaged(SimulatedFileSystem disk, string damage)
    {
        using var session = new LogSession(disk);
        session.Open();
        Fill(session);
        session.Dispose();
        if (damage == "payload")
            disk.FlipBit(First, (4096 + 2 * 512 + 200) * 8);
        else if (damage == "segment")
            disk.Remove(Second);
        else if (damage == "end")
            disk.Overwrite(Third, 4096, Garbage(12_288));
        else
            disk.Overwrite(Superblock, 0, Garbage(8000));
        return (session.History, damage == "superblock" ? EntryId.Zero : damage == "end" ? Unknown : session.Acknowledged.Last);
    }

    private static void Fill(LogSession session)
    {
        session.Vote(4, 8);
        session.Append(100);
        session.Append(110);
        for (int i = 0; i < 6; i++)
            session.Append(4500);
    }

    private LogState ThreeSegments(bool clean = true)
    {
        using var session = new LogSession(_disk);
        session.Open();
        Fill(session);
        Assert.Equal(3, _disk.List("/data").Count(name => name.StartsWith("wal-", StringComparison.Ordinal)));
        if (!clean)
            _disk.KillProcess();
        return session.Acknowledged;
    }

    private RecoveredLog Repair(LogState acknowledged) => Reopened.Open(_disk, [acknowledged], allowRepair: true);

    private static byte[] Garbage(int bytes)
    {
        byte[] garbage = new byte[bytes];
        Array.Fill(garbage, (byte)0xA5);
        return garbage;
    }
}
