using Conclave.Raft;

namespace Conclave.Storage.Tests;

/// <summary>The same on a real disk.</summary>
public sealed class PosixFileSystemTests : IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"conclave-storage-{Guid.NewGuid():N}");
    private readonly PosixFileSystem _files = new();

    [Fact]
    public void Files_are_created_written_renamed_listed_and_deleted()
    {
        string nested = Path.Combine(_directory, "a", "b");
        _files.CreateDirectory(nested);
        _files.CreateDirectory(nested);
        string one = Path.Combine(nested, "one"), two = Path.Combine(nested, "two");
        using (IStorageFile file = _files.Create(one))
        {
            file.SetLength(10_000);
            file.Write(5000, [1, 2, 3]);
            file.Sync();
            file.DropCache();
            byte[] read = new byte[20_000];
            Assert.Equal(5000, file.Read(5000, read));
            Assert.Equal([1, 2, 3, 0], read[..4]);
        }
        _files.Rename(one, two);
        _files.SyncDirectory(nested);
        Assert.Equal(["two"], _files.List(nested));
        _files.Delete(two);
        Assert.Empty(_files.List(nested));
    }

    [Fact]
    public void Errors_are_told_apart()
    {
        _files.CreateDirectory(_directory);
        string path = Path.Combine(_directory, "file");
        Assert.Equal(FileError.NotFound, Failure(() => _files.Open(path)).Error);
        _files.Create(path).Dispose();
        Assert.Equal(FileError.Exists, Failure(() => _files.Create(path)).Error);
        Assert.Equal(FileError.NotFound, Failure(() => _files.SyncDirectory(Path.Combine(_directory, "none"))).Error);
        using (IStorageFile full = _files.Open("/dev/full")) // the device whose every write finds the disk full
            Assert.Equal(FileError.NoSpace, Failure(() => full.Write(0, [1])).Error);
        using (IStorageFile file = _files.Open(path)) // beyond what any file system holds in one file
        {
            Assert.Equal(FileError.TooLarge, Failure(() => file.SetLength(long.MaxValue)).Error);
            Assert.Equal(FileError.TooLarge, Failure(() => file.Reserve(long.MaxValue)).Error);
        }

        Assert.NotNull(Failure(() => _files.CreateDirectory(Path.Combine(path, "below"))).Path);
    }

    [Fact]
    public void A_lock_excludes_everybody_else_until_it_is_released()
    {
        _files.CreateDirectory(_directory);
        string path = Path.Combine(_directory, "LOCK");
        using (_files.Lock(path))
            Assert.Equal(FileError.Locked, Failure(() => _files.Lock(path)).Error);
        _files.Lock(path).Dispose();
    }

    [Fact]
    public void A_log_keeps_its_entries_through_restarts_roll_overs_compactions_and_resets()
    {
        DurableLogOptions options = LogSession.SmallFiles with { SegmentBytes = 64 << 10, BatchAlignmentBytes = 4096 };
        LogState expected = LogState.Empty;
        var released = new List<OutboundMessage>();
        for (int life = 0; life < 4; life++)
        {
            using DurableLog log = DurableLog.Open(_files, _directory, options, out RecoveredLog recovered);
            Assert.True(expected.Matches(LogState.Of(recovered)), $"{LogState.Of(recovered)}\nexpected {expected}");
            Assert.Equal(life == 0, recovered.Fresh);
            Assert.Empty(recovered.Notes);
            Assert.Equal(StorageErrorKind.Locked, Assert.Throws<StorageException>(() => DurableLog.Open(_files, _directory, options, out _)).Kind);
            for (int i = 0; i < 60; i++)
            {
                var op = new PersistOp(new IoTicket((ulong)(life * 1000 + i + 1)), new HardState(new Term((ulong)life + 1), new NodeId(7)), null,
                    new[] { new Entry(log.Last.Index.Next, new Term((ulong)life + 1), EntryKind.Command, new byte[i * 20]) }, []);
                log.Persist([op], released);
                expected = expected.After(op);
                log.Prepare();
            }
            if (life == 1)
            {
                log.CompactTo(expected.Entries[80].Id);
                expected = expected.CompactedTo(expected.Entries[80].Id);
            }
            if (life == 2)
            {
                expected = new LogState(new EntryId(new LogIndex(5000), new Term(9)), new HardState(new Term(9), NodeId.None), []);
                log.ResetTo(expected.Base, expected.HardState);
                expected = expected with { HardState = new HardState(new Term(9), NodeId.None) };
                break;
            }
        }
        using (DurableLog.Open(_files, _directory, options, out RecoveredLog last))
            Assert.True(expected.Matches(LogState.Of(last)));
        Assert.InRange(new DirectoryInfo(_directory).EnumerateFiles().Sum(file => file.Length), 1, 4 * (64 << 10));
    }

    [Fact]
    public void A_fresh_log_answers_before_it_has_filled_a_segment()
    {
        using DurableLog log = DurableLog.Open(_files, _directory, LogSession.SmallFiles with { SegmentBytes = 16 << 20, ZeroFillBytes = 1 << 20 }, out _);
        Assert.InRange(log.DiskBytes, 1, 33 << 20);
        Assert.False(log.IsSpaceLow);
        Assert.Single(_files.List(_directory), name => name.StartsWith("wal-", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_reserved_reads_as_zeros_and_keeps_what_is_there()
    {
        _files.CreateDirectory(_directory);
        using IStorageFile file = _files.Create(Path.Combine(_directory, "reserved"));
        file.Write(0, [1, 2, 3]);
        if (!file.Reserve(1 << 20))
            Assert.Skip("The file system of the temporary directory cannot reserve.");
        byte[] all = new byte[2 << 20];
        Assert.Equal((1L << 20, 1 << 20), (file.Length, file.Read(0, all)));
        Assert.Equal([1, 2, 3, 0], all[..4]);
        Assert.False(all.AsSpan(3).ContainsAnyExcept((byte)0));
        Assert.True(file.Reserve(4096)); // less than there is changes nothing
        Assert.Equal(1L << 20, file.Length);
        Assert.Equal(FileError.NoSpace, Failure(() => file.Reserve(1L << 42)).Error);
    }

    [Fact]
    public void A_snapshot_is_written_and_read_on_a_real_disk()
    {
        var store = new SnapshotStore(_files, _directory);
        byte[] content = SnapshotStoreTests.Content(5 << 20);
        SnapshotStoreTests.Write(store, 3, content).Dispose();
        Assert.Equal(content, new SnapshotStore(_files, _directory).LoadNewest(SnapshotStoreTests.At(2), SnapshotStoreTests.ReadAll, []));
    }

    public void Dispose()
    {
        if (Directory.Exists(_directory))
            Directory.Delete(_directory, recursive: true);
    }

    private static FileSystemException Failure(Action action) => Assert.Throws<FileSystemException>(action);
}
