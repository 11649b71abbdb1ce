using System.Net;
using Conclave.Node.Http.Limits;

namespace Conclave.Node.Tests.Limits;

public class FairBoundTests
{
    [Fact]
    public void One_fills_three_quarters_and_the_others_share_the_last_with_a_quarter_each()
    {
        var bound = new FairBound(100);
        long greedy = 0, second = 0, third = 0;
        Assert.True(bound.TryTake(ref greedy, 75));
        Assert.False(bound.TryTake(ref greedy, 1));
        Assert.True(bound.TryTake(ref second, 20));
        Assert.False(bound.TryTake(ref third, 6));   // nobody gets more than there is
        Assert.True(bound.TryTake(ref third, 5));
        Assert.Equal((75, 20, 5, 100), (greedy, second, third, bound.Total));

        bound.GiveBack(ref greedy, 75);
        Assert.True(bound.TryTake(ref second, 50));   // with so much room it may have more than a quarter
    }

    [Fact]
    public void What_is_refused_changes_nothing_and_zero_is_no_limit()
    {
        long own = 0;
        var none = new FairBound(0);
        Assert.True(none.TryTake(ref own, long.MaxValue / 2));
        own = 0;
        var two = new FairBound(2);
        Assert.True(two.TryTake(ref own, 2));   // a quarter of two is nothing that could be kept for others
        Assert.False(two.TryTake(ref own, 1));
        Assert.Equal((2, 2), (own, two.Total));
        Assert.False(two.Take(ref own, 1));
        Assert.Equal((3, 3), (own, two.Total));
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.1")]
    [InlineData("::ffff:10.0.0.1", "10.0.0.1")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    [InlineData("::1", "::1")]
    public void A_network_of_64_bits_is_one_client(string address, string expected) =>
        Assert.Equal(IPAddress.Parse(expected), ClientShares.KeyOf(new IPEndPoint(IPAddress.Parse(address), 1)));

    [Fact]
    public void A_share_is_kept_while_somebody_has_a_connection()
    {
        var shares = new ClientShares();
        var peer = new IPEndPoint(IPAddress.Loopback, 1);
        ClientShare first = shares.Enter(peer);
        Assert.Same(first, shares.Enter(new IPEndPoint(IPAddress.Loopback, 2)));
        shares.Leave(first);
        Assert.Same(first, shares.Enter(peer));
        shares.Leave(first);
        shares.Leave(first);
        Assert.NotSame(first, shares.Enter(peer));
    }
}
