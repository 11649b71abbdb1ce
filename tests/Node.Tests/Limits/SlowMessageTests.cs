using Conclave.Node.Http.Limits;
using Conclave.Node.Tests.Http;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Tests.Limits;

/// <summary>Messages that do not come to their end.</summary>
public class SlowMessageTests
{
    private const string Call = "/test.Test/Call";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly byte[] Whole = GrpcTestClient.Frame(new byte[2_000_000]);

    [Fact]
    public async Task What_came_fast_does_not_buy_time_for_silence()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync((_, _, _) => default, o => o with { BodyGrace = TimeSpan.FromMilliseconds(300) });
        using PartialCall fast = await PartialCall.BeginAsync(listener.Grpc(), Call, Whole.AsMemory(0, 1_900_000));
        RawConnection json = listener.Connect();
        await json.SendAsync("POST /v3/test/call HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n{" + new string(' ', 900_000));

        Assert.Equal(GrpcCode.DeadlineExceeded, (await fast.Answer.WaitAsync(Patience, TestContext.Current.CancellationToken)).Status.Code);
        Assert.Equal("HTTP/1.1 504 Gateway Timeout", await json.ReadLineAsync().WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.Equal(2, listener.Refusals.Of(RefusalReason.SlowRequest));
    }

    [Fact]
    public async Task A_message_that_always_goes_on_has_to_end_some_time()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync((_, _, _) => default, o => o with { BodyBytesPerSecondMin = 1, BodyTimeMax = TimeSpan.FromSeconds(1) });
        using PartialCall steady = await PartialCall.BeginAsync(listener.Grpc(), Call, Whole.AsMemory(0, 5));
        using var deadline = new CancellationTokenSource(Patience);
        while (!steady.Answer.IsCompleted)
        {
            try
            {
                await steady.SendAsync(new byte[100]);
            }
            catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException or ObjectDisposedException)
            {
                break;   // the server has answered, and wants no more of it
            }

            await Task.Delay(20, deadline.Token);
        }

        Assert.Equal(GrpcCode.DeadlineExceeded, (await steady.Answer.WaitAsync(Patience, TestContext.Current.CancellationToken)).Status.Code);
    }

    [Fact]
    public async Task A_stream_may_be_silent_between_messages_and_not_within_one()
    {
        await using TestListener listener = await StreamAsync();
        using GrpcTestStream silent = await listener.Grpc().OpenAsync(Call), half = await listener.Grpc().OpenAsync(Call);
        await silent.WriteAsync([1]);
        await silent.NextAsync();
        await half.WriteRawAsync(GrpcTestClient.Frame(new byte[100])[..50]);

        Assert.Equal(GrpcCode.DeadlineExceeded, (await half.EndAsync().WaitAsync(Patience, TestContext.Current.CancellationToken)).Code);
        await silent.WriteAsync([2]);
        Assert.Equal([2], await silent.NextAsync());
    }

    [Fact]
    public async Task The_same_holds_for_streams_of_json()
    {
        await using TestListener listener = await StreamAsync();
        RawConnection silent = listener.Connect(), half = listener.Connect();
        const string head = "POST /v3/test/call HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        await silent.SendAsync(head + "3\r\n{}\n\r\n");
        Assert.Equal("HTTP/1.1 200 OK", (await silent.ReadHeadAsync())[0]);
        await silent.ReadChunkAsync();
        await half.SendAsync(head + "1\r\n{\r\n");

        Assert.Equal("HTTP/1.1 504 Gateway Timeout", await half.ReadLineAsync().WaitAsync(Patience, TestContext.Current.CancellationToken));
        await silent.SendAsync("3\r\n{}\n\r\n");
        Assert.Contains("result", await silent.ReadChunkAsync(), StringComparison.Ordinal);
    }

    private static Task<TestListener> StreamAsync() => TestListener.WithStreamAsync(
        async (_, stream) =>
        {
            while (await stream.ReadAsync() is { } message) await stream.WriteAsync(message);
        },
        o => o with { BodyGrace = TimeSpan.FromMilliseconds(300) });
}
