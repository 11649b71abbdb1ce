namespace Conclave.Raft.Tests;

public class CampaignDelayTests
{
    [Fact]
    public void A_node_with_a_delay_lets_the_others_go_first()
    {
        for (ulong seed = 0; seed < 20; seed++)
        {
            var cluster = new TestCluster(3, o => o with { Seed = o.Seed + 100 * seed, CampaignDelayTicks = o.Self.Value == 3 ? 0 : 200 });
            cluster.RunTicksUntil(() => cluster.Leader is not null, 500);
            Assert.Equal(new NodeId(3), cluster.Leader?.Id);
        }
    }

    [Fact]
    public void It_leads_when_nobody_else_can()
    {
        var cluster = new TestCluster(3, o => o with { CampaignDelayTicks = o.Self.Value == 1 ? 300 : 0 });
        cluster.Elect(3);
        cluster.RunTicks(10);
        cluster[3].Propose(1);
        cluster.Cut(3, 2); // 2 lacks the entry
        cluster.Run();
        cluster.Kill(3);
        Assert.True(cluster.RunTicksUntil(() => cluster[1].Core.Role == RaftRole.Leader, 2000));
    }

    [Fact]
    public void The_delay_holds_for_the_campaign_after_a_closed_link_too()
    {
        var node = new TestNode(TestNode.OptionsFor(1, o => o with { CampaignDelayTicks = 50 }), Messages.ThreeVoters);
        node.Receive(Messages.Heartbeat(from: 2, term: 1));
        node.Step(RaftInput.LinkDown(new NodeId(2)));
        node.Tick(50);
        Assert.Equal(RaftRole.Follower, node.Core.Role);
        node.Tick(5);
        Assert.Equal(RaftRole.PreCandidate, node.Core.Role);
    }

    [Fact]
    public void A_node_that_is_alone_does_not_wait()
    {
        var cluster = new TestCluster(1, o => o with { CampaignDelayTicks = 1000 });
        cluster.RunTicks(2);
        Assert.Equal(RaftRole.Leader, cluster[1].Core.Role);
    }
}
