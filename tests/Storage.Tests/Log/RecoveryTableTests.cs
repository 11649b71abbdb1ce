namespace Conclave.Storage.Tests;

/// <summary>The recovery table of docs/protocol/storage-format.md, row by row.</summary>
public class RecoveryTableTests
{
    private const string First = "/data/wal-0000000001.log", Second = "/data/wal-0000000002.log";
    private readonly SimulatedFileSystem _disk = new(seed: 2);

    [Fact]
    public void A_clean_log_has_no_notes()
    {
        using LogSession session = ThreeBatches();
        RecoveredLog recovered = session.Reopen();
        Assert.True(recovered.ClosedCleanly);
        Assert.Empty(recovered.Notes);
    }

    [Fact]
    public void A_torn_tail_is_cut_and_noted()
    {
        using LogSession session = ThreeBatches();
        Interrupt(session, keepHeader: true);
        RecoveredLog recovered = session.Open();
        Assert.Equal(3, recovered.Entries.Count);
        Assert.Contains("never acknowledged", Assert.Single(recovered.Notes), StringComparison.Ordinal);
        Assert.Contains(First, recovered.Notes[0], StringComparison.Ordinal);
        Assert.Empty(session.Reopen().Notes); // the remains were wiped
    }

    [Fact]
    public void A_torn_tail_without_its_header_is_cut_and_noted()
    {
        using LogSession session = ThreeBatches();
        Interrupt(session, keepHeader: false);
        Assert.Single(session.Open().Notes);
        session.Append(700);
        Assert.Empty(session.Reopen().Notes);
    }

    [Fact]
    public void A_hole_before_a_valid_batch_is_corruption()
    {
        // A whole batch vanished: its sectors are zeros. The next batch proves that it had been synced.
        using LogSession session = ThreeBatches();
        session.Log.Dispose();
        _disk.Overwrite(First, 4096 + 512, new byte[512]);
        StorageException refusal = Assert.Throws<StorageException>(() => session.Open());
        Assert.Equal((StorageErrorKind.Corrupt, First, 4096L + 512), (refusal.Kind, refusal.File, refusal.Offset));
    }

    [Fact]
    public void A_damaged_payload_says_which_entry_is_lost_and_where()
    {
        using LogSession session = ThreeBatches();
        session.Log.Dispose();
        _disk.FlipBit(First, (4096 + BatchHeader.Bytes + RecordHeader.Bytes + 3) * 8);
        StorageException refusal = Assert.Throws<StorageException>(() => session.Open());
        Assert.Contains("entry 1@0", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(4096 + BatchHeader.Bytes, refusal.Offset);
    }

    [Fact]
    public void A_batch_missing_before_the_next_segment_is_corruption()
    {
        using LogSession session = ThreeBatches();
        session.Append(15_000); // rolls over
        Assert.Contains("wal-0000000002.log", _disk.List(LogSession.Directory));
        session.Log.Dispose();
        _disk.Overwrite(First, 4096 + 1024, new byte[2048]);
        StorageException refusal = Assert.Throws<StorageException>(() => session.Open());
        Assert.Equal((StorageErrorKind.Corrupt, First), (refusal.Kind, refusal.File));
    }

    [Fact]
    public void Even_a_missing_batch_without_content_breaks_the_chain_to_the_next_segment()
    {
        using LogSession session = ThreeBatches();
        session.Reopen(); // the closing mark is an empty batch
        session.Append(15_000);
        session.Log.Dispose();
        _disk.Overwrite(First, 4096 + 3 * 512, new byte[512]);
        StorageException refusal = Assert.Throws<StorageException>(() => session.Open());
        Assert.Equal((StorageErrorKind.Corrupt, First), (refusal.Kind, refusal.File));
    }

    [Theory, InlineData(First), InlineData(Second), InlineData("/data/wal-0000000003.log"), InlineData("/data/superblock")]
    public void A_missing_file_is_named(string path)
    {
        using LogSession session = ThreeBatches();
        session.Append(15_000);
        session.Append(15_000);
        session.Log.Dispose();
        _disk.Remove(path);
        StorageException refusal = Assert.Throws<StorageException>(() => session.Open());
        Assert.Equal((StorageErrorKind.Corrupt, path), (refusal.Kind, refusal.File));
    }

    [Fact]
    public void A_superblock_from_an_older_copy_is_refused()
    {
        using LogSession session = ThreeBatches();
        byte[] old = _disk.ReadAll("/data/superblock");
        for (int i = 0; i < 3; i++)
            session.Append(15_000);
        session.Log.Dispose();
        _disk.Overwrite("/data/superblock", 0, old);
        Assert.Equal(StorageErrorKind.Corrupt, Assert.Throws<StorageException>(() => session.Open()).Kind);
    }

    [Fact]
    public void A_segment_copied_over_another_is_refused()
    {
        using LogSession session = ThreeBatches();
        session.Append(15_000);
        session.Log.Dispose();
        _disk.Overwrite(Second, 0, _disk.ReadAll(First));
        StorageException refusal = Assert.Throws<StorageException>(() => session.Open());
        Assert.Equal((StorageErrorKind.Corrupt, Second), (refusal.Kind, refusal.File));
    }

    [Fact]
    public void A_damaged_superblock_copy_is_replaced_by_its_twin()
    {
        using LogSession session = ThreeBatches();
        session.Log.Dispose();
        for (int slot = 0; slot < 4; slot += 2)
            _disk.FlipBit("/data/superblock", slot * 4096 * 8 + 1000);
        Assert.Single(session.Open().Notes);
        Assert.Empty(session.Reopen().Notes);
    }

    [Theory, InlineData(0), InlineData(1)]
    public void A_superblock_with_both_copies_of_a_pair_damaged_is_refused(int pair)
    {
        using LogSession session = ThreeBatches();
        session.Log.Dispose();
        _disk.FlipBit("/data/superblock", (2 * pair) * 4096 * 8 + 1000);
        _disk.FlipBit("/data/superblock", (2 * pair + 1) * 4096 * 8 + 1000);
        Assert.Equal(StorageErrorKind.Corrupt, Assert.Throws<StorageException>(() => session.Open()).Kind);
    }

    [Fact]
    public void A_refused_directory_is_left_as_it_was()
    {
        // A torn tail and a damaged superblock copy would be repaired, but the damaged batch before them decides.
        using LogSession session = ThreeBatches();
        Interrupt(session, keepHeader: true);
        _disk.FlipBit("/data/superblock", 1000);
        _disk.FlipBit(First, (4096 + 20) * 8);
        (byte[] superblock, byte[] segment) = (_disk.ReadAll("/data/superblock"), _disk.ReadAll(First));
        Assert.Throws<StorageException>(() => session.Open());
        Assert.Equal(superblock, _disk.ReadAll("/data/superblock"));
        Assert.Equal(segment, _disk.ReadAll(First));
    }

    private LogSession ThreeBatches()
    {
        var session = new LogSession(_disk);
        session.Open();
        session.Append(100);
        session.Append(200);
        session.Append(300);
        return session;
    }

    /// <summary>The power goes while a batch of four sectors is written: two of them arrive.</summary>
    private void Interrupt(LogSession session, bool keepHeader)
    {
        LogState acknowledged = session.Acknowledged;
        byte[] before = _disk.ReadAll(First);
        session.Persist(session.Op(null, null, [1700], fill: 7));
        byte[] after = _disk.ReadAll(First);
        const int Batch = 4096 + 3 * 512;
        _disk.KillProcess();
        _disk.Overwrite(First, Batch, before.AsSpan(Batch, 4 * 512));
        _disk.Overwrite(First, Batch + 1024, after.AsSpan(Batch + 1024, 512));
        if (keepHeader)
            _disk.Overwrite(First, Batch, after.AsSpan(Batch, 512));
        session.Expect(acknowledged);
    }
}
