using Conclave.Client.Routing;
using Conclave.Client.Rpc;
using Conclave.Wire.Grpc;

namespace Conclave.Client.Tests.Routing;

public class AttemptsTests
{
    private static readonly Uri Dead = new("http://a:1"), Alive = new("http://b:1");

    /// <summary>With two of three members down the third one says that there is no leader. "Connection refused" would send people to look at a machine.</summary>
    [Fact]
    public void What_a_member_said_is_reported_and_not_that_the_next_one_could_not_be_reached()
    {
        var time = new ManualTime();
        using EndpointSet endpoints = new([Dead, Alive], EndpointChoice.Sticky, new RpcChannelOptions(), time);
        var attempts = new Attempts(endpoints, new ConclaveClientOptions { Endpoints = ["a:1", "b:1"], Time = time }, writes: true, only: null);
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
