using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Kill;

namespace Conclave.Compatibility.Tests;

/// <summary>Real processes, real kill -9. The whole run takes about 40 s; times are reported, never judged.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Nothing_acknowledged_is_lost_and_nothing_goes_back_when_leaders_and_whole_clusters_are_killed()
    {
        var options = new KillOptions { Kind = Clusters.SubjectKind, LeaderKills = 20, AllKills = 5, LeaderPauses = 3 };
        KillReport report = await KillRun.RunAsync(options, output.WriteLine, TestContext.Current.CancellationToken);
        output.WriteLine(report.ToString());
        Assert.True(report.Violations.Count == 0, report.ToString());
        // A run that did nothing would lose nothing.
        Assert.True(report.Acknowledged > 5_000 && report.HistoryOperations > 1_000 && report.Repeats > 0, report.ToString());
    }
}
