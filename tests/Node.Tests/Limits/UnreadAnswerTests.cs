using System.Buffers;
using Conclave.Node.Http;
using Conclave.Node.Http.Limits;
using Conclave.Node.Options;
using Conclave.Node.Tests.Http;
using Conclave.Node.Tests.Nodes;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Tests.Limits;

/// <summary>Clients that ask and do not take the answer.</summary>
public class UnreadAnswerTests
{
    private const string Call = "/test.Test/Call";

    [Theory]
    [InlineData(200_000)]
    [InlineData(3_000_000)]
    public async Task A_call_counts_until_its_large_answer_is_taken(int answerBytes)
    {
        await using TestListener listener = await AnswerAsync(asked => asked > 0 ? answerBytes : 10, o => o with { Limits = new LimitOptions { InflightRequests = 2 }, AnswerPatience = TimeSpan.FromMinutes(10) });
        ZeroWindowClient silent = await ZeroWindowClient.ConnectAsync(listener.EndPoint);
        for (int i = 0; i < 2; i++) await silent.CallAsync(Call, [1]);

        GrpcReply? reply = null;
        await TestNode.EventuallyAsync("both are waiting", async () => (reply = await listener.Grpc().CallAsync(Call, new PutRequest())).Status == EtcdErrors.TooManyRequests);
        for (int i = 0; i < 5; i++) Assert.Equal(EtcdErrors.TooManyRequests, (await listener.Grpc().CallAsync(Call, new PutRequest())).Status);

        silent.Dispose();
        await TestNode.EventuallyAsync("they ended with their connection", async () => (await listener.Grpc().CallAsync(Call, new PutRequest())).Status.IsOK);
    }

    [Theory]
    [InlineData(200_000)]
    [InlineData(3_000_000)]
    public async Task A_large_answer_that_nobody_takes_is_given_up_and_the_connection_stays(int answerBytes)
    {
        await using TestListener listener = await AnswerAsync(asked => asked > 0 ? answerBytes : 10, o => o with { Limits = new LimitOptions { InflightRequests = 2 }, AnswerPatience = TimeSpan.FromMilliseconds(400) });
        using ZeroWindowClient silent = await ZeroWindowClient.ConnectAsync(listener.EndPoint);
        for (int i = 0; i < 2; i++) await silent.CallAsync(Call, [1]);

        await TestNode.EventuallyAsync("both were given up", () => Task.FromResult(listener.Refusals.Of(RefusalReason.UnreadAnswer) == 2));
        await TestNode.EventuallyAsync("there is room again", async () => (await listener.Grpc().CallAsync(Call, new PutRequest())).Status.IsOK);
        await silent.CallAsync(Call, [1]);
        await TestNode.EventuallyAsync("the next was too", () => Task.FromResult(listener.Refusals.Of(RefusalReason.UnreadAnswer) == 3));
    }

    [Fact]
    public async Task Answers_that_nobody_takes_are_bounded_and_what_was_written_is_always_answered()
    {
        // 1 MB takes 1.4 MB of buffers; three quarters of 4 MiB hold two of them.
        await using TestListener listener = await AnswerAsync(
            request => request == 0 ? 10 : 1_000_000, o => o with { Limits = new LimitOptions { InflightAnswerBytes = 4 << 20 }, AnswerPatience = TimeSpan.FromMinutes(10), AnswerWait = TimeSpan.FromMilliseconds(50) });
        using ZeroWindowClient silent = await ZeroWindowClient.ConnectAsync(listener.EndPoint);
        byte[] read = [(byte)'r'], write = [(byte)'w'];
        for (int i = 0; i < 2; i++) await silent.CallAsync(Call, read);

        await TestNode.EventuallyAsync("both wait", async () => (await listener.Grpc().CallAsync(Call, GrpcTestClient.Frame(read))).Status == EtcdErrors.TooManyRequests);
        Assert.True((await listener.Grpc().CallAsync(Call, GrpcTestClient.Frame(write))).Status.IsOK);
        Assert.True((await listener.Grpc().CallAsync(Call, GrpcTestClient.Frame([]))).Status.IsOK);
        Assert.True(listener.Refusals.Of(RefusalReason.AnswerBytes) > 0);

        silent.Dispose();
        await TestNode.EventuallyAsync("it is given back", async () => (await listener.Grpc().CallAsync(Call, GrpcTestClient.Frame(read))).Status.IsOK);
    }

    [Fact]
    public async Task One_answer_alone_may_be_as_large_as_it_likes()
    {
        await using TestListener listener = await AnswerAsync(_ => 3_000_000, o => o with { Limits = new LimitOptions { InflightAnswerBytes = 1 << 20 } });
        for (int i = 0; i < 3; i++)
        {
            GrpcReply reply = await listener.Grpc().CallAsync(Call, new PutRequest());
            Assert.Equal((GrpcStatus.OK, 3_000_000), (reply.Status, reply.Message.Length));
        }
    }

    private static Task<TestListener> AnswerAsync(Func<int, int> answerBytes, Func<ClientListenerOptions, ClientListenerOptions> change) => TestListener.WithReadAsync(
        (call, request, response) =>
        {
            if (request.Length > 0 && request.Span[0] == 'w') call.Outcome = WriteOutcome.Unknown;
            response.Write(new byte[answerBytes(request.Length)]);
            return default;
        },
        change);
}
