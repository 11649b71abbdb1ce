using static Conclave.Raft.Tests.Messages;

namespace Conclave.Raft.Tests;

public class TransferTests
{
    [Fact]
    public void Leadership_goes_to_the_chosen_node_without_a_timeout_and_nothing_is_lost()
    {
        TestCluster cluster = Led(out TestNode leader);
        leader.Propose(1, 2, 3);
        cluster.Run();
        leader.Transfer(2);
        cluster.Run(); // not one tick
        Assert.Equal((RaftRole.Leader, RaftRole.Follower), (cluster[2].Core.Role, leader.Core.Role));
        Assert.Equal(cluster[2].Core.LastEntry.Index, cluster[2].Core.Commit);
        Assert.Equal(5, cluster[3].Committed.Count);
    }

    [Fact]
    public void Without_a_chosen_node_the_follower_that_has_most_gets_it()
    {
        TestCluster cluster = Led(out TestNode leader);
        cluster.Cut(1, 2);
        leader.Propose(1);
        cluster.Run();
        leader.Transfer();
        cluster.Run();
        Assert.Equal(RaftRole.Leader, cluster[3].Core.Role);
    }

    [Fact]
    public void The_target_is_brought_up_to_the_last_entry_before_it_is_told()
    {
        TestCluster cluster = Led(out TestNode leader);
        cluster.Cut(1, 2);
        leader.Propose(1, 2, 3);
        cluster.Run();
        leader.Transfer(2);
        Assert.DoesNotContain(leader.Sent, m => m is TimeoutNow);
        cluster.Heal();
        Assert.True(cluster.RunTicksUntil(() => cluster[2].Core.Role == RaftRole.Leader, 60));
        Assert.Equal(leader.Core.LastEntry, cluster[2].Core.LastEntry);
    }

    [Fact]
    public void Meanwhile_proposals_are_refused_and_reads_wait()
    {
        TestCluster cluster = Led(out TestNode leader);
        cluster.Cut(1, 2);
        leader.Transfer(2);
        leader.Sent.Clear();
        leader.Propose(9);
        Assert.Equal((ProposalOutcome.NotLeader, NodeId.None), (leader.Proposals[^1].Outcome, leader.Proposals[^1].Leader));
        Assert.Equal(MembershipOutcome.NotReady, leader.Change(MembershipChangeKind.AddLearner, 4));
        leader.Step(RaftInput.Read(1));
        cluster.RunTicks(30);
        Assert.Empty(leader.Reads);

        cluster.Heal();
        cluster.RunTicks(40);
        Assert.Equal(RaftRole.Leader, cluster[2].Core.Role);
        Assert.Equal((ReadOutcome.Ready, cluster[2].Core.Commit), (Assert.Single(leader.Reads).Outcome, leader.Reads[0].Index));
    }

    [Fact]
    public void A_read_that_was_asked_before_is_still_answered()
    {
        TestCluster cluster = Led(out TestNode leader);
        cluster.Cut(1, 2);
        leader.Step(RaftInput.Read(1));
        leader.Transfer(2);
        cluster.Run();
        Assert.Equal(ReadOutcome.Ready, Assert.Single(leader.Reads).Outcome);
        Assert.Equal(RaftRole.Leader, leader.Core.Role);
    }

    [Fact]
    public void A_transfer_that_gets_nowhere_is_given_up_after_an_election_timeout()
    {
        TestCluster cluster = Led(out TestNode leader);
        cluster.Kill(2);
        leader.Transfer(2);
        leader.Step(RaftInput.Read(1));
        cluster.RunTicks(90);
        leader.Propose(1);
        Assert.Equal(ProposalOutcome.NotLeader, leader.Proposals[^1].Outcome);
        cluster.RunTicks(20);
        leader.Propose(2);
        cluster.Run();
        Assert.Equal(ProposalOutcome.Appended, leader.Proposals[^1].Outcome);
        Assert.Equal(ReadOutcome.Ready, Assert.Single(leader.Reads).Outcome);
        Assert.Equal((RaftRole.Leader, new Term(1)), (leader.Core.Role, leader.Core.Term));
    }

    [Fact]
    public void Who_did_not_take_over_is_not_the_first_choice_the_next_time()
    {
        TestCluster cluster = Led(out TestNode leader);
        leader.Transfer();
        NodeId unfit = Assert.Single(leader.TakeSent<TimeoutNow>()).To;
        for (int i = 0; i < 101; i++)
        {
            leader.Tick();
            leader.TakeSent<TimeoutNow>(); // the target does not act on it
            cluster.Run();
        }
        leader.Transfer();
        Assert.NotEqual(unfit, Assert.Single(leader.TakeSent<TimeoutNow>()).To);
    }

    [Fact]
    public void A_closed_link_to_the_target_ends_it_at_once()
    {
        TestCluster cluster = Led(out TestNode leader);
        leader.Propose(1);
        leader.Transfer(2);
        cluster.Kill(2, linksNotice: true);
        leader.Propose(2);
        Assert.Equal(ProposalOutcome.Appended, leader.Proposals[^1].Outcome);
    }

    [Fact]
    public void A_lost_message_is_said_again_with_the_next_heartbeat()
    {
        Led(out TestNode leader);
        leader.Transfer(2);
        Assert.Single(leader.TakeSent<TimeoutNow>());
        leader.Step();
        Assert.Empty(leader.TakeSent<TimeoutNow>());
        leader.Tick(10);
        Assert.Equal(new NodeId(2), Assert.Single(leader.TakeSent<TimeoutNow>()).To);
    }

    [Fact]
    public void Only_a_voter_can_be_chosen_and_only_by_a_leader()
    {
        TestCluster cluster = Led(out TestNode leader);
        cluster.Join(4);
        leader.Change(MembershipChangeKind.AddLearner, 4);
        cluster.Run();
        foreach (ulong target in new ulong[] { 1, 4, 77 })
        {
            leader.Transfer(target);
            leader.Propose(1);
            Assert.Equal(ProposalOutcome.Appended, leader.Proposals[^1].Outcome);
        }
        cluster[2].Transfer(2);
        cluster.Run();
        Assert.Equal((RaftRole.Leader, new Term(1)), (leader.Core.Role, leader.Core.Term));
    }

    [Fact]
    public void A_node_starts_the_election_only_for_its_leader_and_only_if_it_can_win_and_lead()
    {
        static TimeoutNow From(ulong node, ulong term, EntryId last) => new() { From = new(node), To = new(1), Term = new(term), Last = last };

        TestNode node = NodeWith("1 1 2");
        node.Receive(Heartbeat(from: 2, term: 2));
        node.Receive(From(3, 2, Id(3, 2))); // not the leader
        node.Receive(From(2, 1, Id(3, 2))); // of an earlier term
        node.Receive(From(2, 2, Id(4, 2))); // of a log that this one lacks the end of
        Assert.Equal((RaftRole.Follower, new Term(2)), (node.Core.Role, node.Core.Term));
        node.Receive(From(2, 2, Id(3, 2)));
        Assert.Equal((RaftRole.Candidate, new Term(3)), (node.Core.Role, node.Core.Term));
        node.Sync();
        Assert.All(node.TakeSent<VoteRequest>(), r => Assert.True(r.Transfer && !r.PreVote));
        node.Tick(300); // it was lost; the next attempt asks like any other
        Assert.All(node.TakeSent<VoteRequest>(), r => Assert.False(r.Transfer));

        TestNode unknown = NodeWith("1 1 2");
        unknown.Receive(From(2, 5, Id(3, 2))); // a leader that was never heard
        Assert.Equal((RaftRole.Follower, new Term(5)), (unknown.Core.Role, unknown.Core.Term));

        TestNode stalled = NodeWith("1 1 2");
        stalled.Receive(Append(from: 2, term: 2, Id(3, 2), "2"));
        stalled.Tick(310);
        stalled.Receive(Heartbeat(from: 2, term: 2));
        stalled.Receive(From(2, 2, Id(3, 2)));
        Assert.Equal(RaftRole.Follower, stalled.Core.Role);

        var learner = new TestNode(TestNode.OptionsFor(1), Membership.Of(new(2), new(3)) with { Learners = [new(1)] });
        learner.Receive(Heartbeat(from: 2, term: 1));
        learner.Receive(From(2, 1, EntryId.Zero));
        Assert.Equal(RaftRole.Follower, learner.Core.Role);
    }

    [Fact]
    public void A_leader_whose_disk_hangs_hands_over_before_it_gives_up()
    {
        TestCluster cluster = Led(out TestNode leader);
        leader.Propose(1); // never synced from here on
        for (int i = 0; i < 310 && leader.Core.Role == RaftRole.Leader; i++)
        {
            foreach (TestNode node in cluster.Nodes) node.Tick();
            if (leader.Core.Role != RaftRole.Leader) break;
            cluster[2].SyncAll();
            cluster[3].SyncAll();
            cluster.Run(sync: false);
        }
        Assert.Equal(RaftRole.Follower, leader.Core.Role);
        TimeoutNow said = Assert.Single(leader.Sent.OfType<TimeoutNow>());
        for (int i = 0; i < 10; i++)
        {
            cluster.Run(sync: false);
            cluster[2].SyncAll();
            cluster[3].SyncAll();
        }
        Assert.Equal(said.To, cluster.Leader?.Id); // without a tick
    }

    [Fact]
    public void The_wait_for_a_transfer_is_part_of_what_is_due()
    {
        Led(out TestNode leader);
        leader.Transfer(2);
        for (int i = 0; i < 99; i++) leader.Tick();
        Assert.Equal(1, leader.Core.TicksUntilDue);
    }

    private static TestCluster Led(out TestNode leader)
    {
        TestCluster cluster = Leaders.Led(3);
        leader = cluster[1];
        return cluster;
    }
}
