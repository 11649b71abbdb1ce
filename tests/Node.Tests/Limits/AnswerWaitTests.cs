using System.Buffers;
using System.Net;
using Conclave.Node.Http;
using Conclave.Node.Http.Limits;
using Conclave.Node.Options;
using Conclave.Node.Tests.Http;
using Conclave.Node.Tests.Nodes;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Etcd.Mvccpb;
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
        await TestNode.EventuallyAsync("one is in the way and the other waits", () => Task.FromResult((Volatile.Read(ref _done), listener.ReadsWaiting) == (1, 1)));
        Assert.Equal(GrpcCode.DeadlineExceeded, (await listener.Grpc().CallAsync(Call, GrpcTestClient.Frame([]), ("grpc-timeout", "300m"))).Status.Code);

        Task<GrpcReply> waits = listener.Grpc().CallAsync(Call, new PutRequest());
        await TestNode.EventuallyAsync("it waits too", () => Task.FromResult(listener.ReadsWaiting == 2));
        Assert.False(waits.IsCompleted);
        silent.Dispose();
        Assert.True((await waits).Status.IsOK);
    }

    [Fact]
    public async Task A_read_as_json_keeps_nothing_of_its_answer_while_it_waits_and_reads_again()
    {
        int small = 0, large = 0;
        byte[] large200k = new RangeResponse { Kvs = { Enumerable.Repeat(new KeyValue { CreateRevision = 1 }, 200_000) } }.ToByteArray();   // 0.8 MB, and 4.8 MB as JSON
        await using TestListener listener = await TestListener.StartAsync(
            methods => methods.Add(RpcMethod.ForRead<PutRequest, RangeResponse>(Call, (_, request, response) =>
            {
                Interlocked.Increment(ref request.IsEmpty ? ref small : ref large);
                response.Write(request.IsEmpty ? new RangeResponse { Kvs = { new KeyValue { Value = ByteString.CopyFrom(new byte[2_000_000]) } } }.ToByteArray() : large200k);
                return default;
            }, "/v3/test/call")),
            change: o => o with { AnswerPatience = TimeSpan.FromMinutes(10), Limits = new LimitOptions { InflightAnswerBytes = Bound } });
        ZeroWindowClient silent = await ZeroWindowClient.ConnectAsync(listener.EndPoint);
        await silent.CallAsync(Call, []);
        await TestNode.EventuallyAsync("it is in the way", () => Task.FromResult(Volatile.Read(ref small) == 1));

        Task<HttpResponseMessage> waits = listener.Http().PostAsync("/v3/test/call", new StringContent("""{"key":"YQ=="}"""), TestContext.Current.CancellationToken);
        await TestNode.EventuallyAsync("it waits", () => Task.FromResult(listener.ReadsWaiting == 1));
        Assert.Equal(1, Volatile.Read(ref large));
        silent.Dispose();
        HttpResponseMessage json = await waits;
        Assert.Equal(HttpStatusCode.OK, json.StatusCode);
        Assert.Equal(200_000, RangeResponse.Parser.WithDiscardUnknownFields(true).ParseJson(await json.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Kvs.Count);
        Assert.Equal(2, Volatile.Read(ref large));
    }

    [Fact]
    public async Task What_is_no_read_is_done_once_and_answered_however_little_room_there_is()
    {
        int done = 0;
        await using TestListener listener = await TestListener.WithUnaryAsync(
            (_, _, response) =>
            {
                Interlocked.Increment(ref done);
                response.Write(new byte[AnswerBytes]);
                return default;
            },
            o => o with { AnswerPatience = TimeSpan.FromMinutes(10), AnswerWait = TimeSpan.FromMilliseconds(50), Limits = new LimitOptions { InflightAnswerBytes = 1 << 20 } });
        using ZeroWindowClient silent = await ZeroWindowClient.ConnectAsync(listener.EndPoint);
        await silent.CallAsync(Call, []);
        await TestNode.EventuallyAsync("it is in the way", () => Task.FromResult(Volatile.Read(ref done) == 1));

        Assert.True((await listener.Grpc().CallAsync(Call, new PutRequest())).Status.IsOK);
        Assert.Equal(2, Volatile.Read(ref done));
    }

    private int _now, _most, _done;

    private Task<TestListener> AnswerAsync(Func<ClientListenerOptions, ClientListenerOptions> change) => TestListener.WithReadAsync(
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
            Interlocked.Increment(ref _done);
        },
        o => change(o with { Limits = new LimitOptions { InflightAnswerBytes = Bound } }));
}
