using System.Buffers;
using System.Net;
using System.Text;
using Conclave.Node.Http;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Tests.Http;

public class GatewayTests
{
    private const string Put = """{"key":"Zm9v","value":"YmFy","lease":"2305843009213693953"}""";

    [Theory]
    [InlineData("/v3/test/call")]
    [InlineData("/v3beta/test/call")]
    [InlineData("/v3alpha/test/call")]
    public async Task A_call_is_served_under_each_prefix(string path)
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(Echo);
        HttpResponseMessage answer = await PostAsync(listener, path, Put);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(Put, await TextAsync(answer));
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.ToString());
        Assert.Equal("application/grpc", answer.Headers.GetValues("Grpc-Metadata-Content-Type").Single());
        Assert.Equal("*", answer.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Equal("accept, content-type, authorization", answer.Headers.GetValues("Access-Control-Allow-Headers").Single());
        Assert.Equal("POST, GET, OPTIONS, PUT, DELETE", answer.Headers.GetValues("Access-Control-Allow-Methods").Single());
        Assert.False(answer.Headers.Contains("Server"));
    }

    [Fact]
    public async Task Json_over_http_2_is_served_too()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(Echo);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v3/test/call")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StringContent(Put),
        };
        HttpResponseMessage answer = await listener.Http().SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(Put, await TextAsync(answer));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    public async Task Nothing_is_the_empty_message(string body)
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(Echo);
        Assert.Equal("{}", await TextAsync(await PostAsync(listener, "/v3/test/call", body)));
    }

    [Theory]
    [InlineData(GrpcCode.Canceled, 499)]
    [InlineData(GrpcCode.Unknown, 500)]
    [InlineData(GrpcCode.InvalidArgument, 400)]
    [InlineData(GrpcCode.DeadlineExceeded, 504)]
    [InlineData(GrpcCode.NotFound, 404)]
    [InlineData(GrpcCode.AlreadyExists, 409)]
    [InlineData(GrpcCode.PermissionDenied, 403)]
    [InlineData(GrpcCode.ResourceExhausted, 429)]
    [InlineData(GrpcCode.FailedPrecondition, 400)]
    [InlineData(GrpcCode.Aborted, 409)]
    [InlineData(GrpcCode.OutOfRange, 400)]
    [InlineData(GrpcCode.Unimplemented, 501)]
    [InlineData(GrpcCode.Internal, 500)]
    [InlineData(GrpcCode.Unavailable, 503)]
    [InlineData(GrpcCode.DataLoss, 500)]
    [InlineData(GrpcCode.Unauthenticated, 401)]
    public async Task A_failure_has_its_http_status_and_tells_its_text_twice(GrpcCode code, int status)
    {
        await using TestListener listener = await TestListener.WithUnaryAsync((_, _, response) =>
        {
            response.Write("half an answer"u8);
            throw new GrpcException(code, "etcdserver: <no>");
        });
        HttpResponseMessage answer = await PostAsync(listener, "/v3/test/call", "{}");
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal($$"""{"error":"etcdserver: <no>","message":"etcdserver: <no>","code":{{(int)code}}}""", await TextAsync(answer));
        Assert.Equal(code == GrpcCode.Unauthenticated, answer.Headers.Contains("WWW-Authenticate"));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"key":"!"}""")]
    [InlineData("""{"lease":"x"}""")]
    public async Task Malformed_json_is_an_invalid_argument(string body)
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(Echo);
        HttpResponseMessage answer = await PostAsync(listener, "/v3/test/call", body);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.EndsWith("\"code\":3}", await TextAsync(answer), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bodies_and_messages_have_limits_that_leave_the_connection_usable()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(Echo, o => o with { ReceiveBytesMax = 1024, JsonBytesMax = 4096 });
        RawConnection connection = listener.Connect();
        string message = $$"""{"value":"{{new string('A', 2000)}}"}""", body = new(' ', 5000);
        foreach (string tooLarge in new[] { message, body })
        {
            await connection.PostAsync("/v3/test/call", tooLarge);
            List<string> head = await connection.ReadHeadAsync();
            Assert.Equal("HTTP/1.1 429 Too Many Requests", head[0]);
            await SkipBodyAsync(connection, head);
        }

        await connection.PostAsync("/v3/test/call", Put);
        Assert.Equal("HTTP/1.1 200 OK", await connection.ReadLineAsync());
    }

    [Fact]
    public async Task Large_calls_pass()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(Echo);
        string large = $$"""{"value":"{{Convert.ToBase64String(new byte[1_500_000])}}"}""";
        Assert.Equal(large, await TextAsync(await PostAsync(listener, "/v3/test/call", large)));
    }

    [Fact]
    public async Task Unknown_calls_are_not_found_and_other_methods_not_allowed()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(Echo);
        HttpResponseMessage unknown = await PostAsync(listener, "/v3/nothere", "{}");
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        Assert.Equal("""{"error":"Not Found","message":"Not Found","code":5}""", await TextAsync(unknown));
        HttpResponseMessage elsewhere = await PostAsync(listener, "/v4/test/call", "{}");
        Assert.Equal("404 page not found\n", await TextAsync(elsewhere));
        HttpResponseMessage get = await listener.Http().GetAsync("/v3/test/call", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, get.StatusCode);
        Assert.Equal("POST", get.Content.Headers.Allow.Single());
        foreach (string path in new[] { "/v3/test/call", "/v3/nothere", "/anything" })
        {
            HttpResponseMessage options = await listener.Http().SendAsync(new HttpRequestMessage(HttpMethod.Options, path), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, options.StatusCode);
            Assert.Equal("*", options.Headers.GetValues("Access-Control-Allow-Origin").Single());
        }
    }

    [Fact]
    public async Task Headers_become_metadata()
    {
        Dictionary<string, string?> seen = [];
        await using TestListener listener = await TestListener.WithUnaryAsync((context, request, response) =>
        {
            foreach (string key in new[] { "authorization", "x", "hasleader", "user-agent" })
                seen[key] = context.Metadata(key);
            seen["token"] = context.Token;
            seen["timeout"] = context.Timeout?.ToString();
            Assert.True(context.ViaGateway);
            Assert.True(context.RequiresLeader);
            return default;
        });
        HttpClient client = listener.Http();
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "abc.12");
        client.DefaultRequestHeaders.TryAddWithoutValidation("Grpc-Metadata-X", "v");
        client.DefaultRequestHeaders.TryAddWithoutValidation("Grpc-Metadata-Hasleader", "true");
        client.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", "test");
        client.DefaultRequestHeaders.TryAddWithoutValidation("Grpc-Timeout", "5S");
        HttpResponseMessage answer = await client.PostAsync("/v3/test/call", null, TestContext.Current.CancellationToken);
        Assert.Equal("{}", await TextAsync(answer));
        Assert.Equal(["abc.12", "v", "true", null, "abc.12", "00:00:05"], seen.Values);
    }

    [Fact]
    public async Task A_deadline_counts_here_too()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync(async (context, _, _) => await Task.Delay(Timeout.Infinite, context.Cancellation));
        HttpClient client = listener.Http();
        client.DefaultRequestHeaders.Add("Grpc-Timeout", "20m");
        HttpResponseMessage answer = await client.PostAsync("/v3/test/call", null, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.GatewayTimeout, answer.StatusCode);
        Assert.Contains("etcdserver: context deadline exceeded", await TextAsync(answer), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_disconnects_cancels_the_handler()
    {
        var entered = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource<GrpcStatus>();
        await using TestListener listener = await TestListener.WithUnaryAsync(async (context, _, _) =>
        {
            await using CancellationTokenRegistration _2 = context.Cancellation.Register(() => cancelled.TrySetResult(context.CancellationStatus));
            entered.SetResult();
            await Task.Delay(Timeout.Infinite, context.Cancellation);
        });
        RawConnection connection = listener.Connect();
        await connection.PostAsync("/v3/test/call", "{}");
        await entered.Task.WaitAsync(TestContext.Current.CancellationToken);
        connection.Dispose();
        Assert.Equal(EtcdErrors.RequestCanceled, await cancelled.Task.WaitAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Calls_through_the_gateway_are_reported_like_others()
    {
        var observer = new CountingObserver();
        await using TestListener listener = await TestListener.WithUnaryAsync(Echo, o => o with { Observer = observer });
        await PostAsync(listener, "/v3/test/call", """{"key":"YQ=="}""");
        Assert.Equal(["started Call", "received Call 3", "sent Call 3", "completed Call OK"], observer.Seen);
    }

    private static Task<HttpResponseMessage> PostAsync(TestListener listener, string path, string body) =>
        listener.Http().PostAsync(path, new ByteArrayContent(Encoding.UTF8.GetBytes(body)), TestContext.Current.CancellationToken);

    private static Task<string> TextAsync(HttpResponseMessage answer) => answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

    private static async Task SkipBodyAsync(RawConnection connection, List<string> head)
    {
        string length = head.Single(line => line.StartsWith("Content-Length: ", StringComparison.Ordinal));
        await connection.ReceiveAsync(int.Parse(length["Content-Length: ".Length..], System.Globalization.CultureInfo.InvariantCulture));
    }

    private static ValueTask Echo(RpcContext context, ReadOnlyMemory<byte> request, IBufferWriter<byte> response)
    {
        PutRequest.Parser.ParseFrom(request.Span).WriteTo(response);
        return default;
    }
}
