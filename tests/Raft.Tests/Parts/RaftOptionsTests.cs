namespace Conclave.Raft.Tests;

public class RaftOptionsTests
{
    [Fact]
    public void The_defaults_have_no_problems() => Assert.Empty(TestNode.OptionsFor(1).Problems());

    [Fact]
    public void All_problems_are_named_at_once()
    {
        var options = new RaftOptions
        {
            Self = NodeId.None,
            Seed = 1,
            HeartbeatTicks = 0,
            ElectionTimeoutTicks = -1,
            AppendBytesMax = 0,
            InflightBytesMax = 0,
            InflightCountMax = 0,
            ProposalBytesMax = 0,
            UncommittedBytesMax = -1,
            ReadsPendingMax = 0,
            ReadTimeoutTicks = -1,
            SnapshotTrailingEntries = -1,
            SnapshotTrailingBytesMax = -1,
            DiskStallTicks = -2,
        };
        Assert.Equal(13, options.Problems().Count());
        Assert.Throws<ArgumentException>(() => new TestNode(options, Membership.Of(new NodeId(1))));
    }
}
