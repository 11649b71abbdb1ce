using Conclave.Node.Options;

namespace Conclave.Node.Tests;

public class AutoCompactorTests
{
    [Fact]
    public void Without_a_rule_nothing_is_compacted() =>
        Assert.Equal(0, new AutoCompactor(AutoCompaction.Off).Observe(TimeSpan.FromDays(9), 1_000));

    [Fact]
    public void Periodic_compaction_keeps_one_retention_of_history()
    {
        var compactor = new AutoCompactor(new AutoCompaction(AutoCompactionMode.Periodic, TimeSpan.FromHours(1), 0));
        var compacted = new List<(int Minute, long Revision)>();
        for (int minute = 0; minute < 300; minute++)
        {
            long revision = compactor.Observe(TimeSpan.FromMinutes(minute), 1_000 + minute);
            if (revision > 0) compacted.Add((minute, revision));
        }

        Assert.True(compacted.Count >= 3);
        Assert.All(compacted, c => Assert.InRange(c.Revision - 1_000, c.Minute - 120, c.Minute - 60));
    }

    [Fact]
    public void Revision_compaction_keeps_the_last_revisions()
    {
        var compactor = new AutoCompactor(new AutoCompaction(AutoCompactionMode.Revision, TimeSpan.Zero, 100));

        Assert.Equal(900, compactor.Observe(TimeSpan.Zero, 1_000));
        Assert.Equal(0, compactor.Observe(TimeSpan.FromMinutes(1), 2_000));
        Assert.Equal(1_900, compactor.Observe(TimeSpan.FromMinutes(6), 2_000));
    }
}
