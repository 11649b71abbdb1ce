namespace Conclave.Raft.Tests;

public class TestClusterTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(5), InlineData(7)]
    public void A_cluster_elects_a_leader_and_commits_everywhere(int size)
    {
        var cluster = new TestCluster(size);
        Assert.True(cluster.RunTicksUntil(() => cluster.Leader is not null, 500));

        cluster.Leader!.Propose(1, 2, 3);
        cluster.Run();

        foreach (TestNode node in cluster.Nodes)
        {
            Assert.Equal(new LogIndex(4), node.Core.Commit);
            Assert.Equal([0, 1, 2, 3], node.Committed.Select(e => e.Payload.Length == 0 ? 0 : e.Payload.Span[0]));
        }
    }
}
