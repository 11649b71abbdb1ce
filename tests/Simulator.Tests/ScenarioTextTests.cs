namespace Conclave.Simulator.Tests;

public class ScenarioTextTests
{
    private const string Example = """
        # Two nodes out of three lose what they had.
        seed 42
        nodes 3
        real-disk on
        clients 1
        run 8.2s
        mutation SkipVotePersist
        expect I2
        at 1.203s partition 1 | 2 3 for 400ms
        at 1.5s partition leader | others for 1s noticed
        at 2s power-cut 2 for 120.5ms
        at 2s cut 1-2 2-3 for 50us
        at 2.000001s crash-writing 3 steps 4 for 5ms
        at 3s slow-disk 1 times 80 for 1s
        """;

    [Fact]
    public void What_is_printed_reads_back_the_same()
    {
        Scenario scenario = ScenarioText.Read(Example);
        Assert.Equal((42UL, 3, 1, 8_200_000L), (scenario.Seed, scenario.Plan.Nodes, scenario.Plan.Clients, scenario.RunUs));
        Assert.Equal((Mutation.SkipVotePersist, "I2", true), (scenario.Mutation, scenario.Expect, scenario.Plan.RealDisk));
        Assert.Equal(new Strike(1_203_000, StrikeKind.Partition) { Nodes = [1], Others = [2, 3], ForUs = 400_000 }, scenario.Strikes![0]); // it has some
        Assert.Equal(new Strike(2_000_001, StrikeKind.CrashWriting) { Nodes = [3], Amount = 4, ForUs = 5_000 }, scenario.Strikes[4]);
        string printed = ScenarioText.Print(scenario);
        Assert.Equal(printed, ScenarioText.Print(ScenarioText.Read(printed)));
        Assert.Equal(scenario.Strikes, ScenarioText.Read(printed).Strikes);
    }

    [Fact]
    public void A_plan_that_a_seed_drew_reads_back_the_same()
    {
        for (ulong seed = 1; seed <= 200; seed++)
        {
            string printed = ScenarioText.Print(Scenario.FromSeed(seed));
            Assert.Equal(printed, ScenarioText.Print(ScenarioText.Read(printed)));
        }
    }

    /// <summary>So a run can be taken apart without becoming another one.</summary>
    [Theory, InlineData(1), InlineData(2), InlineData(4), InlineData(6), InlineData(8), InlineData(13)]
    public void A_run_with_its_blows_written_down_is_the_same_run(ulong seed)
    {
        Scenario drawn = Scenario.FromSeed(seed, steps: 5_000);
        Simulation first = Simulation.FromScenario(drawn);
        ulong trace = first.Run().TraceHash;
        Scenario written = ScenarioText.Read(ScenarioText.Print(drawn with { Strikes = first.Strikes }));
        Assert.Equal(trace, Simulation.FromScenario(written).Run().TraceHash);
    }

    [Theory]
    [InlineData("nodes 3", "run 8.2s")]
    [InlineData("run 1s\nat 1s explode 2", "power-cut")]
    [InlineData("run 1s\nat 1x kill 2", "400ms")]
    [InlineData("run 1s\nat 1s kill 99", "99")]
    [InlineData("run 1s\nnodse 4", "nodes")]
    [InlineData("run 1s\nreal-disk yes", "off")]
    [InlineData("run 1s\nnodes 400", "1 to 9")]
    [InlineData("run 1s\nat 1s cut 1-2 3", "pairs")]
    [InlineData("run 1s\nmutation Nonsense", "Nonsense")]
    [InlineData("run 1s\nat 1s loss permille", "missing")]
    public void What_cannot_be_read_says_what_to_write_instead(string text, string hint) =>
        Assert.Contains(hint, Assert.Throws<FormatException>(() => ScenarioText.Read(text)).Message);
}
