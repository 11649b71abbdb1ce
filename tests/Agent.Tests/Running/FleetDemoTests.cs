using Conclave.FleetDemo;

namespace Conclave.Agent.Tests.Running;

/// <summary>The demo of a whole fleet, with few hosts: every act of it fails by itself when a host does not show what it should.</summary>
public sealed class FleetDemoTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_fleet_follows_a_change_through_a_killed_leader_and_is_kept_from_two_bad_ones()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("conclave-fleet-");
        var options = new DemoOptions(Agents: 4, directory.FullName, Patience: TimeSpan.FromMinutes(3), DemoOptions.NovaAbove());

        FleetReport report = await new FleetRun(options, directory.FullName, output.WriteLine).RunAsync();

        output.WriteLine(report.ToString());
        directory.Delete(recursive: true);   // kept when something failed
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_file_that_is_missing_for_a_moment_is_noticed_and_one_that_is_replaced_is_not(bool isDeleted)
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("conclave-guard-");
        string host = directory.CreateSubdirectory("c001").FullName, file = Path.Combine(host, "nova.conf");
        await File.WriteAllTextAsync(file, "1", TestContext.Current.CancellationToken);
        using var guard = new FileGuard(directory.FullName, "nova.conf");
        await File.WriteAllTextAsync(file + ".new", "2", TestContext.Current.CancellationToken);
        if (isDeleted) File.Delete(file);
        File.Move(file + ".new", file, overwrite: true);
        if (isDeleted) await Machine.EventuallyAsync("it is noticed", async () => await Record.ExceptionAsync(guard.EndAsync) is DemoFailedException);
        else await guard.EndAsync();
        guard.Dispose();
        directory.Delete(recursive: true);
    }
}
