using Conclave.Node.Http;
using Conclave.Node.Services;
using Conclave.Node.Tests.Nodes;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Tests.Consensus;

public class SnapshotDownloadTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(100), Long = TimeSpan.FromSeconds(60);

    [Fact]
    public void Files_of_downloads_that_a_killed_process_left_are_removed_and_nothing_else()
    {
        using var directory = new TemporaryDirectory();
        foreach (string name in new[] { "download-0123456789abcdef.tmp", "download-notes.txt", "superblock" })
            File.WriteAllText(Path.Combine(directory.Path, name), "x");

        SnapshotDownload.RemoveLeftovers(directory.Path);

        Assert.Equal(["download-notes.txt", "superblock"], Directory.GetFiles(directory.Path).Select(Path.GetFileName).Order());
        SnapshotDownload.RemoveLeftovers(Path.Combine(directory.Path, "missing"));
    }

    [Fact]
    public async Task Who_does_not_read_is_given_up_and_nothing_is_written_after_that()
    {
        var stream = new TakenStream(messages: 2);
        GrpcException refused = await Assert.ThrowsAsync<GrpcException>(
            () => SnapshotDownload.SendAsync(new EndlessCall(), stream, new MemoryStream(new byte[512 << 10]), Short).AsTask().WaitAsync(Long, TestContext.Current.CancellationToken));

        Assert.Equal(GrpcCode.DeadlineExceeded, refused.Status.Code);
        Assert.Contains("nothing of the snapshot was taken", refused.Status.Message, StringComparison.Ordinal);
        Assert.Equal((3, 0), (stream.Writes, stream.Waiting));
    }

    [Fact]
    public async Task Who_reads_gets_all_of_it()
    {
        var stream = new TakenStream(messages: int.MaxValue);
        await SnapshotDownload.SendAsync(new EndlessCall(), stream, new MemoryStream(new byte[100_352]), Short);

        Assert.Equal(100_352 + 32, stream.Bytes);
        Assert.Equal(0UL, stream.Remaining);
    }

    [Fact]
    public async Task Who_finds_no_turn_is_told_where_to_go()
    {
        using var turns = new SemaphoreSlim(1);
        await SnapshotDownload.TakeTurnAsync(turns, Long, TestContext.Current.CancellationToken);
        GrpcException refused = await Assert.ThrowsAsync<GrpcException>(() => SnapshotDownload.TakeTurnAsync(turns, Short, TestContext.Current.CancellationToken).AsTask());
        Assert.Equal(GrpcCode.Unavailable, refused.Status.Code);
        Assert.Contains("ask another member", refused.Status.Message, StringComparison.Ordinal);

        turns.Release();
        await SnapshotDownload.TakeTurnAsync(turns, Long, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void A_snapshot_leaves_room_for_the_log()
    {
        SnapshotDownload.RequireRoom(1000, SnapshotDownload.LogRoomBytes + 1000, "/data");
        GrpcException refused = Assert.Throws<GrpcException>(() => SnapshotDownload.RequireRoom(1001, SnapshotDownload.LogRoomBytes + 1000, "/data"));
        Assert.Equal(GrpcCode.ResourceExhausted, refused.Status.Code);
        Assert.Contains("/data", refused.Status.Message, StringComparison.Ordinal);
    }

    /// <summary>A client that takes so many messages and then no more.</summary>
    private sealed class TakenStream(int messages) : RpcStream
    {
        public int Writes { get; private set; }

        public int Waiting { get; private set; }

        public long Bytes { get; private set; }

        public ulong Remaining { get; private set; }

        public override ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken = default) => default;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> message, bool moreFollows, CancellationToken cancellationToken = default)
        {
            Writes++;
            if (Writes <= messages)
            {
                await Task.Yield();
                SnapshotResponse part = SnapshotResponse.Parser.ParseFrom(message.Span);
                (Bytes, Remaining) = (Bytes + part.Blob.Length, part.RemainingBytes);
                return;
            }

            Waiting++;
            try
            {
                await Task.Delay(System.Threading.Timeout.InfiniteTimeSpan, cancellationToken);
            }
            finally
            {
                Waiting--;
            }
        }
    }

    private sealed class EndlessCall : RpcContext
    {
        public override RpcMethod Method => throw new NotSupportedException("Not asked for here.");

        public override CancellationToken Cancellation => CancellationToken.None;

        public override GrpcStatus CancellationStatus => EtcdErrors.RequestCanceled;

        public override TimeSpan? Timeout => null;

        public override string Peer => "";

        public override bool ViaGateway => false;

        public override string? Metadata(string key) => null;
    }
}
