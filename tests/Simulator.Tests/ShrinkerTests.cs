namespace Conclave.Simulator.Tests;

public class ShrinkerTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(Mutation.ReadWithoutQuorum, 6)]
    [InlineData(Mutation.AckBeyondMessage, 4)]
    [InlineData(Mutation.LongerLogWins, 4)]
    public void A_failing_run_becomes_small_and_fails_in_the_same_way(Mutation mutation, int blowsMax)
    {
        ulong seed = new MutationHunt(300).Hunt(mutation).Seed!.Value; // MutationTests demands one
        Scenario failing = Scenario.FromSeed(seed, mutation: mutation);
        string invariant = Simulation.FromScenario(failing).Run().Invariant!; // it fails

        Scenario small = new Shrinker().Shrink(failing)!;
        string text = ScenarioText.Print(small);
        output.WriteLine(text);
        Assert.True(small.Strikes!.Count <= blowsMax, text); // written down by the shrinker
        Assert.Equal(invariant, small.Expect);
        Assert.Equal(invariant, Simulation.FromScenario(ScenarioText.Read(text)).Run().Invariant);
        Assert.True(small.RunUs < long.MaxValue, text);

        Assert.Equal(text, ScenarioText.Print(new Shrinker().Shrink(small)!)); // nothing is left to take away
    }

    [Fact]
    public void A_run_that_does_not_fail_is_not_shrunk() => Assert.Null(new Shrinker().Shrink(Scenario.FromSeed(1)));

    [Fact]
    public void A_bounded_effort_still_gives_a_run_that_fails()
    {
        Scenario failing = Scenario.FromSeed(1, mutation: Mutation.AckBeforeSync);
        var shrinker = new Shrinker(runsMax: 5);
        Scenario small = shrinker.Shrink(failing)!; // it fails
        Assert.True(shrinker.Runs <= 5);
        Assert.Equal("I8", Simulation.FromScenario(small).Run().Invariant);
    }
}
