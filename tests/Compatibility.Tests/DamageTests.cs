using Conclave.Compatibility.Tests.Support;
using Conclave.Processes.Damage;

namespace Conclave.Compatibility.Tests;

/// <summary>Real processes, real files. The run takes about a minute; times are reported, never judged.</summary>
public sealed class DamageTests(ITestOutputHelper output)
{
    private static readonly DamageKind[] Repaired = [DamageKind.LogBit, DamageKind.LogEndBit, DamageKind.SnapshotBit, DamageKind.SuperblockBit];
    private static readonly DamageKind[] Untrusted = [DamageKind.Wiped, DamageKind.OlderCopy, DamageKind.SecondProcess];

    [Fact]
    public async Task A_damaged_disk_is_repaired_from_the_others_and_one_that_may_have_forgotten_something_is_kept_out_and_replaced()
    {
        Assert.SkipUnless(Clusters.SubjectKind == Processes.Servers.ServerKind.Conclave, "It knows Conclave's files.");

        DamageReport report = await DamageRun.RunAsync(new DamageOptions { Kinds = [.. Repaired, .. Untrusted] }, output.WriteLine, TestContext.Current.CancellationToken);

        output.WriteLine(report.ToString());
        Assert.True(report.Violations.Count == 0, report.ToString());
        Assert.All(report.Damages.Where(one => Repaired.Contains(one.Kind)), one => Assert.True(one.Outcome == DamageOutcome.Recovered, one.ToString()));
        Assert.All(report.Damages.Where(one => Untrusted.Contains(one.Kind)), one => Assert.True(one.Outcome != DamageOutcome.Recovered, one.ToString()));
        // A run that did nothing would lose nothing.
        Assert.True(report.Clients.Acknowledged > 3_000 && report.Clients.HistoryOperations > 1_000, report.ToString());
    }
}
