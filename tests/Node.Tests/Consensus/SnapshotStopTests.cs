using System.Collections.Concurrent;
using Conclave.Node.Consensus;
using Conclave.Node.Tests.Nodes;
using Conclave.Raft;
using Conclave.Storage;
using Conclave.Store;
using Conclave.Wire.Etcd.Etcdserverpb;
using Google.Protobuf;

namespace Conclave.Node.Tests.Consensus;

/// <summary>Snapshots that are still being written when the node stops.</summary>
public class SnapshotStopTests
{
    private const int SyncEveryBytes = 4 << 20;   // of a snapshot file

    private readonly LockedFileSystem _disk = new(new SimulatedFileSystem(seed: 1));
    private readonly SnapshotStore _snapshots;
    private readonly ConcurrentQueue<RaftInput> _toCore = [];
    private readonly ConcurrentQueue<Exception> _fatal = [];
    private readonly TestOutputLogger _log = new("keeper");
    private readonly SnapshotKeeper _keeper;

    public SnapshotStopTests()
    {
        _snapshots = new SnapshotStore(_disk, "/data");
        _keeper = new SnapshotKeeper(_snapshots, null, entriesBetween: 1, Membership.Of(new NodeId(1)), _toCore.Enqueue, _fatal.Enqueue, _log);
    }

    /// <summary>A large one on a slow disk takes longer than whoever stops the node waits before it kills it.</summary>
    [Fact]
    public async Task A_stop_does_not_wait_for_the_rest_of_it_and_that_is_no_failure()
    {
        StoreView view = StoreOf(bytes: 4 * SyncEveryBytes);
        string[] before = FilesOf();
        _disk.HoldSyncs();
        _keeper.OnApplied(view, new EntryId(new LogIndex(view.AppliedIndex), new Term(1)), payloadBytes: 1);
        await TestNode.EventuallyAsync("its first part is to be made durable", () => Task.FromResult(_disk.HeldSyncs == 1));
        Task stopped = _keeper.StopAsync();
        _disk.ReleaseSyncs();
        await stopped;

        Assert.Empty(_snapshots.List());
        Assert.Equal(before, FilesOf());   // nor what was written of it
        Assert.Empty(_toCore);
        Assert.Empty(_fatal);
        Assert.Empty(_log.Lines);
        Assert.False(_keeper.IsTryDue);
    }

    private string[] FilesOf() => [.. _disk.List("/data")];

    private static StoreView StoreOf(int bytes)
    {
        var store = new KeyValueStore(new StoreOptions());
        const int each = 1 << 20;
        for (int i = 0; i < bytes / each; i++)
        {
            byte[] put = new PutRequest { Key = ByteString.CopyFromUtf8($"k{i}"), Value = ByteString.CopyFrom(new byte[each]) }.ToByteArray();
            Assert.Equal(StoreError.None, store.Apply(store.AppliedIndex + 1, 1, new Command(CommandKind.Put, 0, 0, put), wantResponse: false).Error);
        }

        store.Publish();
        return store.View;
    }
}
