using Conclave.Node.Http;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Tests.Http;

/// <summary>Streaming paths, read at the level of chunks: etcd3gw takes each chunk for one JSON text.</summary>
public class GatewayStreamTests
{
    private const string Path = "/v3/test/call";

    [Theory]
    [InlineData(1)]
    [InlineData(3_000)]
    [InlineData(200_000)]
    public async Task One_message_is_one_chunk_with_its_line_feed(int bytes)
    {
        byte[] message = new PutRequest { Value = ByteString.CopyFrom(new byte[bytes]) }.ToByteArray();
        string line = $$$"""{"result":{"value":"{{{Convert.ToBase64String(new byte[bytes])}}}"}}""" + "\n";
        await using TestListener listener = await TestListener.WithStreamAsync(async (context, stream) =>
        {
            await stream.WriteAsync(message, moreFollows: true);
            await stream.WriteAsync(message);
        });
        RawConnection connection = listener.Connect();
        await connection.PostAsync(Path, "{}");
        List<string> head = await connection.ReadHeadAsync();
        Assert.Equal("HTTP/1.1 200 OK", head[0]);
        Assert.Contains("Content-Type: application/json", head);
        Assert.Contains("Transfer-Encoding: chunked", head);
        Assert.Equal(line, await connection.ReadChunkAsync());
        Assert.Equal(line, await connection.ReadChunkAsync());
        Assert.Equal("", await connection.ReadChunkAsync());
    }

    [Fact]
    public async Task Several_objects_in_one_body_are_several_requests_and_its_end_ends_the_reading()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(Echo);
        RawConnection connection = listener.Connect();
        await connection.PostAsync(Path, """{"lease":1}{"lease":"2"}""" + "\n{}\r\n");
        await connection.ReadHeadAsync();
        Assert.Equal("""{"result":{"lease":"1"}}""" + "\n", await connection.ReadChunkAsync());
        Assert.Equal("""{"result":{"lease":"2"}}""" + "\n", await connection.ReadChunkAsync());
        Assert.Equal("""{"result":{}}""" + "\n", await connection.ReadChunkAsync());
        Assert.Equal("", await connection.ReadChunkAsync());
    }

    [Fact]
    public async Task Requests_are_answered_while_the_body_is_still_being_sent()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(Echo);
        RawConnection connection = listener.Connect();
        await connection.SendAsync($"POST {Path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        await SendChunkAsync("""{"lease":""");
        await SendChunkAsync("7}{");
        await connection.ReadHeadAsync();
        Assert.Equal("""{"result":{"lease":"7"}}""" + "\n", await connection.ReadChunkAsync());
        await SendChunkAsync("}");
        Assert.Equal("""{"result":{}}""" + "\n", await connection.ReadChunkAsync());
        await connection.SendAsync("0\r\n\r\n");
        Assert.Equal("", await connection.ReadChunkAsync());

        Task SendChunkAsync(string text) => connection.SendAsync($"{text.Length:x}\r\n{text}\r\n");
    }

    [Fact]
    public async Task An_empty_body_is_no_request_and_the_answer_is_empty()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(Echo);
        HttpResponseMessage answer = await listener.Http().PostAsync(Path, null, TestContext.Current.CancellationToken);
        Assert.Equal(200, (int)answer.StatusCode);
        Assert.Equal("", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_server_stream_always_gets_its_one_request()
    {
        await using TestListener listener = await TestListener.StartAsync(registry => registry.Add(RpcMethod.ForServerStream<PutRequest, PutRequest>(
            "/test.Test/List", async (context, stream) =>
            {
                ReadOnlyMemory<byte>? request = await stream.ReadAsync();
                Assert.Null(await stream.ReadAsync());
                await stream.WriteAsync(request!.Value);
            },
            "/v3/test/list")));
        foreach ((string body, string expected) in new[] { ("", "{}"), ("{}", "{}"), ("""{"lease":3}""", """{"lease":"3"}""") })
        {
            HttpResponseMessage answer = await listener.Http().PostAsync("/v3/test/list", new StringContent(body), TestContext.Current.CancellationToken);
            Assert.Equal($$"""{"result":{{expected}}}""" + "\n", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task A_failure_before_the_first_message_is_an_ordinary_error()
    {
        await using TestListener listener = await TestListener.WithStreamAsync((_, _) => throw EtcdErrors.NoLeader.ToException());
        HttpResponseMessage answer = await listener.Http().PostAsync(Path, null, TestContext.Current.CancellationToken);
        Assert.Equal(503, (int)answer.StatusCode);
        Assert.Equal(
            """{"error":"etcdserver: no leader","message":"etcdserver: no leader","code":14}""",
            await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_failure_after_it_is_the_last_line()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(async (context, stream) =>
        {
            await stream.WriteAsync(Array.Empty<byte>());
            throw EtcdErrors.NoLeader.ToException();
        });
        HttpResponseMessage answer = await listener.Http().PostAsync(Path, null, TestContext.Current.CancellationToken);
        Assert.Equal(200, (int)answer.StatusCode);
        Assert.Equal(
            """{"result":{}}""" + "\n"
            + """{"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader","http_status":"Service Unavailable","code":14}}""" + "\n",
            await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"lease":"x"}""")]
    public async Task Malformed_json_is_an_invalid_argument(string body)
    {
        await using TestListener listener = await TestListener.WithStreamAsync(Echo);
        HttpResponseMessage answer = await listener.Http().PostAsync(Path, new StringContent(body), TestContext.Current.CancellationToken);
        Assert.Equal(400, (int)answer.StatusCode);
    }

    [Fact]
    public async Task Objects_are_bounded_but_their_number_is_not()
    {
        await using TestListener listener = await TestListener.WithStreamAsync(Echo, o => o with { JsonBytesMax = 1024 });
        string many = string.Concat(Enumerable.Repeat("""{"lease":"1"} """, 1000));
        HttpResponseMessage answer = await listener.Http().PostAsync(Path, new TrickledContent(System.Text.Encoding.ASCII.GetBytes(many), 500), TestContext.Current.CancellationToken);
        string[] lines = (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(1000, lines.Length);
        HttpResponseMessage large = await listener.Http().PostAsync(
            Path, new StringContent($$"""{"key":"{{new string('A', 2000)}}"}"""), TestContext.Current.CancellationToken);
        Assert.Equal(429, (int)large.StatusCode);
    }

    [Fact]
    public async Task A_client_that_disconnects_ends_the_stream_even_after_its_body_ended()
    {
        var ended = new TaskCompletionSource<GrpcStatus>();
        await using TestListener listener = await TestListener.WithStreamAsync(async (context, stream) =>
        {
            while (await stream.ReadAsync() is not null) { }
            await stream.WriteAsync(Array.Empty<byte>());
            await Failure.OfAsync(Task.Delay(Timeout.Infinite, context.Cancellation));
            ended.SetResult(context.CancellationStatus);
        });
        RawConnection connection = listener.Connect();
        await connection.PostAsync(Path, "{}");
        await connection.ReadHeadAsync();
        Assert.Equal("{\"result\":{}}\n", await connection.ReadChunkAsync());
        connection.Dispose();
        Assert.Equal(EtcdErrors.RequestCanceled, await ended.Task.WaitAsync(TestContext.Current.CancellationToken));
    }

    private static async ValueTask Echo(RpcContext context, RpcStream stream)
    {
        while (await stream.ReadAsync() is { } message)
            await stream.WriteAsync(message);
    }
}
