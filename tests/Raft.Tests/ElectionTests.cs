using static Conclave.Raft.Tests.Messages;

namespace Conclave.Raft.Tests;

public class ElectionTests
{
    [Fact]
    public void A_silent_leader_is_noticed_between_one_and_two_election_timeouts()
    {
        var waits = new HashSet<int>();
        for (ulong seed = 0; seed < 200; seed++)
        {
            TestNode node = NodeWith("", change: o => o with { Seed = seed });
            int ticks = 0;
            for (; node.Core.Role == RaftRole.Follower; ticks++) node.Tick();
            Assert.InRange(ticks, 100, 199);
            waits.Add(ticks);
        }
        Assert.True(waits.Count > 60, "The wait is spread over the whole range.");
    }

    [Fact]
    public void A_pre_vote_changes_neither_term_nor_vote_of_anybody()
    {
        TestNode asker = NodeWith("1 1", term: 4), asked = NodeWith("1 1", term: 4, votedFor: 3);
        while (asker.Core.Role != RaftRole.PreCandidate) asker.Tick();
        Assert.Equal(new Term(4), asker.Core.Term);
        Assert.Empty(asker.Unsynced);

        asked.Receive(Vote(from: 2, term: 9, Id(2, 1), preVote: true));
        Assert.Equal((new Term(4), new NodeId(3)), (asked.Core.Term, asked.Core.VotedFor));
        Assert.Empty(asked.Unsynced);
        Assert.True(Assert.Single(asked.TakeSent<VoteReply>()).Granted);
    }

    [Fact]
    public void Vote_requests_leave_only_after_the_own_vote_is_durable()
    {
        TestNode node = NodeWith("");
        while (node.Core.Role != RaftRole.PreCandidate) node.Tick();
        node.Receive(Ballot(node.TakeSent<VoteRequest>()[0], granted: true));
        Assert.Equal(RaftRole.Candidate, node.Core.Role);
        Assert.Empty(node.Sent);

        node.Sync();
        Assert.Equal(2, node.TakeSent<VoteRequest>().Count(r => !r.PreVote && r.Term == new Term(1)));
        Assert.Equal(new HardState(new Term(1), new NodeId(1)), node.DiskHardState);
    }

    [Fact]
    public void A_granted_vote_leaves_with_its_write_and_a_refusal_at_once()
    {
        TestNode node = NodeWith("1");
        node.Receive(Vote(from: 2, term: 1, Id(1, 1)));
        Assert.Empty(node.Sent);
        node.Sync();
        Assert.True(Assert.Single(node.TakeSent<VoteReply>()).Granted);

        node.Receive(Vote(from: 3, term: 1, Id(1, 1)));
        Assert.False(Assert.Single(node.TakeSent<VoteReply>()).Granted);
    }

    [Fact]
    public void A_repeated_request_of_the_chosen_candidate_is_granted_again_but_never_before_the_write()
    {
        TestNode node = NodeWith("1");
        node.Receive(Vote(from: 2, term: 1, Id(1, 1)));
        node.Receive(Vote(from: 2, term: 1, Id(1, 1)));
        Assert.Empty(node.Sent);
        node.Sync();
        Assert.Equal(2, node.TakeSent<VoteReply>().Count(r => r.Granted));
        node.Receive(Vote(from: 2, term: 1, Id(1, 1)));
        Assert.True(Assert.Single(node.TakeSent<VoteReply>()).Granted);
    }

    [Fact]
    public void A_vote_survives_a_restart()
    {
        TestNode node = NodeWith("1");
        node.Receive(Vote(from: 2, term: 5, Id(1, 1)));
        node.Sync();
        node = node.Restart();
        node.Receive(Vote(from: 3, term: 5, Id(9, 5)));
        node.SyncAll();
        Assert.False(Assert.Single(node.TakeSent<VoteReply>()).Granted);
    }

    [Theory]
    [InlineData(3, 2, false)] // same term, shorter
    [InlineData(4, 2, true)] // equal
    [InlineData(5, 2, true)] // same term, longer
    [InlineData(9, 1, false)] // longer, of an older term
    [InlineData(1, 3, true)] // shorter, of a newer term
    public void A_vote_goes_only_to_a_log_at_least_as_new(ulong index, ulong term, bool granted)
    {
        foreach (bool preVote in (bool[])[true, false])
        {
            TestNode node = NodeWith("1 1 2 2");
            node.Receive(Vote(from: 2, term: 7, Id(index, term), preVote));
            node.SyncAll();
            Assert.Equal(granted, Assert.Single(node.TakeSent<VoteReply>()).Granted);
        }
    }

    [Fact]
    public void While_a_leader_is_heard_no_election_is_taken_notice_of()
    {
        TestNode node = NodeWith("1");
        node.Receive(Heartbeat(from: 2, term: 1));
        node.Tick(99);
        node.TakeSent<HeartbeatReply>();
        node.Receive(Vote(from: 3, term: 8, Id(5, 1)));
        Assert.Equal(new Term(1), node.Core.Term);
        Assert.Empty(node.Sent);

        node.Receive(Vote(from: 3, term: 8, Id(5, 1), preVote: true));
        Assert.False(Assert.Single(node.TakeSent<VoteReply>()).Granted);
    }

    [Fact]
    public void An_election_that_the_leader_asked_for_is_not_refused_out_of_loyalty()
    {
        TestNode node = NodeWith("1");
        node.Receive(Heartbeat(from: 2, term: 1));
        node.Receive(Vote(from: 3, term: 2, Id(5, 1), transfer: true));
        node.SyncAll();
        Assert.True(Assert.Single(node.TakeSent<VoteReply>()).Granted);
    }

    [Fact]
    public void Loyalty_ends_with_the_election_timeout_or_with_the_link()
    {
        TestNode timedOut = NodeWith("1"), unlinked = NodeWith("1");
        timedOut.Receive(Heartbeat(from: 2, term: 1));
        timedOut.Tick(100);
        unlinked.Receive(Heartbeat(from: 2, term: 1));
        unlinked.Step(RaftInput.LinkDown(new NodeId(2)));
        foreach (TestNode node in (TestNode[])[timedOut, unlinked])
        {
            node.Receive(Vote(from: 3, term: 1, Id(5, 1), preVote: true));
            Assert.True(node.TakeSent<VoteReply>()[^1].Granted);
        }
    }

    [Fact]
    public void A_leader_without_a_majority_steps_down_within_two_election_timeouts()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.Isolate(1);
        cluster[1].Tick(200);
        Assert.Equal((RaftRole.Follower, NodeId.None), (cluster[1].Core.Role, cluster[1].Core.Leader));
        Assert.Equal(new NodeId(1), cluster[1].Core.VotedFor);
    }

    [Fact]
    public void A_leader_that_hears_a_majority_stays()
    {
        var cluster = new TestCluster(5);
        cluster.Elect(1);
        cluster.Kill(4);
        cluster.Kill(5);
        cluster.RunTicks(1000);
        Assert.Equal((RaftRole.Leader, new Term(1)), (cluster[1].Core.Role, cluster[1].Core.Term));
    }

    [Fact]
    public void A_node_that_comes_back_from_a_partition_disturbs_nobody()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.Isolate(3);
        cluster.RunTicks(1500);
        cluster.Heal();
        cluster.RunTicks(300);
        Assert.All(cluster.Nodes, n => Assert.Equal((new Term(1), new NodeId(1)), (n.Core.Term, n.Core.Leader)));
    }

    [Theory, InlineData(3), InlineData(5)]
    public void A_killed_leader_is_replaced_within_a_few_ticks_of_the_closed_links(int size)
    {
        int worst = 0;
        for (ulong seed = 0; seed < 100; seed++)
        {
            var cluster = new TestCluster(size, o => o with { Seed = o.Seed * 1000 + seed });
            cluster.Elect(1);
            cluster.RunTicks(20);
            cluster.Kill(1, linksNotice: true);
            int ticks = 0;
            for (; cluster.Leader is not { } leader || leader.Core.Commit < leader.Core.LastEntry.Index; ticks++) cluster.RunTicks(1);
            worst = Math.Max(worst, ticks);
        }
        Assert.InRange(worst, 1, 10);
    }

    [Fact]
    public void A_follower_that_notices_the_dead_leader_late_only_delays_the_election_until_it_does()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.RunTicks(20);
        cluster.Kill(1);
        cluster[2].Step(RaftInput.LinkDown(new NodeId(1)));
        cluster.RunTicks(20);
        Assert.Null(cluster.Leader); // node 3 still hears its leader, as far as it knows

        cluster[3].Step(RaftInput.LinkDown(new NodeId(1)));
        Assert.True(cluster.RunTicksUntil(() => cluster.Leader is not null, 30));
    }

    [Fact]
    public void A_closed_link_to_a_leader_that_lives_changes_nothing()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.RunTicks(20);
        cluster[2].Step(RaftInput.LinkDown(new NodeId(1)));
        cluster.RunTicks(50);
        Assert.All(cluster.Nodes, n => Assert.Equal((new Term(1), new NodeId(1)), (n.Core.Term, n.Core.Leader)));
    }

    [Fact]
    public void A_cluster_that_starts_elects_as_soon_as_a_majority_is_linked()
    {
        var cluster = new TestCluster(3);
        cluster[1].Step(RaftInput.LinkUp(new NodeId(2)));
        cluster[2].Step(RaftInput.LinkUp(new NodeId(1)));
        Assert.True(cluster.RunTicksUntil(() => cluster.Leader is not null, 10));
    }

    [Fact]
    public void A_single_node_elects_itself_at_once()
    {
        var cluster = new TestCluster(1);
        cluster.RunTicks(2);
        Assert.Equal((RaftRole.Leader, new LogIndex(1)), (cluster[1].Core.Role, cluster[1].Core.Commit));
    }

    [Fact]
    public void A_learner_never_campaigns()
    {
        var membership = new Membership { Voters = [new(2), new(3)], Learners = [new(1)] };
        var node = new TestNode(TestNode.OptionsFor(1), membership);
        node.Tick(1000);
        Assert.Equal(RaftRole.Follower, node.Core.Role);
        Assert.Empty(node.Sent);
    }

    [Fact]
    public void A_node_whose_disk_hangs_does_not_campaign()
    {
        TestNode node = NodeWith("");
        node.Receive(Append(from: 2, term: 1, EntryId.Zero, "1"));
        node.Tick(301);
        node.Sent.Clear();
        node.Tick(1000);
        Assert.Empty(node.Sent);
    }
}
