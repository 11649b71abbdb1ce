using System.Buffers;
using System.Net;
using Conclave.Node.Http;
using Conclave.Node.Http.Limits;
using Conclave.Node.Options;
using Conclave.Node.Tests.Http;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;
using Google.Protobuf;

namespace Conclave.Node.Tests.Limits;

/// <summary>Large reads that come at once: those for which there is no room wait, as they would for a busy server.</summary>
public class AnswerWaitTests
{
    private const string Call = "/test.Test/Call";
    private const int Bound = 8 << 20, AnswerBytes = 3_000_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Many_large_reads_from_one_host_are_all_answered(bool asJson)
    {
        await using TestListener listener = await AnswerAsync(o => o);
        using HttpClient http = listener.Http();
        int[] sizes = await Task.WhenAll(Enumerable.Range(0, 24).Select(async _ =>
        {
            if (!asJson) return (await listener.Grpc().CallAsync(Call, new PutRequest())) is { Status.IsOK: true } reply ? reply.Message.Length : -1;
            HttpResponseMessage json = await http.PostAsync("/v3/test/call", new StringContent("{}"), TestContext.Current.CancellationToken);
            return json.StatusCode == HttpStatusCode.OK ? (await json.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).Length : -1;
        }));
        Assert.All(sizes, size => Assert.InRange(size, AnswerBytes, 2 * AnswerBytes));
        Assert.Equal(0, listener.Refusals.Of(RefusalReason.AnswerBytes));
        Assert.InRange(_most, 1, 2);   // of 3 and of 4 MB; the third finds no room in three quarters of 8 MiB
    }

    [Fact]
    public async Task A_read_waits_for_a_client_that_takes_nothing_until_its_deadline_and_no_longer()
    {
        await using TestListener listener = await AnswerAsync(o => o with { AnswerPatience = TimeSpan.FromMinutes(10) });
        ZeroWindowClient silent = await ZeroWindowClient.ConnectAsync(listener.EndPoint);
        await silent.CallAsync(Call, []);
        await silent.CallAsync(Call, []);
        GrpcReply late;
        do late = await listener.Grpc().CallAsync(Call, GrpcTestClient.Frame([]), ("grpc-timeout", "300m"));
        while (late.Status.IsOK);   // until both are in the way
        Assert.Equal(GrpcCode.DeadlineExceeded, late.Status.Code);

        Task<GrpcReply> waits = listener.Grpc().CallAsync(Call, new PutRequest());
        Assert.False(waits.IsCompleted);
        silent.Dispose();
        Assert.True((await waits).Status.IsOK);
    }

    private int _now, _most;

    private Task<TestListener> AnswerAsync(Func<ClientListenerOptions, ClientListenerOptions> change) => TestListener.WithUnaryAsync(
        async (_, _, response) =>
        {
            response.Write(new PutRequest { Key = ByteString.CopyFrom(new byte[AnswerBytes / 2]), Value = ByteString.CopyFrom(new byte[AnswerBytes / 2]) }.ToByteArray());
            if (response is PooledBuffer { IsCut: true }) return;
            int now = Interlocked.Increment(ref _now);
            for (int most = Volatile.Read(ref _most); now > most && Interlocked.CompareExchange(ref _most, now, most) != most; most = Volatile.Read(ref _most))
            {
            }

            await Task.Yield();
            Interlocked.Decrement(ref _now);
        },
        o => change(o with { Limits = new LimitOptions { InflightAnswerBytes = Bound } }));
}
