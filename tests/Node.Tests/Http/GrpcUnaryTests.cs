using System.Buffers;
using System.Net;
using Conclave.Node.Http;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Tests.Http;

public class GrpcUnaryTests
{
    private const string Call = "/test.Test/Call";
    private static readonly PutRequest Put = new() { Key = ByteString.CopyFromUtf8("k"), Value = ByteString.CopyFromUtf8("v"), Lease = 5 };

    [Fact]
    public async Task A_call_gets_the_message_bytes_and_answers_with_bytes()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(Echo);
        GrpcReply reply = await listener.Grpc().CallAsync(Call, Put);
        Assert.Equal(HttpStatusCode.OK, reply.Http);
        Assert.Equal(Put.ToByteArray(), reply.Message);
    }

    [Fact]
    public async Task A_handler_that_waits_answers_as_well()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(async (context, request, response) =>
        {
            await Task.Yield();
            response.Write(request.Span);
        });
        Assert.Equal(Put.ToByteArray(), (await listener.Grpc().CallAsync(Call, Put)).Message);
    }

    [Theory]
    [InlineData(GrpcCode.InvalidArgument, "etcdserver: key is not provided")]
    [InlineData(GrpcCode.Unknown, "größer als 100 %\n")]
    public async Task A_failure_keeps_its_code_and_its_text(GrpcCode code, string text)
    {
        await using TestListener listener = await TestListener.WithUnaryAsync((context, request, response) =>
        {
            response.Write("half an answer"u8);
            throw new GrpcException(code, text);
        });
        GrpcReply reply = await listener.Grpc().CallAsync(Call, Put);
        Assert.Equal(HttpStatusCode.OK, reply.Http);
        Assert.Equal(new GrpcStatus(code, text), reply.Status);
        Assert.Empty(reply.Body);
    }

    [Theory]
    [InlineData("/no.Such/Call", "unknown service no.Such")]
    [InlineData("/test.Test/Nothing", "unknown method Nothing for service test.Test")]
    [InlineData("/nothing", "malformed method name: \"/nothing\"")]
    public async Task An_unknown_method_is_unimplemented(string path, string text)
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(Echo);
        Assert.Equal(new GrpcStatus(GrpcCode.Unimplemented, text), (await listener.Grpc().CallAsync(path, Put)).Status);
    }

    [Fact]
    public async Task Bad_calls_leave_the_connection_usable()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(Echo);
        GrpcTestClient client = listener.Grpc();
        (byte[] Body, GrpcCode Expected)[] bad =
        [
            ([], GrpcCode.Internal),                                  // no message
            ([0, 0, 0, 0, 9, 1], GrpcCode.Internal),                  // cut off
            ([7, 0, 0, 0, 0], GrpcCode.Internal),                     // no framing
            ([1, 0, 0, 0, 0], GrpcCode.Unimplemented),                // compressed
            ([0, 0, 32, 0, 1], GrpcCode.ResourceExhausted),           // one byte over the limit
            ([0, 0xFF, 0xFF, 0xFF, 0xFF], GrpcCode.ResourceExhausted),
        ];
        foreach ((byte[] body, GrpcCode expected) in bad)
        {
            Assert.Equal(expected, (await client.CallAsync(Call, body)).Status.Code);
            Assert.Equal(Put.ToByteArray(), (await client.CallAsync(Call, Put)).Message);
        }

        Assert.Equal(1, client.Connections);
    }

    [Fact]
    public async Task A_message_of_the_greatest_size_passes_and_one_byte_more_is_refused_with_both_numbers()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync((context, request, response) =>
        {
            BitConverter.TryWriteBytes(response.GetSpan(4), request.Length);
            response.Advance(4);
            return default;
        });
        GrpcTestClient client = listener.Grpc();
        GrpcReply fits = await client.CallAsync(Call, GrpcTestClient.Frame(new byte[2_097_152]));
        Assert.Equal(2_097_152, BitConverter.ToInt32(fits.Message));
        GrpcReply tooLarge = await client.CallAsync(Call, GrpcTestClient.Frame(new byte[2_097_153]));
        Assert.Equal(new GrpcStatus(GrpcCode.ResourceExhausted, "grpc: received message larger than max (2097153 vs. 2097152)"), tooLarge.Status);
        Assert.Equal(Put.ToByteArray().Length, BitConverter.ToInt32((await client.CallAsync(Call, Put)).Message));
        Assert.Equal(1, client.Connections);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_000)]
    [InlineData(70_000)]
    [InlineData(5_000_000)]
    public async Task Answers_of_any_size_arrive_whole(int bytes)
    {
        byte[] answer = new byte[bytes];
        new Random(bytes).NextBytes(answer);
        await using TestListener listener = await TestListener.WithUnaryAsync((context, request, response) =>
        {
            foreach (byte[] piece in answer.Chunk(777))
                response.Write(piece);
            return default;
        });
        GrpcTestClient client = listener.Grpc();
        Assert.Equal(answer, (await client.CallAsync(Call, Put)).Message);
        Assert.Equal(answer, (await client.CallAsync(Call, Put)).Message);
    }

    [Fact]
    public async Task An_unexpected_exception_is_internal_logged_and_not_shown()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync((_, _, _) => throw new InvalidOperationException("secret"));
        GrpcReply reply = await listener.Grpc().CallAsync(Call, Put);
        Assert.Equal(GrpcCode.Internal, reply.Status.Code);
        Assert.DoesNotContain("secret", reply.Status.Message, StringComparison.Ordinal);
        Assert.Contains(listener.Log.Lines, line => line.StartsWith("Error 6102 /test.Test/Call", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Bytes_that_are_no_message_are_refused_by_the_handler_that_reads_them()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync((context, request, response) =>
        {
            PutRequest.Parser.ParseFrom(request.Span);
            return default;
        });
        GrpcReply reply = await listener.Grpc().CallAsync(Call, GrpcTestClient.Frame([0x0A, 0x7F]));
        Assert.Equal(GrpcCode.Internal, reply.Status.Code);
        Assert.StartsWith("grpc: error unmarshalling request", reply.Status.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metadata_reaches_the_handler()
    {
        RpcContext? seen = null;
        List<string?> values = [];
        await using TestListener listener = await TestListener.WithUnaryAsync((context, request, response) =>
        {
            seen = context;
            values.AddRange([context.Metadata("token"), context.Metadata("absent"), context.Token, context.Peer]);
            Assert.True(context.RequiresLeader);
            Assert.False(context.ViaGateway);
            Assert.Equal(TimeSpan.FromSeconds(30), context.Timeout);
            return default;
        });
        GrpcReply reply = await listener.Grpc().CallAsync(Call, Put, ("token", "abc.1"), ("hasleader", "true"), ("grpc-timeout", "30S"));
        Assert.Equal(GrpcStatus.OK, reply.Status);
        Assert.Equal(["abc.1", null, "abc.1"], values[..3]);
        Assert.StartsWith("127.0.0.1:", values[3], StringComparison.Ordinal);
        Assert.Null(seen?.Metadata("token")); // The connection may already carry another call.
    }

    /// <summary>python3-etcd3 does so over TLS: as metadata and as call credentials. etcd takes the first.</summary>
    [Fact]
    public async Task A_token_may_come_twice()
    {
        var token = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestListener listener = await TestListener.WithUnaryAsync((context, _, _) =>
        {
            token.TrySetResult(context.Token);
            return ValueTask.CompletedTask;
        });
        byte[] header = [0x00, 5, .. "token"u8, 5, .. "abc.1"u8];   // a literal that is not remembered
        byte[] headers =
        [
            0x83, 0x86, 0x04, 15, .. "/test.Test/Call"u8, 0x01, 9, .. "127.0.0.1"u8, 0x0f, 0x10, 16, .. "application/grpc"u8, 0x00, 2, .. "te"u8, 8, .. "trailers"u8, .. header, .. header,
        ];
        byte[] settings = [0, 0, 0, 4, 0, 0, 0, 0, 0], body = [0, 0, 5, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0];

        await listener.Connect().SendAsync([.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. settings, 0, 0, (byte)headers.Length, 1, 4, 0, 0, 0, 1, .. headers, .. body]);

        Assert.Equal("abc.1", await token.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("authorization", "Bearer xyz", "xyz")]
    [InlineData("authorization", "xyz", "xyz")]
    [InlineData("token", "xyz", "xyz")]
    [InlineData("other", "xyz", null)]
    public async Task The_token_is_found_in_both_places(string header, string value, string? expected)
    {
        string? token = "unset";
        await using TestListener listener = await TestListener.WithUnaryAsync((context, request, response) =>
        {
            token = context.Token;
            return default;
        });
        await listener.Grpc().CallAsync(Call, Put, (header, value));
        Assert.Equal(expected, token);
    }

    [Fact]
    public async Task A_passed_deadline_cancels_the_handler_and_says_so()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(Forever);
        GrpcReply reply = await listener.Grpc().CallAsync(Call, Put, ("grpc-timeout", "50m"));
        Assert.Equal(EtcdErrors.DeadlineExceeded, reply.Status);
        reply = await listener.Grpc().CallAsync(Call, Put, ("grpc-timeout", "0n"));
        Assert.Equal(EtcdErrors.DeadlineExceeded, reply.Status);
    }

    [Fact]
    public async Task A_deadline_that_cannot_be_read_is_refused()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(Echo);
        GrpcReply reply = await listener.Grpc().CallAsync(Call, Put, ("grpc-timeout", "soon"));
        Assert.Equal(new GrpcStatus(GrpcCode.Internal, "malformed grpc-timeout: soon"), reply.Status);
    }

    [Fact]
    public async Task A_client_that_gives_up_cancels_the_handler()
    {
        var entered = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource<GrpcStatus>();
        await using TestListener listener = await TestListener.WithUnaryAsync(async (context, request, response) =>
        {
            await using CancellationTokenRegistration _ = context.Cancellation.Register(() => cancelled.TrySetResult(context.CancellationStatus));
            entered.SetResult();
            await Task.Delay(Timeout.Infinite, context.Cancellation);
        });
        using var client = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        Task<GrpcReply> call = listener.Grpc().CallAsync(Call, new ByteArrayContent(GrpcTestClient.Frame([])), client.Token);
        await entered.Task.WaitAsync(TestContext.Current.CancellationToken);
        await client.CancelAsync();
        Assert.Equal(EtcdErrors.RequestCanceled, await cancelled.Task.WaitAsync(TestContext.Current.CancellationToken));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.DoesNotContain(listener.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_body_that_arrives_in_pieces_is_put_together()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(Echo);
        GrpcTestClient client = listener.Grpc();
        byte[] message = new byte[20_000];
        new Random(1).NextBytes(message);
        GrpcReply reply = await client.CallAsync(Call, new TrickledContent(GrpcTestClient.Frame(message), 3_333), TestContext.Current.CancellationToken);
        Assert.Equal(message, reply.Message);
    }

    [Fact]
    public async Task Many_calls_share_one_connection()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(async (context, request, response) =>
        {
            await Task.Yield();
            response.Write(request.Span);
        });
        GrpcTestClient client = listener.Grpc();
        await client.CallAsync(Call, Put);
        byte[][] messages = [.. Enumerable.Range(0, 500).Select(i => BitConverter.GetBytes(i))];
        GrpcReply[] replies = await Task.WhenAll(messages.Select(m => client.CallAsync(Call, GrpcTestClient.Frame(m))));
        Assert.Equal(messages, replies.Select(r => r.Message));
        Assert.Equal(1, client.Connections);
    }

    [Fact]
    public async Task Other_content_types_are_plain_http()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(Echo);
        GrpcReply reply = await listener.Grpc().CallAsync(Call, Put, ("content-type", "application/grpc-web"));
        Assert.Equal(HttpStatusCode.NotFound, reply.Http);
    }

    [Fact]
    public async Task Every_call_is_reported_with_its_messages_and_its_code()
    {
        var observer = new CountingObserver();
        await using TestListener listener = await TestListener.WithUnaryAsync(Echo, o => o with { Observer = observer });
        GrpcTestClient client = listener.Grpc();
        await client.CallAsync(Call, Put);
        await client.CallAsync(Call, [7]);
        await client.CallAsync("/no.Such/Call", Put);
        int bytes = Put.CalculateSize();
        Assert.Equal(
            ["started Call", $"received Call {bytes}", $"sent Call {bytes}", "completed Call OK", "started Call", "completed Call Internal"],
            observer.Seen);
    }

    private static ValueTask Echo(RpcContext context, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        response.Write(request.Span);
        return default;
    }

    private static async ValueTask Forever(RpcContext context, ReadOnlyMemory<byte> request, IBufferWriter<byte> response) =>
        await Task.Delay(Timeout.Infinite, context.Cancellation);
}
