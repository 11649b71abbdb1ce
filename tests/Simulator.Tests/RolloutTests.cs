namespace Conclave.Simulator.Tests;

/// <summary>Releases in stages, over leaders that come and go. The deliberate bugs of <see cref="MutationTests"/> show that something would be noticed.</summary>
public class RolloutTests(ITestOutputHelper output)
{
    private const int Seeds = 24;

    [Fact]
    public void Rollouts_begin_go_on_end_and_are_taken_back_and_every_rule_holds()
    {
        var total = new Statistics();
        for (ulong seed = 3_001; seed < 3_001 + Seeds; seed++)
        {
            // A plan as for one of the bugs, which has rollouts in every run; without it.
            Scenario scenario = Scenario.FromSeed(seed, mutation: Mutation.WaitForNobody) with { Mutation = Mutation.None };
            Verdict verdict = Simulation.FromScenario(scenario, $"(seed {seed} as for {nameof(Mutation.WaitForNobody)}, without it)").Run();
            Assert.True(verdict.Passed, verdict.Failure);
            total.Add(verdict.Statistics);
        }
        output.WriteLine(total.ToString());
        Assert.All([total.RolloutsBegun, total.RolloutsDone, total.RolloutsTakenBack, total.Elections], count => Assert.True(count >= 20));
        Assert.True(total.RolloutMoves >= 100 && total.ConfigServed >= 1_000);
    }
}
