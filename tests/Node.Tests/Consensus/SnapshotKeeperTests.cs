using System.Collections.Concurrent;
using Conclave.Node.Consensus;
using Conclave.Node.Tests.Nodes;
using Conclave.Raft;
using Conclave.Storage;
using Conclave.Store;

namespace Conclave.Node.Tests.Consensus;

public class SnapshotKeeperTests
{
    private const int Between = 1000;
    private static readonly Membership Members = Membership.Of(new NodeId(1));

    private readonly SimulatedFileSystem _disk = new(seed: 1);
    private readonly SnapshotStore _snapshots;
    private readonly HandClock _clock = new();
    private readonly ConcurrentQueue<RaftInput> _toCore = [];
    private readonly SnapshotKeeper _keeper;
    private readonly List<Exception> _fatal = [];
    private Action _onCore = () => { };

    public SnapshotKeeperTests()
    {
        _snapshots = new SnapshotStore(_disk, "/data");
        _keeper = new SnapshotKeeper(_snapshots, null, Between, Members, ToCore, _fatal.Add, new TestOutputLogger("keeper"), _clock);
    }

    [Fact]
    public async Task After_a_failure_the_next_try_follows_the_delay_not_the_next_interval()
    {
        _disk.Faults.Fail(DiskOperation.Sync);
        await AppliedAsync(Between);
        Assert.Empty(_toCore);

        await AppliedAsync(Between + 1);
        Assert.Empty(_toCore);
        _clock.Now += SnapshotKeeper.RetryDelay;
        await AppliedAsync(Between + 2);
        Assert.Equal(At(Between + 2), Assert.Single(_toCore).Snapshot!.Last);

        _clock.Now += SnapshotKeeper.RetryDelay;
        await AppliedAsync(Between + 3);   // and from then on as usual
        Assert.Single(_toCore);
    }

    [Fact]
    public async Task A_disk_that_fails_again_and_again_ends_the_node_and_one_that_recovers_does_not()
    {
        ulong index = Between;
        _disk.Faults.Fail(DiskOperation.Sync, times: SnapshotKeeper.DiskFailuresMax - 1);
        for (int i = 0; i < SnapshotKeeper.DiskFailuresMax; i++) await RetriedAsync(index++);
        Assert.Single(_toCore);

        index += Between;
        _disk.Faults.Fail(DiskOperation.Write, times: int.MaxValue);   // counts from the beginning, after a success
        for (int i = 1; i < SnapshotKeeper.DiskFailuresMax; i++) await RetriedAsync(index++);
        Assert.Empty(_fatal);
        await RetriedAsync(index);
        Assert.Equal(StorageErrorKind.Io, Assert.IsType<StorageException>(Assert.Single(_fatal)).Kind);
    }

    [Fact]
    public async Task A_process_without_file_descriptors_says_nothing_of_the_disk()
    {
        _disk.Faults.Fail(DiskOperation.Write, FileError.Exhausted, times: 2 * SnapshotKeeper.DiskFailuresMax);
        ulong index = Between;
        for (int i = 0; i < 2 * SnapshotKeeper.DiskFailuresMax; i++) await RetriedAsync(index++);
        Assert.Empty(_fatal);
        Assert.Empty(_toCore);
        await RetriedAsync(index);
        Assert.Single(_toCore);
    }

    [Fact]
    public async Task A_full_disk_never_ends_the_node_but_a_log_that_grows_long_asks_for_room()
    {
        _disk.Faults.SpaceBytesMax = _disk.UsedBytes;
        ulong index = Between;
        for (int i = 0; i < 2 * SnapshotKeeper.DiskFailuresMax; i++) await RetriedAsync(index++, SnapshotKeeper.BytesUnsavedMax / 10);
        Assert.False(_keeper.IsOutOfRoom);
        for (int i = 0; i < 20; i++) await RetriedAsync(index++, SnapshotKeeper.BytesUnsavedMax / 4);
        Assert.True(_keeper.IsOutOfRoom);
        Assert.Empty(_fatal);

        _disk.Faults.SpaceBytesMax = null;
        Assert.False(_keeper.IsTryDue);
        _clock.Now += SnapshotKeeper.RetryDelay;
        Assert.True(_keeper.IsTryDue);   // nothing is written any more, so nothing else would cause the next try
        _keeper.TakeNow(StoreAt(1).View, At(index));
        await _keeper.Writing;
        Assert.False(_keeper.IsOutOfRoom);
        Assert.False(_keeper.IsTryDue);
    }

    [Fact]
    public async Task A_limit_on_the_size_of_files_asks_for_room_and_never_ends_the_node()
    {
        // The state is as large on all members, so all of them would end within seconds, and again after each start.
        _disk.Faults.Fail(DiskOperation.Write, FileError.TooLarge, times: int.MaxValue);
        ulong index = Between;
        for (int i = 0; i < 24; i++) await RetriedAsync(index++, SnapshotKeeper.BytesUnsavedEnd / 16);
        Assert.Empty(_fatal);
        Assert.True(_keeper.IsOutOfRoom);
    }

    [Fact]
    public async Task After_a_start_with_a_long_log_there_may_be_no_room_until_a_snapshot_was_tried()
    {
        Assert.False(_keeper.IsRoomUnknown);
        _keeper.OnApplied(StoreAt(1).View, At(1), 1);
        Assert.False(_keeper.IsTryDue);
        _disk.Faults.Fail(DiskOperation.Write, FileError.NoSpace);
        _keeper.OnApplied(StoreAt(1).View, At(2), SnapshotKeeper.BytesUnsavedMax);   // so large that one is begun
        await _keeper.Writing;
        Assert.False(_keeper.IsRoomUnknown);
        Assert.True(_keeper.IsOutOfRoom);

        var silent = new SnapshotKeeper(_snapshots, null, Between, Members, ToCore, _fatal.Add, new TestOutputLogger("keeper"), _clock, bytesUnsavedMax: 100);
        silent.OnApplied(StoreAt(1).View, At(2), 101);   // so small that none is
        Assert.True(silent.IsRoomUnknown);
        Assert.False(silent.IsOutOfRoom);
        Assert.True(silent.IsTryDue);
        silent.TakeNow(StoreAt(1).View, At(2));
        await silent.Writing;
        Assert.False(silent.IsRoomUnknown);
        Assert.False(silent.IsTryDue);
    }

    [Fact]
    public async Task What_nobody_expected_ends_the_node_only_when_the_log_has_become_long()
    {
        _onCore = () => throw new InvalidOperationException("unexpected");
        ulong index = Between;
        for (long bytes = 0; bytes < SnapshotKeeper.BytesUnsavedEnd; bytes += SnapshotKeeper.BytesUnsavedEnd / 8) await RetriedAsync(index++, SnapshotKeeper.BytesUnsavedEnd / 8);
        Assert.Empty(_fatal);
        await RetriedAsync(index, 1);
        Assert.IsType<InvalidOperationException>(Assert.Single(_fatal));
    }

    [Fact]
    public async Task A_snapshot_holds_the_membership_as_of_its_last_entry()
    {
        Membership three = Membership.Of(new NodeId(1), new NodeId(2), new NodeId(3));
        await AppliedAsync(Between);
        _keeper.OnMembership(three);
        await AppliedAsync(2 * Between);
        _keeper.OnInstalled(new SnapshotId(At(3 * Between), Members));
        await AppliedAsync(4 * Between);

        Assert.Equal([Members, three, Members], _toCore.Select(input => input.Snapshot!.Membership));
    }

    [Fact]
    public async Task The_newest_is_the_newest_whoever_wrote_it()
    {
        await AppliedAsync(Between);
        Assert.Equal((At(Between), 1), _keeper.Newest);
        _keeper.OnInstalled(new SnapshotId(At(3 * Between), Members));
        Assert.Equal((At(3 * Between), 1), _keeper.Newest);
        await AppliedAsync(4 * Between);
        Assert.Equal((At(4 * Between), 2), _keeper.Newest);

        // Another member's state is further than what is applied here; what was being written of the one before it is none of it.
        _keeper.OnReplaced(new SnapshotId(At(9 * Between), Members));
        await AppliedAsync(5 * Between);
        Assert.Equal((At(9 * Between), 2), _keeper.Newest);
    }

    [Fact]
    public async Task What_nobody_expected_is_retried_too_and_does_not_come_out_of_stop()
    {
        _onCore = () => throw new InvalidOperationException("unexpected");
        await AppliedAsync(Between);

        _onCore = () => { };
        _clock.Now += SnapshotKeeper.RetryDelay;
        await AppliedAsync(Between + 1);
        Assert.Equal(At(Between + 1), Assert.Single(_toCore).Snapshot!.Last);
    }

    [Fact]
    public async Task Snapshots_that_cannot_be_pruned_do_not_undo_the_new_one()
    {
        for (ulong index = 1; index <= 2; index++) Write(index);
        _disk.Faults.Fail(DiskOperation.Delete);
        await AppliedAsync(Between);
        Assert.Single(_toCore);
        Assert.Equal(3, _snapshots.List().Count);
    }

    [Fact]
    public void The_snapshot_to_install_is_loaded_though_a_newer_one_has_arrived()
    {
        Write(5);
        Write(9);
        KeyValueStore store = _keeper.Load(new SnapshotId(At(5), Members), new StoreOptions());
        Assert.Equal(5UL, store.AppliedIndex);
    }

    [Fact]
    public void After_an_install_older_snapshots_go_and_newer_ones_wait_for_theirs()
    {
        foreach (ulong index in new ulong[] { 1, 2, 3, 5, 9 }) Write(index);
        _keeper.OnInstalled(new SnapshotId(At(5), Members));
        Assert.Equal([9, 5, 3], _snapshots.List().Select(listing => listing.Last.Index.Value));
    }

    /// <summary>One batch up to this index; returns when a snapshot that it caused is written or has failed.</summary>
    private Task AppliedAsync(ulong index, long bytes = 1)
    {
        _keeper.OnApplied(StoreAt(1).View, At(index), bytes);
        return _keeper.Writing;
    }

    /// <summary>As <see cref="AppliedAsync"/>, so late that a try that failed is made again.</summary>
    private Task RetriedAsync(ulong index, long bytes = 1)
    {
        _clock.Now += SnapshotKeeper.RetryDelay;
        return AppliedAsync(index, bytes);
    }

    private void ToCore(RaftInput input)
    {
        _onCore();
        _toCore.Enqueue(input);
    }

    private void Write(ulong index)
    {
        using SnapshotWriter writer = _snapshots.Create(new SnapshotId(At(index), Members));
        KeyValueStore.Save(StoreAt(index).View, writer);
        writer.Commit().Dispose();
    }

    private static KeyValueStore StoreAt(ulong index)
    {
        var store = new KeyValueStore(new StoreOptions());
        for (ulong i = 1; i <= index; i++) store.AdvanceApplied(i, 3);
        store.Publish();
        return store;
    }

    private static EntryId At(ulong index) => new(new LogIndex(index), new Term(3));

    private sealed class HandClock : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromDays(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
