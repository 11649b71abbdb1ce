namespace Conclave.Simulator.Tests;

/// <summary>Every file in chaos/Simulator/Scenarios is a regression: what a bug once needed, or what a deliberate bug needs to be noticed.</summary>
public class ScenarioFileTests(ITestOutputHelper output)
{
    public static TheoryData<string> Files => [.. Directory.GetFiles(ScenarioFiles.Directory, "*.scenario").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Files))]
    public void A_scenario_ends_as_it_says(string file)
    {
        Scenario scenario = ScenarioText.Read(File.ReadAllText(Path.Combine(ScenarioFiles.Directory, file)));
        Verdict verdict = Simulation.FromScenario(scenario, file).Run();
        output.WriteLine(verdict.Failure ?? "passed");
        Assert.True(verdict.Invariant == scenario.Expect, $"{file}: expected {scenario.Expect ?? "a pass"}, got {verdict.Failure ?? "a pass"}. If the timing of runs changed on purpose: {ScenarioFiles.RenewCommand}");
    }

    [Fact]
    public void A_scenario_expects_a_failure_exactly_if_there_is_a_deliberate_bug() =>
        Assert.All(Directory.GetFiles(ScenarioFiles.Directory, "*.scenario"), file =>
        {
            Scenario scenario = ScenarioText.Read(File.ReadAllText(file));
            Assert.True(scenario.Mutation == Mutation.None == scenario.Expect is null, file);
        });

    /// <summary>The same on every machine, in Debug and in Release: whole numbers only, and nothing that depends on a culture or on the order of a table.</summary>
    [Fact]
    public void The_traces_of_a_few_seeds_are_what_they_were()
    {
        string expected = File.ReadAllText(ScenarioFiles.TracesPath).ReplaceLineEndings("\n");
        string now = ScenarioFiles.Traces();
        Assert.True(expected == now, $"The traces changed. If runs were meant to change: {ScenarioFiles.RenewCommand}\nexpected\n{expected}now\n{now}");
    }
}
