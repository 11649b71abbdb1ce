using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Membership;

namespace Conclave.Compatibility.Tests;

/// <summary>Real processes that come and go. The run takes about 30 s; times are reported, never judged.</summary>
public sealed class ReplaceTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Nothing_acknowledged_is_lost_and_nothing_goes_back_when_all_three_members_are_replaced_under_load()
    {
        ReplaceReport report = await ReplaceRun.RunAsync(new ReplaceOptions { Kind = Clusters.SubjectKind }, output.WriteLine, TestContext.Current.CancellationToken);
        output.WriteLine(report.ToString());
        Assert.True(report.Violations.Count == 0, report.ToString());
        Assert.Equal(3, report.Replacements.Count);
        Assert.Contains(report.Replacements, one => one.Led);   // a round meets the leader, wherever it has gone by then
        // A run that did nothing would lose nothing.
        Assert.True(report.Clients.Acknowledged > 3_000 && report.Clients.HistoryOperations > 1_000, report.ToString());
    }
}
