using Conclave.FleetDemo;

namespace Conclave.Agent.Tests.Running;

/// <summary>The demo of a whole fleet, with few hosts: every act of it fails by itself when a host does not show what it should.</summary>
public sealed class FleetDemoTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_fleet_follows_a_change_through_a_killed_leader_and_is_kept_from_two_bad_ones()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("conclave-fleet-");
        var options = new DemoOptions(Agents: 4, directory.FullName, Patience: TimeSpan.FromMinutes(3));

        FleetReport report = await new FleetRun(options, directory.FullName, output.WriteLine).RunAsync();

        output.WriteLine(report.ToString());
        directory.Delete(recursive: true);   // kept when something failed
    }
}
