using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using Conclave.Client.Rpc;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Tests.Rpc;

/// <summary>Streams whose answer comes at a moment when the writer does not expect one: before the request is on its way, as it happens on a busy machine, or in place of taking it.</summary>
public class RpcStreamTests
{
    private static readonly Uri Endpoint = new("http://127.0.0.1:1");

    [Fact]
    public async Task An_answer_that_comes_before_the_request_is_on_its_way_does_not_end_the_stream()
    {
        var sending = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using MemoryStream sent = new();
        var answer = new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent([]) };
        answer.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        await using RpcStream stream = await OpenAsync(new Answering(Task.FromResult(answer), sending.Task, sent));

        Task write = stream.WriteAsync("abc"u8.ToArray(), TestContext.Current.CancellationToken).AsTask();
        Assert.False(write.IsCompleted);
        sending.SetResult();
        await write;

        Assert.Equal([0, 0, 0, 0, 3, (byte)'a', (byte)'b', (byte)'c'], sent.ToArray());
    }

    [Fact]
    public async Task An_answer_that_is_a_refusal_is_what_the_writer_learns()
    {
        var refusal = new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent([]) };
        refusal.Headers.Add("grpc-status", "7");
        refusal.Headers.Add("grpc-message", "not yours");
        await using RpcStream stream = await OpenAsync(new Answering(Task.FromResult(refusal), new TaskCompletionSource().Task, Stream.Null));

        RpcException learned = await Assert.ThrowsAsync<RpcException>(async () => await stream.WriteAsync("abc"u8.ToArray(), TestContext.Current.CancellationToken));

        Assert.Equal((GrpcCode.PermissionDenied, "not yours", RequestFate.Answered), (learned.Code, learned.Message, learned.Fate));
    }

    [Fact]
    public async Task An_answer_of_somebody_who_does_not_speak_grpc_is_what_the_writer_learns()
    {
        var plain = new HttpResponseMessage(HttpStatusCode.BadGateway) { Content = new StringContent("<html>no backend</html>") };
        await using RpcStream stream = await OpenAsync(new Answering(Task.FromResult(plain), new TaskCompletionSource().Task, Stream.Null));

        RpcException learned = await Assert.ThrowsAsync<RpcException>(async () => await stream.WriteAsync("abc"u8.ToArray(), TestContext.Current.CancellationToken));

        Assert.Equal(GrpcCode.Unavailable, learned.Code);
        Assert.Contains("HTTP 502", learned.Message, StringComparison.Ordinal);
    }

    /// <summary>Refusals of a stream have their status in the headers where nothing was sent before, or in the trailers behind headers that went out at once.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_refusal_that_closes_the_way_to_the_server_while_somebody_asks_is_what_he_learns(bool inTrailers)
    {
        var answer = new TaskCompletionSource<HttpResponseMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        var refusal = new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent([]) };
        refusal.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        HttpHeaders status = inTrailers ? refusal.TrailingHeaders : refusal.Headers;
        status.Add("grpc-status", "7");
        status.Add("grpc-message", "not yours");
        await using RpcStream stream = await OpenAsync(new Answering(answer.Task, Task.CompletedTask, new Closed()));

        Task asking = stream.AskAsync(RequestFrame.Of("abc"u8), TestContext.Current.CancellationToken).AsTask();
        answer.SetResult(refusal);
        RpcException learned = await Assert.ThrowsAsync<RpcException>(() => asking);

        Assert.Equal((GrpcCode.PermissionDenied, "not yours", RequestFate.Answered), (learned.Code, learned.Message, learned.Fate));
    }

    /// <summary>Such is the snapshot of a small store: sent whole before the client's last write is through.</summary>
    [Fact]
    public async Task A_whole_answer_that_closes_the_way_to_the_server_while_somebody_asks_is_read_as_any_other()
    {
        var answer = new TaskCompletionSource<HttpResponseMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        var whole = new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent([0, 0, 0, 0, 1, (byte)'x', 0, 0, 0, 0, 1, (byte)'y']) };
        whole.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        whole.TrailingHeaders.Add("grpc-status", "0");
        await using RpcStream stream = await OpenAsync(new Answering(answer.Task, Task.CompletedTask, new Closed()));

        Task asking = stream.AskAsync(RequestFrame.Of("abc"u8), TestContext.Current.CancellationToken).AsTask();
        answer.SetResult(whole);
        await asking;

        foreach (char letter in "xy")
        {
            Assert.True(await stream.ReadAsync(TestContext.Current.CancellationToken));
            Assert.Equal([(byte)letter], stream.Message.ToArray());
        }

        Assert.False(await stream.ReadAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>As renewals of a lease do when the server stops.</summary>
    [Fact]
    public async Task An_end_without_a_failure_that_closes_the_way_to_the_server_while_somebody_asks_is_an_end()
    {
        var answer = new TaskCompletionSource<HttpResponseMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        var end = new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent([]) };
        end.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        end.TrailingHeaders.Add("grpc-status", "0");
        await using RpcStream stream = await OpenAsync(new Answering(answer.Task, Task.CompletedTask, new Closed()));

        Task asking = stream.AskAsync(RequestFrame.Of("abc"u8), TestContext.Current.CancellationToken).AsTask();
        answer.SetResult(end);
        await asking;

        Assert.False(await stream.ReadAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_connection_that_breaks_while_somebody_asks_leaves_open_whether_the_message_came()
    {
        var answer = new TaskCompletionSource<HttpResponseMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using RpcStream stream = await OpenAsync(new Answering(answer.Task, Task.CompletedTask, new Closed()));

        Task asking = stream.AskAsync(RequestFrame.Of("abc"u8), TestContext.Current.CancellationToken).AsTask();
        answer.SetException(new HttpRequestException("gone"));
        RpcException learned = await Assert.ThrowsAsync<RpcException>(() => asking);

        Assert.Equal((GrpcCode.Unavailable, RequestFate.Unanswered), (learned.Code, learned.Fate));
        Assert.Contains("aborted", learned.Message, StringComparison.Ordinal);   // what the writer met
    }

    private static async Task<RpcStream> OpenAsync(Answering server)
    {
        DuplexContent content = new();
        var request = new HttpRequestMessage(HttpMethod.Post, Endpoint) { Content = content };
        return await RpcStream.OpenAsync(new HttpMessageInvoker(server), request, content, Endpoint, 1 << 20, TestContext.Current.CancellationToken);
    }

    /// <summary>Answers at once, and takes the request only when told to.</summary>
    private sealed class Answering(Task<HttpResponseMessage> answer, Task takesRequest, Stream sent) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            _ = Task.Run(async () =>
            {
                await takesRequest.WaitAsync(cancellationToken);
                await request.Content!.CopyToAsync(sent, cancellationToken);   // streams have one
            }, cancellationToken);
            return answer;
        }
    }

    /// <summary>The way to a server that takes no more of this call.</summary>
    private sealed class Closed : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("The request was aborted.");
    }
}
