using System.Collections.Concurrent;
using Conclave.Node.Consensus;
using Conclave.Node.Tests.Nodes;
using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Node.Tests.Consensus;

public sealed class DiskScrubTests : IAsyncDisposable
{
    private readonly SimulatedFileSystem _files = new(seed: 1);
    private readonly SnapshotStore _snapshots;
    private readonly DiskScrub _scrub;
    private readonly ConcurrentQueue<EntryId> _compacted = [];
    private long _written, _next = 9;

    public DiskScrubTests()
    {
        _snapshots = new SnapshotStore(_files, "/data");
        _scrub = new DiskScrub(new Scrubber(_files, "/data", _snapshots), _snapshots, boot: 1, () => (At((ulong)Interlocked.Read(ref _next)), Interlocked.Read(ref _written)), WriteSnapshot, _compacted.Enqueue,
            new TestOutputLogger("scrub"), new ImpatientClock());
    }

    public ValueTask DisposeAsync() => _scrub.DisposeAsync();

    [Fact]
    public async Task A_damaged_snapshot_is_replaced_by_a_new_one_and_taken_out_of_use()
    {
        Write(5);
        _files.FlipBit(_snapshots.List().Single().Path, 8 * 5_000);

        await ScrubUntilQuietAsync();

        Assert.Equal(9UL, Assert.Single(_snapshots.List()).Last.Index.Value);
    }

    [Fact]
    public async Task A_damaged_snapshot_of_the_present_state_is_overwritten()
    {
        _next = 5;
        Write(5);
        _files.FlipBit(_snapshots.List().Single().Path, 8 * 5_000);

        await ScrubUntilQuietAsync();

        Assert.Equal(5UL, Assert.Single(_snapshots.List()).Last.Index.Value);
    }

    [Fact]
    public async Task What_is_whole_is_left_alone()
    {
        Write(5);
        _scrub.Start();

        await TestNode.EventuallyAsync("two rounds", () => Task.FromResult(_scrub.Rounds >= 2));

        Assert.Equal((0, 0), (_scrub.Findings, _written));
        Assert.Empty(_compacted);
    }

    [Fact]
    public async Task A_log_whose_cold_segment_is_damaged_is_compacted_to_a_new_snapshot()
    {
        using DurableLog log = LogWithColdSegments();
        string cold = _files.List("/data").Where(name => name.StartsWith("wal-", StringComparison.Ordinal)).Order(StringComparer.Ordinal).First();
        _files.FlipBit("/data/" + cold, 8 * 5_000);
        _next = 400;
        _scrub.Start();

        await TestNode.EventuallyAsync("the log is compacted", () => Task.FromResult(!_compacted.IsEmpty));

        Assert.Equal(At(400), _compacted.First());
        await _scrub.DisposeAsync();
    }

    /// <summary>Until there was damage, and then a whole round without any. Stops the scrub: the simulated disk is one thread's at a time.</summary>
    private async Task ScrubUntilQuietAsync()
    {
        _scrub.Start();
        await TestNode.EventuallyAsync("a round without findings follows", async () =>
        {
            (long rounds, long findings) = (_scrub.Rounds, _scrub.Findings);
            await TestNode.EventuallyAsync("another round", () => Task.FromResult(_scrub.Rounds > rounds + 1));
            return _scrub.Findings == findings && findings > 0;
        });
        await _scrub.DisposeAsync();
    }

    private DurableLog LogWithColdSegments()
    {
        DurableLog log = DurableLog.Open(_files, "/data", new DurableLogOptions { ClusterId = 7, NodeId = 1, Bootstrap = Membership.Of(new NodeId(1)), SegmentBytes = 16 << 10 }, out _);
        var released = new List<OutboundMessage>();
        for (ulong index = 1; index <= 20; index++)
        {
            Entry[] entries = [new(new LogIndex(index), new Term(3), EntryKind.Command, new byte[4_000])];
            HardState? first = index == 1 ? new HardState(new Term(3), new NodeId(1)) : null;
            PersistOp[] operations = [new(new IoTicket(index), first, null, entries, [])];
            log.Persist(operations, released);
        }

        return log;
    }

    private void WriteSnapshot()
    {
        Write((ulong)Interlocked.Read(ref _next));
        Interlocked.Increment(ref _written);
    }

    private void Write(ulong index)
    {
        using SnapshotWriter writer = _snapshots.Create(new SnapshotId(At(index), Membership.Of(new NodeId(1))));
        writer.Write(new byte[100_000]);
        writer.Commit().Dispose();
    }

    private static EntryId At(ulong index) => new(new LogIndex(index), new Term(3));

    /// <summary>Every wait is over at once, or nearly: the loop must not spin.</summary>
    private sealed class ImpatientClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, TimeSpan.FromMilliseconds(2), period);
    }
}
