using Conclave.Layers.Rollouts;

namespace Conclave.Layers.Tests.Rollouts;

public class StrategyTests
{
    private static readonly Dimensions Dimensions = Dimensions.Create([new("region"), new("role"), new("host")], "host");

    [Theory]
    [InlineData("all-at-once", "100%")]
    [InlineData("canary", "1 node 10m, 10% 10m, 100%")]
    [InlineData("linear", "20% 6m, 40% 6m, 60% 6m, 80% 6m, 100%")]
    [InlineData("linear-30-500ms", "30% 500ms, 60% 500ms, 90% 500ms, 100%")]
    [InlineData("linear-100-1h", "100%")]
    [InlineData("1 node 30s, 25% 1m, 100%", "1 node 30s, 25% 1m, 100%")]
    [InlineData(" 2 nodes ,role=web;region=eu 24h,100% 90s", "2 nodes, role=web;region=eu 24h, 100% 90s")]
    public void A_strategy_is_read_as_people_write_it(string text, string stages)
    {
        Assert.True(StrategyText.TryParse(text, out Strategy? strategy, out string problem), problem);
        Assert.Equal(stages, string.Join(", ", strategy.Stages.Select(s => StrategyText.TextOf(s, Dimensions))));
        Assert.Null(strategy.Problem());
    }

    [Theory]
    [InlineData("")]
    [InlineData("carnary")]
    [InlineData("linear-0-6m")]
    [InlineData("linear-20-6")]
    [InlineData("linear-1-6m")]   // a hundred stages
    [InlineData("10%")]   // not everybody
    [InlineData("1 node 30s")]
    [InlineData("0 nodes, 100%")]
    [InlineData("101%, 100%")]
    [InlineData("10% soon, 100%")]
    [InlineData("10% 25h, 100%")]
    [InlineData("10% 9999999999h, 100%")]
    [InlineData("*, 100%")]
    [InlineData("10%,, 100%")]
    [InlineData("10 1m, 100%")]
    public void What_is_no_strategy_is_refused_with_what_to_write(string text)
    {
        Assert.False(StrategyText.TryParse(text, out _, out string problem));
        Assert.NotEmpty(problem);
    }

    [Fact]
    public void What_a_strategy_must_not_be_is_said()
    {
        Strategy fine = new() { Stages = [Stage.Percent(100)] };
        Assert.Null(fine.Problem());
        Assert.NotNull((fine with { Stages = [] }).Problem());
        Assert.NotNull((fine with { FailuresPercent = 100 }).Problem());
        Assert.NotNull((fine with { SilenceMs = 0 }).Problem());
        Assert.NotNull((fine with { SilenceMs = Strategy.SilenceMsMax + 1 }).Problem());
        Assert.NotNull((fine with { Stages = [.. Enumerable.Repeat(Stage.Percent(100), Strategy.StagesMax + 1)] }).Problem());
        Assert.NotNull((fine with { Stages = [Stage.Of(Scope.Everything), Stage.Percent(100)] }).Problem());
    }
}
