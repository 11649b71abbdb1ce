using Conclave.Raft;

namespace Conclave.Storage.Tests;

/// <summary>What a failed attempt leaves for the next one: nothing. And what is found among several snapshots.</summary>
public class SnapshotFaultTests
{
    private const string Directory = "/data";

    [Fact]
    public void A_transfer_whose_sync_failed_is_never_gone_on_with()
    {
        byte[] content = SnapshotStoreTests.Content(5 << 20); // synced on the way, every 4 MiB
        using SnapshotFile source = Source(content);
        for (ulong seed = 0; seed < 4; seed++)
        {
            var disk = new SimulatedFileSystem(seed);
            var store = new SnapshotStore(disk, Directory);
            disk.Faults.Fail(DiskOperation.Sync, nameContains: ".part");
            SnapshotReceiver first = store.BeginReceive(source.Manifest);
            Assert.Throws<StorageException>(() => Send(source, first));
            Assert.Throws<ObjectDisposedException>(() => first.Append(0, []));
            Assert.Empty(disk.List(Directory));

            SnapshotReceiver second = store.BeginReceive(source.Manifest);
            Assert.Equal(0, second.ReceivedBytes);
            Send(source, second);
            second.Finish().Dispose();
            disk.PowerCut();
            using SnapshotFile durable = new SnapshotStore(disk, Directory).Latest()!;
            durable.Verify();
        }
    }

    [Theory]
    [InlineData(DiskOperation.Sync, 0), InlineData(DiskOperation.Write, 0), InlineData(DiskOperation.Sync, 1)] // of the content, then the manifest
    [InlineData(DiskOperation.Rename, 0), InlineData(DiskOperation.SyncDirectory, 0)]
    public void Whatever_fails_at_the_end_the_next_attempt_starts_anew(DiskOperation operation, int after)
    {
        byte[] content = SnapshotStoreTests.Content(200_000);
        using SnapshotFile source = Source(content);
        var disk = new SimulatedFileSystem(3);
        var store = new SnapshotStore(disk, Directory);
        SnapshotReceiver first = store.BeginReceive(source.Manifest);
        Send(source, first);
        disk.Faults.Fail(operation, after: after);
        Assert.Throws<StorageException>(first.Finish);

        SnapshotReceiver second = store.BeginReceive(source.Manifest);
        Assert.NotSame(first, second);
        Assert.Equal(0, second.ReceivedBytes);
        Send(source, second);
        second.Finish().Dispose();
        disk.PowerCut();
        using SnapshotFile durable = new SnapshotStore(disk, Directory).Latest()!;
        Assert.Equal(content, SnapshotStoreTests.ReadAll(durable));
    }

    [Fact]
    public void A_content_that_is_not_the_announced_one_is_fetched_again()
    {
        using SnapshotFile source = Source(SnapshotStoreTests.Content(200_000));
        SnapshotManifest wrong = source.Manifest with { ContentHash = 1 };
        var store = new SnapshotStore(new SimulatedFileSystem(3), Directory);
        SnapshotReceiver first = store.BeginReceive(wrong);
        Send(source, first);
        Assert.Throws<StorageException>(first.Finish);

        SnapshotReceiver second = store.BeginReceive(wrong);
        Assert.NotSame(first, second);
        Assert.Equal(0, second.ReceivedBytes);
        Assert.False(second.IsComplete);
    }

    [Fact]
    public void The_snapshot_that_was_asked_for_is_opened_not_a_newer_one()
    {
        SnapshotStore store = With(3, 5, 9);
        using SnapshotFile file = store.Open(SnapshotStoreTests.At(5))!;
        Assert.Equal(SnapshotStoreTests.At(5), file.Id.Last);
        Assert.Null(store.Open(SnapshotStoreTests.At(6)));
    }

    [Fact]
    public void Pruning_up_to_an_entry_leaves_newer_ones_alone()
    {
        SnapshotStore store = With(1, 3, 5, 7, 9);
        store.Prune(keep: 2, upTo: new LogIndex(5));
        Assert.Equal([9, 7, 5, 3], store.List().Select(listing => listing.Last.Index.Value));
    }

    private static SnapshotStore With(params ulong[] indexes)
    {
        var store = new SnapshotStore(new SimulatedFileSystem(1), Directory);
        foreach (ulong index in indexes) SnapshotStoreTests.Write(store, index, [1, 2, 3]).Dispose();
        return store;
    }

    private static SnapshotFile Source(byte[] content) => SnapshotStoreTests.Write(new SnapshotStore(new SimulatedFileSystem(1), Directory), 9, content);

    private static void Send(SnapshotFile source, SnapshotReceiver receiver)
    {
        byte[] buffer = new byte[100_000];
        while (source.ReadRaw(receiver.ReceivedBytes, buffer) is > 0 and int read)
            Assert.Equal(SnapshotReceipt.Accepted, receiver.Append(receiver.ReceivedBytes, buffer.AsSpan(0, read)));
    }
}
