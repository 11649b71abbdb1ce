using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Servers;
using Conclave.Processes.Watches;

namespace Conclave.Compatibility.Tests;

/// <summary>Real members, kill -9, SIGSTOP, compaction and snapshots. The run takes about 40 s; times are reported, never judged.</summary>
public sealed class WatchesTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Watchers_get_everything_once_and_in_order_while_members_are_killed_stopped_and_left_behind_and_history_is_compacted()
    {
        WatchesReport report = await WatchesRun.RunAsync(new WatchesOptions { Kind = Clusters.SubjectKind, Seconds = 1, Watchers = 2 }, output.WriteLine, TestContext.Current.CancellationToken);
        output.WriteLine(report.ToString());
        Assert.True(report.Violations.Count == 0, report.ToString());
        // A run without these would show nothing of them.
        Assert.True(report.Delivered > 5_000 && report.Fragments > 0 && report.ProgressMessages > 0 && report.Compactions > 0 && report.WentBack > 0, report.ToString());
        Assert.True(Clusters.SubjectKind != ServerKind.Conclave || report.SnapshotsTaken > 0, report.ToString());
    }
}
