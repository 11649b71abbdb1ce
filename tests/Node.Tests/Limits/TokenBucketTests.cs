using Conclave.Node.Http.Limits;

namespace Conclave.Node.Tests.Limits;

public class TokenBucketTests
{
    private readonly ManualClock _time = new();

    [Fact]
    public void So_many_pass_in_a_second_and_the_next_is_told_when_to_come()
    {
        var bucket = new TokenBucket(10, _time);
        for (int i = 0; i < 10; i++) Assert.True(bucket.TryTake(1, out _));

        Assert.False(bucket.TryTake(1, out TimeSpan retryAfter));
        Assert.Equal(TimeSpan.FromMilliseconds(100), retryAfter);
        _time.Advance(retryAfter);
        Assert.True(bucket.TryTake(1, out _));
        Assert.False(bucket.TryTake(1, out _));
    }

    [Fact]
    public void No_more_than_one_second_is_saved_up()
    {
        var bucket = new TokenBucket(3, _time);
        Assert.True(bucket.IsFull);
        _time.Advance(TimeSpan.FromHours(1));

        int passed = 0;
        while (bucket.TryTake(1, out _)) passed++;

        Assert.Equal(3, passed);
        Assert.False(bucket.IsFull);
    }

    [Fact]
    public void A_debt_is_paid_off_before_anything_else_passes()
    {
        var bucket = new TokenBucket(1000, _time);
        bucket.Take(6000);

        Assert.False(bucket.TryTake(0, out TimeSpan retryAfter));
        Assert.Equal(5.001, retryAfter.TotalSeconds, 3);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.False(bucket.TryTake(0, out _));
        _time.Advance(TimeSpan.FromMilliseconds(2));
        Assert.True(bucket.TryTake(0, out _));
    }
}
