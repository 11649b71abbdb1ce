using Conclave.Client.Routing;
using Conclave.Client.Rpc;

namespace Conclave.Client.Tests.Routing;

public class AttemptsTests
{
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
}
