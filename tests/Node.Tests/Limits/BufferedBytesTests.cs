using System.Buffers;
using System.Net;
using Conclave.Node.Http.Limits;
using Conclave.Node.Options;
using Conclave.Node.Tests.Http;
using Conclave.Node.Tests.Nodes;
using Conclave.Wire.Etcd.Etcdserverpb;

namespace Conclave.Node.Tests.Limits;

/// <summary>What lies in connections because their clients do not take it, a little for each of many calls.</summary>
public class BufferedBytesTests
{
    private const string Call = "/test.Test/Call";

    [Theory]
    [InlineData(100)]
    [InlineData(4_000)]
    [InlineData(60_000)]
    public async Task A_connection_full_of_answers_that_nobody_takes_is_ended_and_others_go_on(int answerBytes)
    {
        const int max = 4 << 20;
        await using TestListener listener = await AnswerAsync(new LimitOptions { BufferedBytes = max }, answerBytes);
        GrpcTestClient other = listener.Grpc();
        Assert.True((await other.CallAsync(Call, new PutRequest())).Status.IsOK);
        using ZeroWindowClient silent = await ZeroWindowClient.ConnectAsync(listener.EndPoint);
        try
        {
            for (int i = 0; i < 5_000 && listener.Refusals.Of(RefusalReason.Buffers) == 0; i++) await silent.CallAsync(Call, []);
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            // Ended while it asked.
        }

        await TestNode.EventuallyAsync("it is ended", () => Task.FromResult(listener.Refusals.Of(RefusalReason.Buffers) > 0));
        Assert.Equal(1, listener.Refusals.Of(RefusalReason.Buffers));
        await TestNode.EventuallyAsync("its memory is back", () => Task.FromResult(listener.BufferedBytes < max / 4));
        Assert.True((await other.CallAsync(Call, new PutRequest())).Status.IsOK);
        Assert.Equal(1, other.Connections);
    }

    [Fact]
    public async Task What_clients_take_comes_back()
    {
        await using TestListener listener = await AnswerAsync(new LimitOptions { BufferedBytes = 64 << 20 }, 60_000);
        using var client = new GrpcTestClient(listener.Address);
        for (int round = 0; round < 5; round++)
            Assert.All(await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => client.CallAsync(Call, new PutRequest()))), reply => Assert.True(reply.Status.IsOK));
        Assert.Equal(0, listener.Refusals.Of(RefusalReason.Buffers));
        await TestNode.EventuallyAsync("nothing is left", () => Task.FromResult(Math.Abs(listener.BufferedBytes) <= 64 << 10));
    }

    [Fact]
    public void The_address_whose_connections_hold_is_known_and_an_ended_one_counts_no_more()
    {
        var blocks = new ConnectionBlocks(max: 1 << 20);
        int excesses = 0;
        blocks.OnExcess = () => excesses++;
        var share = new ClientShare(IPAddress.Loopback);
        ConnectionMemory first = new(blocks, share), second = new(blocks, share);
        List<IMemoryOwner<byte>> rented = [.. Enumerable.Range(0, 160).Select(_ => first.Rent()), .. Enumerable.Range(0, 90).Select(_ => second.Rent())];
        Assert.Equal((0, 160 * 4096), (excesses, first.HeldBytes));
        Assert.InRange(share.BufferedBytes, 250 * 4096 - (64 << 10), 250 * 4096);
        for (int i = 0; i < 20; i++) rented.Add(second.Rent());
        Assert.NotEqual(0, excesses);
        Assert.True(blocks.Excess > 0);

        first.End();
        Assert.True(blocks.Excess < 0);
        foreach (IMemoryOwner<byte> block in rented)
        {
            block.Dispose();
            block.Dispose();   // once is enough
        }

        second.End();
        Assert.Equal((0, 0, 0), (blocks.Total, share.BufferedBytes, first.HeldBytes));
    }

    private static Task<TestListener> AnswerAsync(LimitOptions limits, int answerBytes) => TestListener.WithUnaryAsync(
        (_, _, response) =>
        {
            response.Write(new byte[answerBytes]);
            return default;
        },
        o => o with { Limits = limits });
}
