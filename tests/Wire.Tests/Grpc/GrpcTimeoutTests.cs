using Conclave.Support;
using Conclave.Wire.Grpc;
using FsCheck.Fluent;

namespace Conclave.Wire.Tests.Grpc;

public class GrpcTimeoutTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("5S", 5_000)]
    [InlineData("100m", 100)]
    [InlineData("2M", 120_000)]
    [InlineData("1H", 3_600_000)]
    [InlineData("4999999u", 4_999.999)]
    [InlineData("0n", 0)]
    public void Each_unit_is_read(string text, double milliseconds)
    {
        Assert.True(GrpcTimeout.TryParse(text, out TimeSpan timeout));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), timeout);
    }

    [Theory]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("5")]
    [InlineData("5s")]
    [InlineData("-5S")]
    [InlineData("+5S")]
    [InlineData(" 5S")]
    [InlineData("123456789S")]
    [InlineData("1.5S")]
    public void Anything_else_is_refused(string text) => Assert.False(GrpcTimeout.TryParse(text, out _));

    [Fact]
    public void A_positive_timeout_never_becomes_zero()
    {
        Assert.True(GrpcTimeout.TryParse("1n", out TimeSpan timeout));
        Assert.True(timeout > TimeSpan.Zero);
    }

    [Fact]
    public void The_longest_timeout_does_not_overflow()
    {
        Assert.True(GrpcTimeout.TryParse("99999999H", out TimeSpan timeout));
        Assert.Equal(99_999_999L * TimeSpan.TicksPerHour, timeout.Ticks);
    }

    [Fact]
    public void What_is_formatted_is_read_back_never_shorter_and_less_than_one_in_a_million_longer() => Properties.Holds(
        Prop.ForAll((long anyTicks) =>
        {
            long ticks = anyTicks == long.MinValue ? 0 : Math.Abs(anyTicks);
            string text = GrpcTimeout.Format(new TimeSpan(ticks));
            return GrpcTimeout.TryParse(text, out TimeSpan back) && back.Ticks >= ticks && back.Ticks - ticks <= ticks / 1_000_000;
        }), output, tests: 1_000);

    [Theory]
    [InlineData(-1, "0n")]
    [InlineData(1, "100n")]
    [InlineData(50_000_000, "5000000u")]
    public void Values_are_written_in_the_finest_unit_that_fits(long ticks, string expected) =>
        Assert.Equal(expected, GrpcTimeout.Format(new TimeSpan(ticks)));
}
