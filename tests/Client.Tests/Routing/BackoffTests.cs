using Conclave.Client.Routing;

namespace Conclave.Client.Tests.Routing;

public class BackoffTests
{
    [Fact]
    public void Waits_double_up_to_a_bound_and_start_over_after_a_success()
    {
        Backoff backoff = new(TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(50));

        double[] waits = [.. Enumerable.Range(0, 5).Select(_ => backoff.Next(draw: 0).TotalMilliseconds)];
        Assert.Equal([5, 10, 20, 25, 25], waits);
        backoff.Reset();
        Assert.Equal(10, backoff.Next(draw: 1).TotalMilliseconds);
    }
}
