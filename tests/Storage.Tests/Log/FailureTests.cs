using Conclave.Raft;

namespace Conclave.Storage.Tests;

/// <summary>Disks that fail, directories that belong to somebody else.</summary>
public class FailureTests
{
    private readonly SimulatedFileSystem _disk = new(seed: 3);

    [Theory, InlineData(DiskOperation.Write), InlineData(DiskOperation.Sync)]
    public void The_first_failure_poisons_the_log_for_ever(DiskOperation operation)
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Append(10);
        _disk.Faults.Fail(operation);
        PersistOp lost = session.Op(null, null, [20]);
        StorageException first = Assert.Throws<StorageException>(() => session.Persist(lost));
        Assert.Equal(StorageErrorKind.Poisoned, first.Kind);
        Assert.Contains("wal-", first.File, StringComparison.Ordinal);
        Assert.Single(session.Released); // the message of the failed operation stays inside

        // The disk works again, but nobody knows what is on it.
        Assert.Equal(StorageErrorKind.Poisoned, Assert.Throws<StorageException>(() => session.Log.Persist([], [])).Kind);
        Assert.Equal(StorageErrorKind.Poisoned, Assert.Throws<StorageException>(() => session.Log.CompactTo(session.Log.Last)).Kind);
        Assert.True(session.Log.IsPoisoned);
        Assert.NotEmpty(lost.MarkDurable()); // it was not marked before
    }

    [Fact]
    public void What_a_failed_sync_left_in_the_cache_does_not_count_unless_it_is_on_the_disk()
    {
        // The kernel marks the pages clean after the failure: a restart that believed the cache would acknowledge bytes that vanish with the power.
        for (ulong seed = 0; seed < 40; seed++)
        {
            var disk = new SimulatedFileSystem(seed);
            using var session = new LogSession(disk);
            session.Open();
            session.Append(10);
            disk.Faults.Fail(DiskOperation.Sync);
            Assert.Throws<StorageException>(() => session.Append(900));
            session.Restart(powerCut: false); // now settled: either it is there or it is not
            session.Restart(powerCut: true); // and that does not change any more
            session.Append(30);
            session.Restart();
        }
    }

    [Fact]
    public void A_failure_at_any_call_of_a_history_poisons_and_loses_nothing()
    {
        foreach (DiskOperation operation in Enum.GetValues<DiskOperation>())
            for (int call = 0; call < 40; call++)
            {
                var disk = new SimulatedFileSystem((ulong)call);
                using var session = new LogSession(disk);
                session.Open();
                disk.Faults.Fail(operation, after: call);
                try
                {
                    new LogHistory((2, 255), (2, 255), (19, 1), (6, 2), (2, 255), (3, 9), (19, 1), (8, 1), (2, 255), (19, 1), (2, 255), (5, 1)).Run(session);
                }
                catch (StorageException failure)
                {
                    Assert.Equal(operation == DiskOperation.Read ? StorageErrorKind.Io : StorageErrorKind.Poisoned, failure.Kind);
                }
                disk.Faults.Heal();
                session.Restart(powerCut: call % 2 == 0);
            }
    }

    [Fact]
    public void A_full_disk_is_noticed_with_a_whole_segment_in_hand()
    {
        using var session = new LogSession(_disk);
        session.Open();
        _disk.Faults.SpaceBytesMax = _disk.UsedBytes;
        session.Append(7000);
        Assert.False(session.Log.IsSpaceLow);
        session.Append(7000); // into the spare segment; there is no space for the next
        Assert.True(session.Log.IsSpaceLow);
        while (session.Log.Prepare())
            Assert.True(session.Log.IsSpaceLow);
        session.Vote(2, 8);
        session.Append(100);

        Assert.Equal(StorageErrorKind.Poisoned, Assert.Throws<StorageException>(() => session.Append(60_000)).Kind);
        _disk.Faults.Heal();
        session.Restart();
    }

    [Fact]
    public void What_does_not_fit_can_wait_for_space()
    {
        using var session = new LogSession(_disk);
        session.Open();
        _disk.Faults.SpaceBytesMax = _disk.UsedBytes;
        session.Append(7000);
        session.Append(7000);
        int files = _disk.List(LogSession.Directory).Count;
        PersistOp waits = session.Op(null, null, [7000]);
        var released = new List<OutboundMessage>();
        for (int i = 0; i < 3; i++)
            Assert.Equal(0, session.Log.PersistWhatFits([waits], released));
        Assert.Empty(released);
        Assert.False(session.Log.IsPoisoned);
        Assert.False(session.Log.TryReserve());
        Assert.Equal(files, _disk.List(LogSession.Directory).Count); // no attempt leaves a file behind

        _disk.Faults.SpaceBytesMax += 16 << 10;
        Assert.True(session.Log.TryReserve());
        Assert.False(session.Log.IsSpaceLow);
        session.Persist(waits);
        session.Restart();
    }

    [Fact]
    public void Operations_that_fit_are_written_before_one_that_does_not()
    {
        using var session = new LogSession(_disk);
        session.Open();
        _disk.Faults.SpaceBytesMax = _disk.UsedBytes;
        PersistOp fits = session.Op(null, null, [7000]);
        PersistOp doesNot = session.Op(null, null, [60_000], session.Acknowledged.After(fits));
        var released = new List<OutboundMessage>();
        Assert.Equal(1, session.Log.PersistWhatFits([fits, doesNot], released));
        Assert.Single(released);
        Assert.Equal(1UL, session.Log.Last.Index.Value);
        _disk.Faults.SpaceBytesMax = null;
        Assert.Equal(1, session.Log.PersistWhatFits([doesNot], released));
        Assert.Equal(2UL, session.Log.Last.Index.Value);
    }

    [Fact]
    public void A_compaction_on_a_full_disk_turns_a_freed_segment_into_the_reserve()
    {
        using var session = new LogSession(_disk);
        session.Open();
        _disk.Faults.SpaceBytesMax = _disk.UsedBytes;
        session.Append(7000);
        session.Append(7000);
        Assert.True(session.Log.IsSpaceLow);
        session.CompactTo(new EntryId(new LogIndex(1), session.Log.Last.Term));
        Assert.False(session.Log.IsSpaceLow);
        session.Append(7000);
        session.Restart();
    }

    [Fact]
    public void A_start_on_a_full_disk_has_the_rest_of_the_active_segment()
    {
        using var session = new LogSession(_disk);
        session.Open();
        _disk.Faults.SpaceBytesMax = _disk.UsedBytes;
        session.Append(7000);
        session.Append(7000);
        session.Restart(powerCut: false);
        Assert.True(session.Log.IsSpaceLow);
        session.Vote(2, 8);
        session.Append(100);
        session.Restart();
    }

    [Fact]
    public void Without_reservations_a_full_disk_is_noticed_when_zeros_are_written_ahead()
    {
        _disk.Faults.NoReservations = true;
        using var session = new LogSession(_disk);
        session.Open();
        session.Append(7000);
        _disk.Faults.SpaceBytesMax = _disk.UsedBytes;
        while (session.Log.Prepare())
            Assert.False(session.Log.IsSpaceLow);
        Assert.True(session.Log.IsSpaceLow);
        _disk.Faults.SpaceBytesMax = null;
        Assert.True(session.Log.Prepare());
        Assert.False(session.Log.IsSpaceLow);
        session.Restart();
    }

    [Fact]
    public void Another_cluster_and_another_member_are_refused()
    {
        using (var session = new LogSession(_disk))
            session.Open();
        StorageException cluster = Refused(LogSession.SmallFiles with { ClusterId = 0xC2 });
        Assert.Equal((StorageErrorKind.WrongCluster, "/data/superblock", 16L), (cluster.Kind, cluster.File, cluster.Offset));
        StorageException member = Refused(LogSession.SmallFiles with { NodeId = 8 });
        Assert.Equal((StorageErrorKind.WrongMember, "/data/superblock", 24L), (member.Kind, member.File, member.Offset));
        DurableLog.Open(_disk, LogSession.Directory, LogSession.SmallFiles with { ClusterId = 0, NodeId = 0 }, out _).Dispose();
    }

    [Fact]
    public void A_segment_of_another_member_is_refused()
    {
        var other = new SimulatedFileSystem(9);
        using (var session = new LogSession(other, LogSession.SmallFiles with { NodeId = 8 }))
            session.Open();
        using (var session = new LogSession(_disk))
            session.Open();
        const string Segment = "/data/wal-0000000001.log";
        _disk.Overwrite(Segment, 0, other.ReadAll(Segment));
        Assert.Equal(StorageErrorKind.WrongMember, Refused(LogSession.SmallFiles).Kind);
        Assert.Equal(StorageErrorKind.Corrupt, Refused(LogSession.SmallFiles with { NodeId = 0 }).Kind);
    }

    [Theory, InlineData("/data/superblock", 4), InlineData("/data/wal-0000000001.log", 1)]
    public void Another_format_is_told_from_damage(string file, int copies)
    {
        using (var session = new LogSession(_disk))
            session.Open();
        byte[] bytes = _disk.ReadAll(file);
        for (int copy = 0; copy < copies; copy++)
        {
            Span<byte> header = bytes.AsSpan(copy * 4096, 512);
            header[12] = 9;
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(header[8..], Crc32C.Of(header[12..]));
        }
        _disk.Overwrite(file, 0, bytes);
        StorageException refused = Refused(LogSession.SmallFiles);
        Assert.Equal((StorageErrorKind.WrongFormat, file), (refused.Kind, refused.File));
        Assert.Contains("format 9", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_log_on_the_same_directory_is_refused()
    {
        using var session = new LogSession(_disk);
        session.Open();
        Assert.Equal(StorageErrorKind.Locked, Refused(LogSession.SmallFiles).Kind);
        session.Dispose();
        DurableLog.Open(_disk, LogSession.Directory, LogSession.SmallFiles, out _).Dispose();
    }

    [Fact]
    public void A_directory_that_cannot_be_written_is_refused()
    {
        _disk.Faults.ReadOnly = true;
        Assert.Equal(StorageErrorKind.NotWritable, Refused(LogSession.SmallFiles).Kind);
    }

    [Fact]
    public void An_empty_directory_is_not_formatted_for_nobody() =>
        Assert.Equal(StorageErrorKind.NotFormatted, Refused(LogSession.SmallFiles with { NodeId = 0 }).Kind);

    [Fact]
    public void A_log_that_vanished_from_beside_its_snapshots_is_not_a_fresh_one()
    {
        _disk.Create("/data/snapshot-00000000000000000010-00000000000000000002");
        Assert.Equal(StorageErrorKind.Corrupt, Refused(LogSession.SmallFiles).Kind);
    }

    [Fact]
    public void Impossible_options_are_refused_all_at_once()
    {
        DurableLogOptions wrong = LogSession.SmallFiles with { SegmentBytes = 5, BatchAlignmentBytes = 100, ZeroFillBytes = 1, SpareSegmentsMax = 0, BatchBytesMax = 1 };
        Assert.Equal(5, wrong.Problems().Count());
        Assert.Throws<ArgumentException>(() => DurableLog.Open(_disk, LogSession.Directory, wrong, out _));
    }

    [Fact]
    public void Operations_that_do_not_follow_the_log_are_a_bug_and_stop_it()
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Append(1);
        LogState gap = session.Acknowledged with { Entries = [.. session.Acknowledged.Entries, new Entry(new LogIndex(2), default, default, default)] };
        Assert.Throws<InvariantViolationException>(() => session.Persist(session.Op(null, null, [5], gap)));
        Assert.True(session.Log.IsPoisoned);
    }

    [Theory, InlineData(4, 7), InlineData(5, 9), InlineData(5, 0)]
    public void A_term_that_goes_back_and_a_vote_that_changes_are_bugs_and_stop_it(ulong term, ulong vote)
    {
        using var session = new LogSession(_disk);
        session.Open();
        session.Vote(5, 0);
        session.Vote(5, 8);
        Assert.Throws<InvariantViolationException>(() => session.Vote(term, vote));
        Assert.True(session.Log.IsPoisoned);
    }

    private StorageException Refused(DurableLogOptions options)
    {
        var refusal = Assert.Throws<StorageException>(() => DurableLog.Open(_disk, LogSession.Directory, options, out _));
        Assert.NotEmpty(refusal.Remedy);
        return refusal;
    }
}
