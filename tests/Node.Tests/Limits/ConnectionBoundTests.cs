using System.Net;
using Conclave.Node.Http;
using Conclave.Node.Http.Limits;
using Conclave.Node.Options;
using Conclave.Node.Tests.Http;
using Conclave.Node.Tests.Nodes;
using Conclave.Wire.Etcd.Etcdserverpb;
using Conclave.Wire.Grpc;

namespace Conclave.Node.Tests.Limits;

/// <summary>Connections and streams that stay.</summary>
public class ConnectionBoundTests
{
    private const string Call = "/test.Test/Call", Get = "GET /none HTTP/1.1\r\nHost: a\r\n\r\n", NotFound = "HTTP/1.1 404 Not Found";

    [Fact]
    public async Task One_address_leaves_connections_for_others()
    {
        await using TestListener listener = await TestListener.WithUnaryAsync((_, _, _) => default, o => o with
        {
            Addresses = [new ListenAddress(new IPEndPoint(IPAddress.Any, 0))],
            Limits = new LimitOptions { Connections = 8 },
        });
        for (int i = 0; i < 6; i++)
        {
            RawConnection one = listener.Connect();
            await one.SendAsync(Get);
            Assert.Equal(NotFound, await one.ReadLineAsync());
        }

        RawConnection seventh = listener.Connect();
        await seventh.SendAsync(Get);
        Assert.NotEqual(NotFound, await LineOrEndAsync(seventh));
        using var other = new GrpcTestClient(new Uri($"http://127.0.0.2:{listener.EndPoint.Port}"), IPAddress.Parse("127.0.0.2"));
        Assert.True((await other.CallAsync(Call, new PutRequest())).Status.IsOK);
        Assert.Contains(listener.Log.Lines, line => line.Contains("--max-connections", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_connection_that_was_idle_for_long_makes_room_and_no_other()
    {
        var time = new ManualClock();
        await using TestListener listener = await TestListener.WithUnaryAsync((_, _, _) => default, o => o with { Limits = new LimitOptions { Connections = 2 }, Time = time });
        RawConnection idle = listener.Connect(), busy = listener.Connect();
        foreach (RawConnection each in (RawConnection[])[idle, busy])
        {
            await each.SendAsync(Get);
            await ReadAnswerAsync(each);
        }

        time.Advance(TimeSpan.FromSeconds(59));
        await busy.SendAsync(Get);
        await ReadAnswerAsync(busy);
        RawConnection refused = listener.Connect();
        await refused.SendAsync(Get);
        Assert.NotEqual(NotFound, await LineOrEndAsync(refused));

        time.Advance(TimeSpan.FromSeconds(2));
        await TestNode.EventuallyAsync("it has room", async () =>
        {
            RawConnection third = listener.Connect();
            await third.SendAsync(Get);
            return await LineOrEndAsync(third) == NotFound;
        });
        Assert.Equal("", await LineOrEndAsync(idle));
        await busy.SendAsync(Get);
        await ReadAnswerAsync(busy);
        Assert.Equal(1, listener.Refusals.Of(RefusalReason.IdleConnection));
    }

    [Fact]
    public async Task Streams_of_all_clients_are_bounded_and_renewals_are_not_among_them()
    {
        const string renew = "/etcdserverpb.Lease/LeaseKeepAlive";
        await using TestListener listener = await TestListener.StartAsync(
            registry =>
            {
                registry.Add(RpcMethod.ForBidiStream<PutRequest, PutRequest>(Call, DrainAsync));
                registry.Add(RpcMethod.ForBidiStream<PutRequest, PutRequest>(renew, DrainAsync));
            },
            change: o => o with { Limits = new LimitOptions { Streams = 2 } });
        using GrpcTestStream first = await listener.Grpc().OpenAsync(Call), second = await listener.Grpc().OpenAsync(Call), third = await listener.Grpc().OpenAsync(Call);

        Assert.Equal(EtcdErrors.TooManyRequests, await third.EndAsync());
        using GrpcTestStream renewal = await listener.Grpc().OpenAsync(renew);
        renewal.EndRequest();
        Assert.True((await renewal.EndAsync()).IsOK);
        Assert.Equal(1, listener.Refusals.Of(RefusalReason.Streams));

        static async ValueTask DrainAsync(RpcContext call, RpcStream stream)
        {
            while (await stream.ReadAsync() is not null)
            {
            }
        }
    }

    private static async Task ReadAnswerAsync(RawConnection connection)
    {
        List<string> head = await connection.ReadHeadAsync();
        Assert.Equal(NotFound, head[0]);
        await connection.ReceiveAsync("404 page not found\n".Length);
    }

    private static async Task<string> LineOrEndAsync(RawConnection connection)
    {
        try
        {
            return await connection.ReadLineAsync();
        }
        catch (System.Net.Sockets.SocketException)
        {
            return "";   // reset instead of closed
        }
    }
}
