namespace Conclave.Simulator.Tests;

public class DeterminismTests
{
    [Theory, InlineData(3), InlineData(11), InlineData(20), InlineData(42)]
    public void The_same_seed_gives_the_same_run(ulong seed)
    {
        Verdict first = Simulation.FromSeed(seed).Run(), second = Simulation.FromSeed(seed).Run();
        Assert.Equal(first, second);
        Assert.NotEqual(0UL, first.TraceHash);
    }

    [Fact]
    public void Watching_a_run_does_not_change_it() =>
        Assert.Equal(Simulation.FromSeed(5).Run().TraceHash, Simulation.FromSeed(5, log: TextWriter.Null).Run().TraceHash);

    [Fact]
    public void Another_seed_gives_another_run() =>
        Assert.NotEqual(Simulation.FromSeed(1).Run().TraceHash, Simulation.FromSeed(2).Run().TraceHash);

    [Fact]
    public void A_failure_names_its_seed_and_the_command_that_replays_it()
    {
        Verdict verdict = Simulation.FromSeed(1, steps: 5_000, Mutation.AckBeforeSync).Run();
        Assert.Contains("dotnet run -c Release --project chaos/Simulator -- --seed 1 --steps 5000 --mutation AckBeforeSync --trace", verdict.Failure);
        Assert.Equal(verdict, Simulation.FromSeed(1, steps: 5_000, Mutation.AckBeforeSync).Run());
    }
}
