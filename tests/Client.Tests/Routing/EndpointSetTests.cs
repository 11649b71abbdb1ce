using Conclave.Client.Routing;
using Conclave.Client.Rpc;

namespace Conclave.Client.Tests.Routing;

public class EndpointSetTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void Sticky_stays_where_it_is_until_that_fails_and_then_stays_there()
    {
        using EndpointSet endpoints = Three(EndpointChoice.Sticky);
        Assert.Equal([0, 0], [endpoints.Pick(), endpoints.Pick()]);

        endpoints.Failed(0);
        Assert.Equal(1, endpoints.Pick());
        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(1, endpoints.Pick());
    }

    [Fact]
    public void Round_robin_goes_round_and_leaves_out_what_failed()
    {
        using EndpointSet endpoints = Three(EndpointChoice.RoundRobin);
        Assert.Equal([1, 2, 0, 1], [endpoints.Pick(), endpoints.Pick(), endpoints.Pick(), endpoints.Pick()]);

        endpoints.Failed(2);

        Assert.Equal([0, 0, 1, 0, 0, 1], Enumerable.Range(0, 6).Select(_ => endpoints.Pick()));
    }

    [Fact]
    public void An_endpoint_that_failed_is_asked_again_after_its_time()
    {
        using EndpointSet endpoints = Three(EndpointChoice.RoundRobin);
        endpoints.Failed(2);
        _time.Advance(TimeSpan.FromMilliseconds(200));

        Assert.Equal([1, 2, 0], [endpoints.Pick(), endpoints.Pick(), endpoints.Pick()]);
    }

    [Fact]
    public void Repeated_failures_lengthen_the_time_and_one_success_forgets_them()
    {
        using EndpointSet endpoints = Three(EndpointChoice.Sticky);
        for (int i = 0; i < 3; i++)
        {
            for (int endpoint = 0; endpoint < 3; endpoint++) endpoints.Failed(endpoint);
        }

        _time.Advance(TimeSpan.FromMilliseconds(799));
        Assert.True(endpoints.AllCoolingDown);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(endpoints.AllCoolingDown);

        endpoints.Succeeded(1);
        endpoints.Failed(1);
        _time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.False(endpoints.AllCoolingDown);
    }

    [Fact]
    public void When_all_failed_the_one_whose_time_is_up_first_is_asked()
    {
        using EndpointSet endpoints = Three(EndpointChoice.Sticky);
        endpoints.Failed(1);
        _time.Advance(TimeSpan.FromMilliseconds(50));
        endpoints.Failed(0);
        endpoints.Failed(2);

        Assert.True(endpoints.AllCoolingDown);
        Assert.Equal(1, endpoints.Pick());
    }

    private EndpointSet Three(EndpointChoice choice) =>
        new([new Uri("http://a:1"), new Uri("http://b:1"), new Uri("http://c:1")], choice, new RpcChannelOptions(), _time);
}
