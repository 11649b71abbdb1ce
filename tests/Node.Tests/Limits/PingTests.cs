using System.Buffers;
using Conclave.Node.Http.Limits;
using Conclave.Node.Options;
using Conclave.Node.Tests.Http;

namespace Conclave.Node.Tests.Limits;

public class PingTests
{
    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();
    private static readonly byte[] Settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    private static readonly byte[] Ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    private static readonly byte[] PingAck = [0, 0, 8, 6, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

    private readonly ManualClock _time = new();

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(1000)]
    public void The_third_ping_without_a_reason_is_too_much_however_the_bytes_arrive(int pieceBytes)
    {
        PingCounter counter = NewCounter();
        byte[] all = [.. Preface, .. Settings, .. Ping, .. PingAck, .. PingAck, .. Ping, .. Settings, .. Ping];

        Assert.All(all.Chunk(pieceBytes), piece => Assert.True(Walk(counter, piece)));

        Assert.False(Walk(counter, Ping));
    }

    [Fact]
    public void Pings_far_enough_apart_never_are()
    {
        PingCounter counter = NewCounter();
        Walk(counter, Preface);
        for (int i = 0; i < 100; i++)
        {
            Assert.True(Walk(counter, Ping));
            _time.Advance(TimeSpan.FromSeconds(5));
        }
    }

    [Fact]
    public void Pings_that_follow_what_was_sent_never_are_and_answers_to_pings_are_no_reason()
    {
        PingCounter counter = NewCounter();
        Walk(counter, Preface);
        long written = 0;
        for (int i = 0; i < 100; i++)
        {
            written += 40 + 17;   // an event, and the answer to the ping before
            Assert.True(Walk(counter, Ping, written));
        }

        int more = 0;
        while (Walk(counter, Ping, written += 17)) more++;
        Assert.InRange(more, 2, 3);   // the first of the answers may still be taken for something else
    }

    [Fact]
    public async Task A_client_that_floods_is_hung_up_on_and_others_are_not()
    {
        await using TestListener listener = await TestListener.StartAsync(new FakeKv().AddTo, change: o => o with { Time = _time });
        using RawConnection flood = listener.Connect();
        await flood.SendAsync([.. Preface, .. Settings]);
        try
        {
            for (int i = 0; i < 100_000; i++) await flood.SendAsync(Ping);
            Assert.Fail("Nobody hung up.");
        }
        catch (System.Net.Sockets.SocketException)
        {
            // Hung up.
        }

        Assert.Equal(1, listener.Refusals.Of(RefusalReason.Pings));
        await using var client = new Conclave.Client.ConclaveClient(listener.EndPoint.ToString());
        for (int i = 0; i < 50; i++) await client.PutAsync("k", new byte[10_000], cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(1, listener.Refusals.Of(RefusalReason.Pings));
    }

    [Fact]
    public async Task Zero_lets_everybody_ping()
    {
        await using TestListener listener = await TestListener.StartAsync(new FakeKv().AddTo, change: o => o with { Limits = new LimitOptions { KeepAliveMinTime = TimeSpan.Zero } });
        using RawConnection often = listener.Connect();
        await often.SendAsync([.. Preface, .. Settings, .. Ping, .. Ping, .. Ping, .. Ping, .. Ping]);
        int acks = 0;
        while (acks < 5)
        {
            byte[] header = await often.ReceiveAsync(9);
            Assert.Equal(9, header.Length);
            await often.ReceiveAsync((header[0] << 16) | (header[1] << 8) | header[2]);
            if (header[3] == 6) acks++;
        }
    }

    private PingCounter NewCounter() => new(TimeSpan.FromSeconds(5), _time);

    private static bool Walk(PingCounter counter, byte[] bytes, long written = 0) => counter.Walk(new ReadOnlySequence<byte>(bytes), written);
}
