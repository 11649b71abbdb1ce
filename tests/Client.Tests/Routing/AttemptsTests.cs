using Conclave.Client.Routing;
using Conclave.Client.Rpc;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Tests.Routing;

public class AttemptsTests
{
    private static readonly Uri Dead = new("http://a:1"), Alive = new("http://b:1");
    private readonly ManualTime _time = new();

    [Fact]
    public void After_a_wait_that_took_longer_than_the_call_may_there_is_no_time_left_and_not_less_than_none()
    {
        var options = new ConclaveClientOptions { Endpoints = ["http://a:1"], RequestTimeout = TimeSpan.FromMilliseconds(500), Time = _time };
        using EndpointSet endpoints = new([new Uri("http://a:1")], EndpointChoice.Sticky, new RpcChannelOptions(), _time);
        Attempts attempts = new(endpoints, options, writes: true, only: null);
        attempts.Next(out TimeSpan first);
        Assert.Equal(TimeSpan.FromMilliseconds(500), first);

        _time.Advance(TimeSpan.FromMilliseconds(501));   // as a busy machine wakes a timer late

        attempts.Next(out TimeSpan second);
        using CallDeadline deadline = CallDeadline.Start(second, TestContext.Current.CancellationToken);   // refuses less than none
        Assert.Equal(TimeSpan.Zero, second);
    }

    /// <summary>With two of three members down the third one says that there is no leader. "Connection refused" would send people to look at a machine.</summary>
    [Fact]
    public void What_a_member_said_is_reported_and_not_that_the_next_one_could_not_be_reached()
    {
        using EndpointSet endpoints = new([Dead, Alive], EndpointChoice.Sticky, new RpcChannelOptions(), _time);
        var attempts = new Attempts(endpoints, new ConclaveClientOptions { Endpoints = ["a:1", "b:1"], Time = _time }, writes: true, only: null);
        var unreachable = new RpcException(GrpcCode.Unavailable, "Cannot connect to a:1: Connection refused", Dead, RequestFate.NotSent);
        var noLeader = new RpcException(GrpcCode.Unavailable, "etcdserver: no leader", Alive, RequestFate.Answered) { Outcome = ServerOutcome.Refused };

        attempts.MayRepeat(unreachable, out _);
        Assert.Same(unreachable, attempts.Telling(unreachable));   // nobody has said anything yet
        attempts.MayRepeat(noLeader, out _);
        attempts.MayRepeat(unreachable, out _);

        Assert.Same(noLeader, attempts.Telling(unreachable));
        var lost = new RpcException(GrpcCode.Unavailable, "The connection was lost.", Alive, RequestFate.Unanswered);
        Assert.Same(lost, attempts.Telling(lost));
    }
}
