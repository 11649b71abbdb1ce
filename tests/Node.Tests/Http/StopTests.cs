using System.Buffers;
using System.Net.Sockets;
using Conclave.Node.Http;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Tests.Http;

public class StopTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(10), Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Streams_end_with_unavailable_and_the_stop_does_not_wait_for_clients()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(async (context, stream) =>
        {
            while (await stream.ReadAsync() is not null) { }
        });
        using GrpcTestStream stream = await listener.Grpc().OpenAsync("/test.Test/Call");
        Task stopped = listener.StopAsync(Long);
        Assert.Equal(EtcdErrors.Stopped, await stream.EndAsync());
        await stopped.WaitAsync(Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_stream_handler_that_returns_quietly_is_not_taken_for_a_normal_end()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(async (context, stream) =>
            await Failure.OfAsync(Task.Delay(Timeout.Infinite, context.Cancellation)));
        using GrpcTestStream stream = await listener.Grpc().OpenAsync("/test.Test/Call");
        Task stopped = listener.StopAsync(Long);
        Assert.Equal(EtcdErrors.Stopped, await stream.EndAsync());
        await stopped;
    }

    [Fact]
    public async Task A_json_stream_ends_with_a_line_that_says_why()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(async (context, stream) =>
        {
            await stream.WriteAsync(Array.Empty<byte>());
            await Task.Delay(Timeout.Infinite, context.Cancellation);
        });
        RawConnection connection = listener.Connect();
        await connection.PostAsync("/v3/test/call", "{}");
        await connection.ReadHeadAsync();
        await connection.ReadChunkAsync();
        Task stopped = listener.StopAsync(Long);
        Assert.Contains("etcdserver: server stopped", await connection.ReadChunkAsync(), StringComparison.Ordinal);
        await stopped;
    }

    [Fact]
    public async Task A_unary_call_may_finish_within_the_grace_period()
    {
        var entered = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await using TestListener listener = await TestListener.WithUnaryAsync(async (context, request, response) =>
        {
            entered.SetResult();
            await release.Task.WaitAsync(context.Cancellation);
            response.Write(request.Span);
        });
        Task<GrpcReply> call = listener.Grpc().CallAsync("/test.Test/Call", GrpcTestClient.Frame([1]));
        await entered.Task.WaitAsync(TestContext.Current.CancellationToken);
        Task stopped = listener.StopAsync(Long);
        Assert.False(stopped.IsCompleted);
        release.SetResult();
        Assert.Equal([1], (await call).Message);
        await stopped;
    }

    [Fact]
    public async Task A_unary_call_that_outlasts_the_grace_period_is_ended()
    {
        var entered = new TaskCompletionSource();
        await using TestListener listener = await TestListener.WithUnaryAsync(async (context, _, _) =>
        {
            entered.SetResult();
            await Task.Delay(Timeout.Infinite, context.Cancellation);
        });
        Task<GrpcReply> call = listener.Grpc().CallAsync("/test.Test/Call", GrpcTestClient.Frame([1]));
        await entered.Task.WaitAsync(TestContext.Current.CancellationToken);
        Task stopped = listener.StopAsync(TimeSpan.FromMilliseconds(50));
        Assert.Equal(EtcdErrors.Stopped, (await call).Status);
        await stopped;
    }

    [Fact]
    public async Task A_call_that_waits_for_others_is_ended_at_once()
    {
        var entered = new TaskCompletionSource();
        await using TestListener listener = await TestListener.StartAsync(registry => registry.Add(RpcMethod.ForWaitingUnary<PutRequest, PutResponse>(
            "/test.Test/Lock", async (context, _, _) =>
            {
                entered.SetResult();
                await Task.Delay(Timeout.Infinite, context.Cancellation);
            })));
        Task<GrpcReply> call = listener.Grpc().CallAsync("/test.Test/Lock", new PutRequest());
        await entered.Task.WaitAsync(TestContext.Current.CancellationToken);
        Task stopped = listener.StopAsync(Long);
        Assert.Equal(EtcdErrors.Stopped, (await call).Status);
        await stopped.WaitAsync(Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_client_that_reads_nothing_does_not_hold_up_the_stop()
    {
        var stuck = new TaskCompletionSource();
        await using TestListener listener = await TestListener.WithStreamAsync(async (context, stream) =>
        {
            byte[] message = new PutRequest { Value = ByteString.CopyFrom(new byte[30_000]) }.ToByteArray();
            while (true)
            {
                ValueTask write = stream.WriteAsync(message);
                if (!write.IsCompleted)
                    stuck.TrySetResult();
                await write;
            }
        });
        using GrpcTestStream stream = await listener.Grpc().OpenAsync("/test.Test/Call");
        RawConnection json = listener.Connect();
        await json.PostAsync("/v3/test/call", "{}");
        await stuck.Task.WaitAsync(TestContext.Current.CancellationToken);
        await listener.StopAsync(TimeSpan.FromMilliseconds(200)).WaitAsync(Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task After_the_stop_the_port_is_closed_and_stopping_again_does_nothing()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync((_, _, _) => default);
        System.Net.IPEndPoint endPoint = listener.EndPoint;
        GrpcTestClient client = listener.Grpc();
        Assert.Equal(GrpcStatus.OK, (await client.CallAsync("/test.Test/Call", GrpcTestClient.Frame([]))).Status);
        RawConnection silent = listener.Connect();
        await listener.StopAsync(Long);
        await listener.StopAsync(Long);
        Assert.Throws<SocketException>(() => new RawConnection(endPoint));
        silent.Dispose();
    }
}
