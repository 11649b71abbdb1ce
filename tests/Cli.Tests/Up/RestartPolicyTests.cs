using Conclave.Cli.Up;
using Conclave.Client.Tests;

namespace Conclave.Cli.Tests.Up;

public class RestartPolicyTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void A_node_that_lasted_is_started_again_after_a_second()
    {
        RestartPolicy policy = new(_time);
        policy.Started();
        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(1, SecondsUntilDue(policy));
    }

    [Fact]
    public void A_node_that_does_not_last_waits_longer_each_time_up_to_a_bound()
    {
        RestartPolicy policy = new(_time);
        List<int> waits = [];
        for (int i = 0; i < 6; i++)
        {
            policy.Started();
            waits.Add(SecondsUntilDue(policy));
        }

        Assert.Equal([2, 4, 8, 10, 10, 10], waits);
    }

    private int SecondsUntilDue(RestartPolicy policy)
    {
        int seconds = 0;
        for (; !policy.IsDue() && seconds < 100; seconds++) _time.Advance(TimeSpan.FromSeconds(1));
        return seconds;
    }
}
