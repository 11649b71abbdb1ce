using static Conclave.Raft.Tests.Messages;

namespace Conclave.Raft.Tests.Scenarios;

/// <summary>Mistakes that other engines made in elections, each as the schedule that showed it. The numbers are those in src/Raft/README.md.</summary>
public class ElectionBugs
{
    [Fact]
    public void Bug_17_A_node_with_a_higher_term_and_a_shorter_log_blocks_nobody()
    {
        // Node 1 died. Node 3 has been through an election in term 10 and has less than node 2.
        TestNode two = NodeWith("1 1 1", term: 5);
        while (two.Core.Role != RaftRole.PreCandidate) two.Tick();
        VoteRequest asked = two.TakeSent<VoteRequest>()[0];
        two.Receive(Ballot(asked, granted: false, term: 10));
        Assert.Equal(new Term(10), two.Core.Term);

        for (int i = 0; i < 10 && two.Core.Role != RaftRole.PreCandidate; i++) two.Tick();
        Assert.Equal(RaftRole.PreCandidate, two.Core.Role); // soon, and not after another timeout
        two.SyncAll();
        Assert.All(two.TakeSent<VoteRequest>(), r => Assert.Equal(new Term(10), r.Term));
    }

    [Fact]
    public void Bug_17_The_cluster_around_such_a_node_elects_a_leader()
    {
        TestCluster cluster = TestCluster.WithLogs("1 1 1", "1 1 1", "1");
        cluster.Kill(1);
        cluster[3].Receive(Vote(from: 1, term: 40, Id(9, 9)) with { To = new(3) });
        cluster[3].SyncAll();
        cluster[3].Sent.Clear();
        Assert.Equal(new Term(40), cluster[3].Core.Term);
        Assert.True(cluster.RunTicksUntil(() => cluster.Leader?.Id == new NodeId(2), 1000));
    }

    [Fact]
    public void Bug_18_Late_pre_votes_do_not_start_a_second_election_or_depose_the_winner()
    {
        TestNode node = NodeWith("");
        while (node.Core.Role != RaftRole.PreCandidate) node.Tick();
        VoteRequest[] preVotes = node.TakeSent<VoteRequest>();
        node.Receive(Ballot(preVotes[0], granted: true));
        node.Receive(Ballot(preVotes[1], granted: true));
        Assert.Equal((RaftRole.Candidate, new Term(1)), (node.Core.Role, node.Core.Term));
        node.Sync();
        node.Receive(Ballot(node.TakeSent<VoteRequest>()[0], granted: true));
        node.Receive(Ballot(preVotes[1], granted: true));
        Assert.Equal((RaftRole.Leader, new Term(1)), (node.Core.Role, node.Core.Term));
    }

    [Fact]
    public void Bug_18_Pre_votes_of_an_earlier_campaign_do_not_count_in_a_later_one()
    {
        TestNode node = NodeWith("");
        while (node.Core.Role != RaftRole.PreCandidate) node.Tick();
        VoteRequest old = node.TakeSent<VoteRequest>()[0];
        node.Tick(200);
        Assert.Equal(RaftRole.PreCandidate, node.Core.Role);
        node.Receive(Ballot(old, granted: true));
        Assert.Equal(RaftRole.PreCandidate, node.Core.Role);
    }

    [Fact]
    public void Bug_19_A_candidate_that_steps_down_within_its_term_keeps_its_vote()
    {
        TestNode node = NodeWith("1");
        while (node.Core.Role != RaftRole.PreCandidate) node.Tick();
        node.Receive(Ballot(node.TakeSent<VoteRequest>()[0], granted: true));
        node.SyncAll();
        node.TakeSent<VoteRequest>();
        Assert.Equal(new Term(2), node.Core.Term);

        node.Receive(Append(from: 2, term: 2, Id(7, 1), "2")); // the winner's, and it does not even fit
        node.Tick(150);
        node.Sent.Clear();
        node.Receive(Vote(from: 3, term: 2, Id(9, 1)));
        node.SyncAll();
        Assert.False(Assert.Single(node.TakeSent<VoteReply>()).Granted);
        Assert.Equal(new HardState(new(2), new(1)), node.DiskHardState);
    }

    [Fact]
    public void Bug_26_A_voter_counts_once_and_only_in_its_own_term()
    {
        var node = new TestNode(TestNode.OptionsFor(1), Membership.Of(new(1), new(2), new(3), new(4), new(5)));
        while (node.Core.Role != RaftRole.PreCandidate) node.Tick();
        VoteRequest[] preVotes = node.TakeSent<VoteRequest>();
        node.Receive(Ballot(preVotes[0], granted: true));
        node.Receive(Ballot(preVotes[0], granted: true));
        Assert.Equal(RaftRole.PreCandidate, node.Core.Role);
        node.Receive(Ballot(preVotes[1], granted: true));
        node.Sync();
        VoteRequest[] votes = node.TakeSent<VoteRequest>();
        node.Receive(Ballot(votes[0], granted: true));
        node.Receive(Ballot(votes[0], granted: true));
        node.Receive(Ballot(votes[1], granted: true) with { Term = new(0) });
        node.Receive(Ballot(preVotes[2], granted: true));
        Assert.Equal(RaftRole.Candidate, node.Core.Role);
        node.Receive(Ballot(votes[0], granted: false));
        node.Receive(Ballot(votes[3], granted: true));
        Assert.Equal(RaftRole.Leader, node.Core.Role);
    }

    [Fact]
    public void Bug_30_A_refusal_with_a_higher_term_raises_the_term_and_nothing_else()
    {
        TestNode node = NodeWith("1", term: 3);
        while (node.Core.Role != RaftRole.PreCandidate) node.Tick();
        node.Receive(Ballot(node.TakeSent<VoteRequest>()[0], granted: false, term: 8));
        Assert.Equal((new Term(8), NodeId.None), (node.Core.Term, node.Core.VotedFor));
        node.SyncAll();
        Assert.Equal(new HardState(new(8), NodeId.None), node.DiskHardState);
    }

    [Fact]
    public void Bug_31_A_longer_log_of_an_older_term_loses()
    {
        TestNode node = NodeWith("1 1 3");
        node.Receive(Vote(from: 2, term: 5, Id(900, 2)));
        node.SyncAll();
        Assert.False(Assert.Single(node.TakeSent<VoteReply>()).Granted);
    }

    [Fact]
    public void Bug_39_A_leader_whose_disk_hangs_gives_up()
    {
        var cluster = new TestCluster(3);
        TestNode leader = cluster.Elect(1);
        cluster.RunTicks(10);
        leader.Propose(1); // never synced from here on
        for (int i = 0; i < 320; i++)
        {
            foreach (TestNode node in cluster.Nodes) node.Tick();
            cluster[2].SyncAll();
            cluster[3].SyncAll();
            cluster.Run(sync: false);
        }
        Assert.NotEqual(RaftRole.Leader, leader.Core.Role);
        for (int i = 0; i < 400 && cluster.Leader is null; i++)
        {
            foreach (TestNode node in cluster.Nodes) node.Tick();
            for (int j = 0; j < 5; j++)
            {
                cluster[2].SyncAll();
                cluster[3].SyncAll();
                cluster.Run(sync: false);
            }
        }
        Assert.NotNull(cluster.Leader);
        Assert.NotEqual(leader, cluster.Leader);
    }

    [Fact]
    public void Bug_46_Nodes_linked_only_through_one_another_settle_on_a_leader_and_keep_it()
    {
        var cluster = new TestCluster(5); // 1-2-3-4-5 in a ring: everybody sees two others
        for (ulong a = 1; a <= 5; a++)
            for (ulong b = 1; b <= 5; b++)
                if (a != b && (a + 1) % 5 != b % 5 && (b + 1) % 5 != a % 5) cluster.Cut(a, b);
        cluster.RunTicks(2000);
        TestNode? leader = cluster.Leader;
        Assert.NotNull(leader);
        Term term = leader.Core.Term;
        cluster.RunTicks(5000);
        Assert.Equal((leader, term), (cluster.Leader, cluster.Leader!.Core.Term));
    }

    [Fact]
    public void Bug_46_A_leader_that_one_node_cannot_reach_is_not_deposed_by_it()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.Cut(1, 3);
        cluster.Cut(3, 1);
        cluster.RunTicks(3000);
        Assert.Equal((new NodeId(1), new Term(1)), (cluster.Leader!.Id, cluster[2].Core.Term));
    }
}
