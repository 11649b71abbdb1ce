using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Locks;

namespace Conclave.Compatibility.Tests;

/// <summary>Real members, clients in processes of their own, and kill -9 and SIGSTOP for both. The run takes about 40 s; times are reported, never judged.</summary>
public sealed class LocksTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Locks_and_elections_have_one_holder_at_a_time_while_members_and_clients_are_killed_and_stopped()
    {
        LocksReport report = await LocksRun.RunAsync(new LocksOptions { Kind = Clusters.SubjectKind, Seconds = 20 }, output.WriteLine, TestContext.Current.CancellationToken);
        output.WriteLine(report.ToString());
        Assert.True(report.Violations.Count == 0, report.ToString());
        // A run in which nobody held would have no two holders.
        Assert.True(report.SurelyHeld >= 20 && report.WritesRefused > 0 && report.LeadersSeen > 0, report.ToString());
    }
}
