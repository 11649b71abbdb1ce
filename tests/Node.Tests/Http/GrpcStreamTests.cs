using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Conclave.Node.Http;
using Conclave.Node.Http.Grpc;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Tests.Http;

public class GrpcStreamTests
{
    private const string Call = "/test.Test/Call";

    [Fact]
    public async Task Headers_arrive_before_any_message()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(UntilCancelled);
        using GrpcTestStream stream = await listener.Grpc().OpenAsync(Call);
        Assert.NotNull(stream); // Opening would not have returned.
    }

    [Fact]
    public async Task Messages_flow_both_ways_while_the_stream_is_open()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(Echo);
        using GrpcTestStream stream = await listener.Grpc().OpenAsync(Call);
        for (byte i = 0; i < 20; i++)
        {
            await stream.WriteAsync([i]);
            Assert.Equal([i], await stream.NextAsync());
        }

        stream.EndRequest();
        Assert.Equal(GrpcStatus.OK, await stream.EndAsync());
    }

    [Fact]
    public async Task Messages_of_any_size_pass_in_both_directions()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(Echo);
        using GrpcTestStream stream = await listener.Grpc().OpenAsync(Call);
        foreach (int bytes in new[] { 0, 1, 4_000, 100_000, 2_000_000, 3 })
        {
            byte[] message = new byte[bytes];
            new Random(bytes).NextBytes(message);
            await stream.WriteAsync(message);
            Assert.Equal(message, await stream.NextAsync());
        }
    }

    [Fact]
    public async Task Several_messages_in_one_packet_are_taken_one_by_one()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(Echo);
        using GrpcTestStream stream = await listener.Grpc().OpenAsync(Call);
        await stream.WriteRawAsync([.. GrpcTestClient.Frame([1]), .. GrpcTestClient.Frame([2]), .. GrpcTestClient.Frame([3])[..6]]);
        Assert.Equal([1], await stream.NextAsync());
        Assert.Equal([2], await stream.NextAsync());
        Assert.Equal([3], await stream.NextAsync());
    }

    [Fact]
    public async Task A_client_that_has_finished_sending_still_receives()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(async (context, stream) =>
        {
            while (await stream.ReadAsync() is not null) { }
            Assert.Null(await stream.ReadAsync());
            await stream.WriteAsync("after"u8.ToArray());
        });
        using GrpcTestStream stream = await listener.Grpc().OpenAsync(Call);
        await stream.WriteAsync([1]);
        stream.EndRequest();
        Assert.Equal("after"u8.ToArray(), await stream.NextAsync());
        Assert.Equal(GrpcStatus.OK, await stream.EndAsync());
    }

    [Fact]
    public async Task A_handler_that_fails_ends_the_stream_with_its_status()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(async (context, stream) =>
        {
            await stream.WriteAsync("one"u8.ToArray());
            throw EtcdErrors.NoLeader.ToException();
        });
        using GrpcTestStream stream = await listener.Grpc().OpenAsync(Call);
        Assert.Equal("one"u8.ToArray(), await stream.NextAsync());
        Assert.Equal(EtcdErrors.NoLeader, await stream.EndAsync());
    }

    [Theory]
    [InlineData(new byte[] { 1, 0, 0, 0, 0 }, GrpcCode.Unimplemented)]
    [InlineData(new byte[] { 9 }, GrpcCode.Internal)]
    [InlineData(new byte[] { 0, 0, 32, 0, 1 }, GrpcCode.ResourceExhausted)]
    public async Task Bad_bytes_end_the_stream_and_leave_the_connection_usable(byte[] bytes, GrpcCode expected)
    {
        await using TestListener listener = await TestListener.WithStreamAsync(Echo);
        GrpcTestClient client = listener.Grpc();
        using GrpcTestStream bad = await client.OpenAsync(Call);
        await bad.WriteAsync([1]);
        Assert.Equal([1], await bad.NextAsync());
        await bad.WriteRawAsync(bytes);
        Assert.Equal(expected, (await bad.EndAsync()).Code);
        using GrpcTestStream good = await client.OpenAsync(Call);
        await good.WriteAsync([2]);
        Assert.Equal([2], await good.NextAsync());
        Assert.Equal(1, client.Connections);
    }

    [Fact]
    public async Task A_request_that_ends_inside_a_message_is_refused()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(Echo);
        using GrpcTestStream stream = await listener.Grpc().OpenAsync(Call);
        await stream.WriteRawAsync([0, 0, 0, 0, 5, 1]);
        stream.EndRequest();
        Assert.Equal(GrpcCode.Internal, (await stream.EndAsync()).Code);
    }

    [Fact]
    public async Task A_client_that_leaves_cancels_reader_and_writer()
    {
        var ended = new TaskCompletionSource<(Exception? Read, GrpcStatus Status)>();
        await using TestListener listener = await TestListener.WithStreamAsync(async (context, stream) =>
        {
            await stream.WriteAsync(new byte[] { 1 });
            Exception? read = await Failure.OfAsync(stream.ReadAsync(CancellationToken.None).AsTask());
            await Failure.OfAsync(Task.Delay(Timeout.Infinite, context.Cancellation));
            ended.SetResult((read, context.CancellationStatus));
            throw read!;
        });
        GrpcTestStream stream = await listener.Grpc().OpenAsync(Call);
        await stream.NextAsync();
        stream.Dispose();
        (Exception? read, GrpcStatus status) = await ended.Task.WaitAsync(TestContext.Current.CancellationToken);
        Assert.IsAssignableFrom<OperationCanceledException>(read);
        Assert.Equal(EtcdErrors.RequestCanceled, status);
        Assert.DoesNotContain(listener.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_deadline_ends_a_stream_that_waits_for_the_client()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(Echo);
        using GrpcTestStream stream = await listener.Grpc().OpenAsync(Call, ("grpc-timeout", "50m"));
        Assert.Equal(EtcdErrors.DeadlineExceeded, await stream.EndAsync());
    }

    [Fact]
    public async Task A_token_of_the_handler_ends_only_its_own_wait()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(async (context, stream) =>
        {
            using var own = new CancellationTokenSource();
            ValueTask<ReadOnlyMemory<byte>?> read = stream.ReadAsync(own.Token);
            await own.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await read);
            await stream.WriteAsync("go on"u8.ToArray(), CancellationToken.None);
            await Echo(context, stream);
        });
        using GrpcTestStream stream = await listener.Grpc().OpenAsync(Call);
        Assert.Equal("go on"u8.ToArray(), await stream.NextAsync());
        await stream.WriteAsync([5]);
        Assert.Equal([5], await stream.NextAsync());
    }

    [Fact]
    public async Task Messages_marked_as_followed_by_more_arrive_with_the_next_one()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(async (context, stream) =>
        {
            for (byte i = 0; i < 9; i++)
                await stream.WriteAsync(new byte[] { i }, moreFollows: i < 8);
            await UntilCancelled(context, stream);
        });
        using GrpcTestStream stream = await listener.Grpc().OpenAsync(Call);
        for (byte i = 0; i < 9; i++)
            Assert.Equal([i], await stream.NextAsync());
    }

    [Fact]
    public async Task A_client_that_does_not_read_holds_the_writer_back()
    {
        int written = 0;
        var stuck = new TaskCompletionSource();
        await using TestListener listener = await TestListener.WithStreamAsync(async (context, stream) =>
        {
            byte[] message = new byte[10_000];
            while (true)
            {
                ValueTask write = stream.WriteAsync(message, moreFollows: true);
                if (!write.IsCompleted)
                    stuck.TrySetResult();
                await write;
                Interlocked.Increment(ref written);
            }
        });
        GrpcTestClient client = listener.Grpc();
        using GrpcTestStream stream = await client.OpenAsync(Call);
        await stuck.Task.WaitAsync(TestContext.Current.CancellationToken);
        Assert.InRange(Volatile.Read(ref written), 0, 2_000); // The client's window and the server's buffer, not the endless supply.
        Assert.NotNull(await stream.NextAsync());
    }

    [Fact]
    public async Task A_large_message_is_handed_over_only_as_fast_as_the_client_takes_it()
    {
        byte[] message = new byte[1_000_000];
        new Random(1).NextBytes(message);
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        int pieces = 0;
        Task writing = GrpcStream.WriteInPiecesAsync(pipe.Writer, message, () => Interlocked.Increment(ref pieces), TestContext.Current.CancellationToken).AsTask();
        List<byte> taken = [];
        while (taken.Count < GrpcFrame.PrefixBytes + message.Length)
        {
            ReadResult read = await pipe.Reader.ReadAsync(TestContext.Current.CancellationToken);
            Assert.InRange(read.Buffer.Length, 1, GrpcFrame.PrefixBytes + (64 * 1024));
            taken.AddRange(read.Buffer.ToArray());
            Assert.InRange(Volatile.Read(ref pieces), 0, taken.Count / (64 * 1024));   // said when it is taken, not before
            pipe.Reader.AdvanceTo(read.Buffer.End);
        }

        await writing;
        Assert.Equal(message, taken[GrpcFrame.PrefixBytes..]);
        Assert.Equal(16, pieces);
    }

    [Fact]
    public async Task Large_and_small_messages_arrive_whole_and_in_order()
    {
        byte[] message = new byte[3_000_000];
        new Random(1).NextBytes(message);
        await using TestListener listener = await TestListener.WithStreamAsync(async (context, stream) =>
        {
            await stream.WriteAsync("small"u8.ToArray(), moreFollows: true);
            await stream.WriteAsync(message);
            await stream.WriteAsync(message.AsMemory(0, 100_000), moreFollows: true);
            await stream.WriteAsync("last"u8.ToArray());
        });
        using GrpcTestStream stream = await listener.Grpc().OpenAsync(Call);
        Assert.Equal("small"u8.ToArray(), await stream.NextAsync());
        Assert.Equal(message, await stream.NextAsync());
        Assert.Equal(message[..100_000], await stream.NextAsync());
        Assert.Equal("last"u8.ToArray(), await stream.NextAsync());
        Assert.Equal(GrpcStatus.OK, await stream.EndAsync());
    }

    [Fact]
    public async Task What_a_handler_left_running_can_not_reach_the_next_call()
    {
        RpcStream? left = null;
        await using TestListener listener = await TestListener.WithStreamAsync((_, stream) =>
        {
            left = stream;
            return default;
        });
        using GrpcTestStream stream = await listener.Grpc().OpenAsync(Call);
        Assert.Equal(GrpcStatus.OK, await stream.EndAsync());
        Assert.NotNull(left);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await left.WriteAsync(new byte[1], TestContext.Current.CancellationToken));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await left.ReadAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Streams_on_one_connection_are_not_limited()
    {
        const int streams = 1_500;
        await using TestListener listener = await TestListener.WithStreamAsync(Echo);
        GrpcTestClient client = listener.Grpc();
        List<GrpcTestStream> open = [];
        for (int i = 0; i < streams; i++)
            open.Add(await client.OpenAsync(Call));
        for (int i = 0; i < streams; i++)
            await open[i].WriteAsync(BitConverter.GetBytes(i));
        for (int i = 0; i < streams; i++)
            Assert.Equal(BitConverter.GetBytes(i), await open[i].NextAsync());
        Assert.Equal(1, client.Connections);
        open.ForEach(s => s.Dispose());
    }

    [Fact]
    public async Task A_server_stream_gets_one_request_and_sends_many_answers()
    {
        var observer = new CountingObserver();
        await using TestListener listener = await TestListener.StartAsync(
            registry => registry.Add(RpcMethod.ForServerStream<SnapshotRequest, SnapshotResponse>("/test.Test/List", ListAsync)),
            change: o => o with { Observer = observer });
        GrpcReply reply = await listener.Grpc().CallAsync("/test.Test/List", new PutRequest());
        Assert.Equal(GrpcStatus.OK, reply.Status);
        Assert.Equal([.. GrpcTestClient.Frame("0"u8.ToArray()), .. GrpcTestClient.Frame("1"u8.ToArray())], reply.Body);
        Assert.Equal(HttpStatusCode.OK, reply.Http);
        Assert.Equal(["started List", "received List 0", "sent List 1", "sent List 1", "completed List OK"], observer.Seen);

        static async ValueTask ListAsync(RpcContext context, RpcStream stream)
        {
            Assert.Equal("server_stream", context.Method.Type);
            Assert.NotNull(await stream.ReadAsync());
            for (int i = 0; i < 2; i++)
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"{i}"));
        }
    }

    private static async ValueTask Echo(RpcContext context, RpcStream stream)
    {
        while (await stream.ReadAsync() is { } message)
            await stream.WriteAsync(message);
    }

    private static async ValueTask UntilCancelled(RpcContext context, RpcStream stream) => await Task.Delay(Timeout.Infinite, context.Cancellation);
}
