using Conclave.Raft;
using Conclave.Support;
using FsCheck.Fluent;

namespace Conclave.Storage.Tests;

public class SnapshotTransferTests(ITestOutputHelper output)
{
    private const string Directory = "/data";
    private readonly byte[] _content = SnapshotStoreTests.Content(200_000);
    private readonly SimulatedFileSystem _target = new(seed: 6);

    [Fact]
    public void A_transfer_in_pieces_of_any_size_arrives() =>
        Properties.Holds(Prop.ForAll((ushort size, ushort piece) =>
        {
            byte[] content = SnapshotStoreTests.Content(size * 4);
            using SnapshotFile source = SnapshotStoreTests.Write(new SnapshotStore(new SimulatedFileSystem(1), Directory), 9, content);
            Assert.True(SnapshotManifest.TryDecode(source.Manifest.Encode(), out SnapshotManifest? offered));
            var store = new SnapshotStore(new SimulatedFileSystem(2), Directory);
            using SnapshotReceiver receiver = store.BeginReceive(offered);
            Send(source, receiver, piece + 1, long.MaxValue);
            using SnapshotFile received = receiver.Finish();
            return SnapshotStoreTests.ReadAll(received).SequenceEqual(content) && store.List().Single().Problem is null;
        }), output, tests: 40);

    [Fact]
    public void A_transfer_that_broke_off_goes_on_where_it_was()
    {
        using SnapshotFile source = Source();
        var store = new SnapshotStore(_target, Directory);
        SnapshotReceiver first = store.BeginReceive(source.Manifest);
        Send(source, first, 1000, upTo: 100_000);

        SnapshotReceiver second = store.BeginReceive(source.Manifest);
        Assert.Same(first, second);
        Assert.Equal(100_000, second.ReceivedBytes);
        Send(source, second, 4096, long.MaxValue);
        Assert.Equal(_content, SnapshotStoreTests.ReadAll(second.Finish()));
    }

    [Fact]
    public void Another_offer_replaces_an_unfinished_transfer()
    {
        using SnapshotFile source = Source();
        var store = new SnapshotStore(_target, Directory);
        SnapshotReceiver first = store.BeginReceive(source.Manifest);
        Send(source, first, 1000, upTo: 100_000);
        SnapshotReceiver second = store.BeginReceive(source.Manifest with { ContentHash = 1 });
        Assert.Equal(0, second.ReceivedBytes);
        Assert.Throws<ObjectDisposedException>(() => first.Append(0, []));
    }

    [Fact]
    public void Gaps_duplicates_damage_and_excess_are_told_apart()
    {
        using SnapshotFile source = Source();
        using SnapshotReceiver receiver = new SnapshotStore(_target, Directory).BeginReceive(source.Manifest);
        byte[] body = new byte[source.Manifest.BodyBytes];
        source.ReadRaw(0, body);
        Assert.Equal(SnapshotReceipt.Gap, receiver.Append(10, body.AsSpan(10, 100)));
        Assert.Equal(SnapshotReceipt.Accepted, receiver.Append(0, body.AsSpan(0, 70_000)));
        Assert.Equal(SnapshotReceipt.Accepted, receiver.Append(50_000, body.AsSpan(50_000, 30_000)));
        Assert.Equal(80_000, receiver.ReceivedBytes);

        byte[] damaged = (byte[])body.Clone();
        damaged[100_000] ^= 4;
        Assert.Equal(SnapshotReceipt.Damaged, receiver.Append(80_000, damaged.AsSpan(80_000)));
        Assert.InRange(receiver.ReceivedBytes, 0, 80_000); // back to the last good chunk
        Assert.Throws<InvalidOperationException>(receiver.Finish);
        Assert.Equal(SnapshotReceipt.TooLong, receiver.Append(receiver.ReceivedBytes, new byte[body.Length + 1]));
        Assert.Equal(SnapshotReceipt.Accepted, receiver.Append(receiver.ReceivedBytes, body.AsSpan((int)receiver.ReceivedBytes)));
        Assert.True(receiver.IsComplete);
        Assert.Equal(_content, SnapshotStoreTests.ReadAll(receiver.Finish()));
    }

    [Fact]
    public void Good_chunks_that_are_not_the_announced_content_are_refused()
    {
        using SnapshotFile source = Source();
        var store = new SnapshotStore(_target, Directory);
        using SnapshotReceiver receiver = store.BeginReceive(source.Manifest with { ContentHash = 1 });
        Send(source, receiver, 50_000, long.MaxValue);
        Assert.Equal(StorageErrorKind.Corrupt, Assert.Throws<StorageException>(receiver.Finish).Kind);
        receiver.Dispose();
        Assert.Empty(_target.List(Directory));
    }

    [Fact]
    public void Any_bytes_at_all_are_no_manifest_or_a_valid_one() =>
        Properties.Holds(Prop.ForAll((uint position, byte[] noise) =>
        {
            using SnapshotFile source = Source();
            byte[] page = source.Manifest.Encode();
            page[position / 8 % page.Length] ^= (byte)(1 << (int)(position % 8));
            return !SnapshotManifest.TryDecode(page, out _) && !SnapshotManifest.TryDecode(noise, out _);
        }), output, tests: 100);

    [Fact]
    public void Installing_a_snapshot_survives_a_crash_at_every_step()
    {
        // The order of a driver: the file is received and durable, the log is reset, older files go. Whatever was reached, a restart finds
        // a snapshot and a log that fit each other.
        using SnapshotFile source = Source();
        for (ulong seed = 0; seed < 6; seed++)
            for (int step = 1; ; step++)
            {
                var disk = new SimulatedFileSystem(seed * 1000 + (ulong)step);
                using var session = new LogSession(disk);
                session.Open();
                session.Append(100, 200);
                disk.Faults.CrashAtStep = disk.Steps + step;
                bool installed = false;
                try
                {
                    var store = new SnapshotStore(disk, Directory);
                    using SnapshotReceiver receiver = store.BeginReceive(source.Manifest);
                    Send(source, receiver, 30_000, long.MaxValue);
                    using SnapshotFile received = receiver.Finish();
                    session.ResetTo(received.Id.Last, new HardState(new Term(3), NodeId.None));
                    installed = true;
                    store.Prune(keep: 1);
                    session.Append(5);
                }
                catch (StorageException) when (disk.IsDown)
                {
                }
                bool crashed = disk.IsDown;

                RecoveredLog recovered = session.Restart();
                var notes = new List<string>();
                SnapshotFile? loaded = new SnapshotStore(disk, Directory).LoadNewest(recovered.Base, file => { file.Verify(); return file; }, notes);
                RecoveredState start = session.Log.StartFrom(recovered, loaded?.Id);
                Assert.Empty(notes);
                Assert.True(!installed || loaded is not null);
                Assert.True(loaded is null ? start.Entries.Count == 2 : start.Base == loaded.Id.Last);
                Assert.True(crashed || start.Entries.Count == 1);
                if (!crashed)
                    break;
            }
    }

    private SnapshotFile Source() => SnapshotStoreTests.Write(new SnapshotStore(new SimulatedFileSystem(1), Directory), 9, _content);

    private static void Send(SnapshotFile source, SnapshotReceiver receiver, int piece, long upTo)
    {
        byte[] buffer = new byte[piece];
        while (receiver.ReceivedBytes < upTo)
        {
            int read = source.ReadRaw(receiver.ReceivedBytes, buffer);
            if (read == 0)
                return;
            Assert.Equal(SnapshotReceipt.Accepted, receiver.Append(receiver.ReceivedBytes, buffer.AsSpan(0, read)));
        }
    }
}
