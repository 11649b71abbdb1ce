using System.Collections.Concurrent;
using Conclave.Node.Consensus;
using Conclave.Node.Tests.Nodes;
using Conclave.Raft;
using Conclave.Storage;
using Conclave.Store;

namespace Conclave.Node.Tests.Consensus;

/// <summary>Snapshots that are still being written when another state takes the place of the one that they hold.</summary>
public class OutdatedSnapshotTests
{
    private const int Between = 1000;
    private static readonly Membership Members = Membership.Of(new NodeId(1));

    private readonly SimulatedFileSystem _simulated = new(seed: 1);
    private readonly LockedFileSystem _disk;
    private readonly SnapshotStore _snapshots;
    private readonly ConcurrentQueue<RaftInput> _toCore = [];
    private readonly SnapshotKeeper _keeper;

    public OutdatedSnapshotTests()
    {
        _disk = new LockedFileSystem(_simulated);
        _snapshots = new SnapshotStore(_disk, "/data");
        _keeper = new SnapshotKeeper(_snapshots, null, Between, Members, _toCore.Enqueue, _ => { }, new TestOutputLogger("keeper"), bytesUnsavedMax: 1000);
    }

    [Fact]
    public async Task One_of_a_state_that_was_replaced_is_neither_kept_nor_told_to_the_core()
    {
        Receive(At(9 * Between));
        await BeginAsync();
        _keeper.OnReplaced(new SnapshotId(At(9 * Between), Members));
        await EndAsync();

        Assert.Equal((At(9 * Between), 0), _keeper.Newest);
        Assert.Empty(_toCore);
        Assert.Equal(At(9 * Between), Assert.Single(_snapshots.List()).Last);
    }

    [Fact]
    public async Task What_was_applied_after_an_install_still_counts()
    {
        await BeginAsync();
        _keeper.OnInstalled(new SnapshotId(At(9 * Between), Members));
        _keeper.OnApplied(View, At(9 * Between + 1), 900);
        await EndAsync();
        _disk.With(files => { files.Faults.Fail(DiskOperation.Write, FileError.NoSpace, times: int.MaxValue); return 0; });
        _keeper.TakeNow(View, At(9 * Between + 1));
        await _keeper.Writing;
        Assert.False(_keeper.IsOutOfRoom);

        _keeper.OnApplied(View, At(9 * Between + 2), 200);
        Assert.True(_keeper.IsOutOfRoom);   // 1,100 bytes since the install
    }

    [Fact]
    public async Task A_failure_says_nothing_of_the_state_that_came()
    {
        await BeginAsync();
        _disk.With(files => { files.Faults.Fail(DiskOperation.Sync); return 0; });
        _keeper.OnInstalled(new SnapshotId(At(9 * Between), Members));
        await EndAsync();

        _keeper.OnApplied(View, At(9 * Between + 1), 1);
        await _keeper.Writing;
        Assert.Empty(_toCore);
        _keeper.OnApplied(View, At(10 * Between), 1);   // at once, after no delay
        await _keeper.Writing;
        Assert.Equal(At(10 * Between), Assert.Single(_toCore).Snapshot!.Last);
    }

    private static StoreView View
    {
        get
        {
            var store = new KeyValueStore(new StoreOptions());
            store.AdvanceApplied(1, 3);
            store.Publish();
            return store.View;
        }
    }

    /// <summary>Lets one be written up to its sync.</summary>
    private Task BeginAsync()
    {
        _disk.HoldSyncs();
        _keeper.OnApplied(View, At(Between), 800);
        return TestNode.EventuallyAsync("it is to be made durable", () => Task.FromResult(_disk.HeldSyncs == 1));
    }

    private Task EndAsync()
    {
        _disk.ReleaseSyncs();
        return _keeper.Writing;
    }

    private void Receive(EntryId last)
    {
        using SnapshotWriter writer = _snapshots.Create(new SnapshotId(last, Members));
        KeyValueStore.Save(View, writer);
        writer.Commit().Dispose();
    }

    private static EntryId At(ulong index) => new(new LogIndex(index), new Term(3));
}
