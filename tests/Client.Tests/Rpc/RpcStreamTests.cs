using System.Net;
using System.Net.Http.Headers;
using Conclave.Client.Rpc;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Tests.Rpc;

/// <summary>Streams whose answer is there before the request is on its way, as it happens on a busy machine.</summary>
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
        await using RpcStream stream = await OpenAsync(new Answering(answer, sending.Task, sent));

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
        await using RpcStream stream = await OpenAsync(new Answering(refusal, new TaskCompletionSource().Task, Stream.Null));

        RpcException learned = await Assert.ThrowsAsync<RpcException>(async () => await stream.WriteAsync("abc"u8.ToArray(), TestContext.Current.CancellationToken));

        Assert.Equal((GrpcCode.PermissionDenied, "not yours", RequestFate.Answered), (learned.Code, learned.Message, learned.Fate));
    }

    [Fact]
    public async Task An_answer_of_somebody_who_does_not_speak_grpc_is_what_the_writer_learns()
    {
        var plain = new HttpResponseMessage(HttpStatusCode.BadGateway) { Content = new StringContent("<html>no backend</html>") };
        await using RpcStream stream = await OpenAsync(new Answering(plain, new TaskCompletionSource().Task, Stream.Null));

        RpcException learned = await Assert.ThrowsAsync<RpcException>(async () => await stream.WriteAsync("abc"u8.ToArray(), TestContext.Current.CancellationToken));

        Assert.Equal(GrpcCode.Unavailable, learned.Code);
        Assert.Contains("HTTP 502", learned.Message, StringComparison.Ordinal);
    }

    private static async Task<RpcStream> OpenAsync(Answering server)
    {
        DuplexContent content = new();
        var request = new HttpRequestMessage(HttpMethod.Post, Endpoint) { Content = content };
        return await RpcStream.OpenAsync(new HttpMessageInvoker(server), request, content, Endpoint, 1 << 20, TestContext.Current.CancellationToken);
    }

    /// <summary>Answers at once, and takes the request only when told to.</summary>
    private sealed class Answering(HttpResponseMessage answer, Task takesRequest, Stream sent) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            _ = Task.Run(async () =>
            {
                await takesRequest.WaitAsync(cancellationToken);
                await request.Content!.CopyToAsync(sent, cancellationToken);   // streams have one
            }, cancellationToken);
            return Task.FromResult(answer);
        }
    }
}
