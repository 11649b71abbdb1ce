using Conclave.Node.Consensus;
using Conclave.Raft;

namespace Conclave.Node.Tests.Consensus;

public class RecoveryWatchTests
{
    private static readonly EntryId Lost = new(new LogIndex(9), new Term(2));
    private static readonly NodeId Leader = new(2);

    [Fact]
    public void A_wait_without_a_leader_is_said_after_a_while_and_again_now_and_then()
    {
        var watch = new RecoveryWatch();
        Assert.False(watch.IsDue(TimeSpan.Zero, Lost, NodeId.None));
        Assert.False(watch.IsDue(RecoveryWatch.Patience / 2, Lost, NodeId.None));
        Assert.True(watch.IsDue(RecoveryWatch.Patience, Lost, NodeId.None));
        Assert.False(watch.IsDue(RecoveryWatch.Patience + RecoveryWatch.Interval / 2, Lost, NodeId.None));
        Assert.True(watch.IsDue(RecoveryWatch.Patience + RecoveryWatch.Interval, Lost, NodeId.None));
    }

    [Fact]
    public void A_leader_or_a_whole_log_ends_it_and_the_patience_begins_anew()
    {
        var watch = new RecoveryWatch();
        Assert.False(watch.IsDue(TimeSpan.Zero, Lost, NodeId.None));
        Assert.False(watch.IsDue(RecoveryWatch.Patience, Lost, Leader));
        Assert.False(watch.IsDue(2 * RecoveryWatch.Patience, Lost, NodeId.None));
        Assert.False(watch.IsDue(3 * RecoveryWatch.Patience, EntryId.Zero, NodeId.None));
    }
}
