using static Conclave.Raft.Tests.Messages;

namespace Conclave.Raft.Tests;

public class ReplicationTests
{
    [Fact]
    public void Appends_leave_while_the_leaders_own_disk_writes()
    {
        TestNode leader = LeaderWith("1 1");
        Assert.Equal(2, leader.TakeSent<AppendRequest>().Length); // the no-op, as first probe
        Assert.NotEmpty(leader.Unsynced);
    }

    [Fact]
    public void A_batch_of_proposals_is_one_message_per_follower_and_one_write()
    {
        TestNode leader = LeaderWith("");
        Settle(leader);
        leader.Step(Propose(1), Propose(2), Propose(3));
        Assert.Equal([3, 3], leader.TakeSent<AppendRequest>().Select(a => a.Entries.Length));
        Assert.Equal(3, Assert.Single(leader.Unsynced).Entries.Length);
        Assert.Equal(3, leader.Proposals.Count(p => p.Outcome == ProposalOutcome.Appended));
    }

    [Fact]
    public void Messages_are_pipelined_up_to_the_window_and_go_on_when_it_empties()
    {
        TestNode leader = LeaderWith("", change: o => o with { InflightCountMax = 3 });
        Settle(leader);
        for (byte i = 0; i < 5; i++) leader.Propose(i);
        AppendRequest[] sent = [.. leader.TakeSent<AppendRequest>().Where(a => a.To == new NodeId(2))];
        Assert.Equal(3, sent.Length);

        leader.Receive(Accepted(from: 2, term: 1, sent[1].Sequence, sent[1].LastIndex.Value));
        AppendRequest next = Assert.Single(leader.TakeSent<AppendRequest>());
        Assert.Equal((sent[2].LastIndex, 2), (next.Previous.Index, next.Entries.Length));
    }

    [Fact]
    public void The_window_counts_bytes_too_and_one_large_entry_still_travels()
    {
        TestNode leader = LeaderWith("", change: o => o with { InflightBytesMax = 100, AppendBytesMax = 60 });
        Settle(leader);
        leader.Step(RaftInput.Propose(new Proposal[] { new(1, new byte[500]), new(2, new byte[50]), new(3, new byte[50]) }));
        AppendRequest request = Assert.Single(leader.TakeSent<AppendRequest>(), a => a.To == new NodeId(2));
        Assert.Equal(1, request.Entries.Length);
    }

    [Fact]
    public void Several_appends_in_one_batch_get_one_write_and_one_acknowledgement()
    {
        TestNode node = NodeWith("");
        node.Step(RaftInput.Received(Append(from: 2, term: 1, EntryId.Zero, "1 1", sequence: 1)),
            RaftInput.Received(Append(from: 2, term: 1, Id(2, 1), "1 1", sequence: 2)));
        Assert.Empty(node.Sent);
        Assert.Equal(4, Assert.Single(node.Unsynced).Entries.Length);
        node.Sync();
        AppendReply reply = Assert.Single(node.TakeSent<AppendReply>());
        Assert.Equal((true, new LogIndex(4), 2UL), (reply.Success, reply.Match, reply.Sequence));
    }

    [Fact]
    public void A_duplicate_append_is_acknowledged_again_but_not_before_the_first_write_is_durable()
    {
        TestNode node = NodeWith("");
        AppendRequest request = Append(from: 2, term: 1, EntryId.Zero, "1 1");
        node.Receive(request);
        node.Receive(request with { Sequence = 2 });
        Assert.Empty(node.Sent);
        node.SyncAll();
        Assert.Equal(2, node.TakeSent<AppendReply>().Length);
        node.Receive(request with { Sequence = 3 });
        Assert.Equal(3UL, Assert.Single(node.TakeSent<AppendReply>()).Sequence);
        Assert.Empty(node.Unsynced);
    }

    [Fact]
    public void A_follower_that_misses_entries_refuses_and_says_where_to_try()
    {
        TestNode node = NodeWith("1 1 2");
        node.Receive(Append(from: 2, term: 4, Id(9, 4), "4"));
        node.Sync();
        AppendReply reply = Assert.Single(node.TakeSent<AppendReply>());
        Assert.Equal((false, Id(3, 2)), (reply.Success, reply.Hint));
    }

    [Theory] // the cases of figure 7 in the Raft paper
    [InlineData("1 1 1 4 4 5 5 6 6")]
    [InlineData("1 1 1 4")]
    [InlineData("1 1 1 4 4 5 5 6 6 6 6")]
    [InlineData("1 1 1 4 4 5 5 6 6 6 7 7")]
    [InlineData("1 1 1 4 4 4 4")]
    [InlineData("1 1 1 2 2 2 3 3 3 3 3")]
    public void Any_follower_log_becomes_the_leaders(string follower)
    {
        TestCluster cluster = TestCluster.WithLogs("1 1 1 4 4 5 5 6 6 6", follower, "");
        cluster.Isolate(2);
        cluster[1].Receive(Heartbeat(from: 2, term: 7)); // the leader of the figure is in term 8
        cluster.Elect(1);
        cluster.Heal();
        cluster.RunTicks(30);
        Assert.Equal("1 1 1 4 4 5 5 6 6 6 8", cluster[1].Terms());
        Assert.Equal(cluster[1].Terms(), cluster[2].Terms());
        Assert.Equal(cluster[1].Terms(), cluster[3].Terms());
        Assert.Equal(cluster[1].Core.Commit, cluster[2].Core.Commit);
    }

    [Fact]
    public void Finding_the_common_part_takes_steps_by_term_and_not_by_entry()
    {
        string common = string.Join(' ', Enumerable.Repeat("1", 20)), other = string.Join(' ', Enumerable.Repeat("2", 300));
        TestNode leader = LeaderWith(common + " 3 3", term: 3);
        TestNode follower = NodeWith($"{common} {other}");
        int refusals = 0;
        for (bool done = false; !done;)
        {
            AppendRequest probe = leader.TakeSent<AppendRequest>()[0];
            follower.Receive(probe with { From = new(2), To = new(1) });
            follower.SyncAll();
            AppendReply reply = follower.TakeSent<AppendReply>()[^1];
            done = reply.Success;
            if (!done) refusals++;
            leader.Receive(reply with { From = new(2), To = new(1) });
        }
        Assert.InRange(refusals, 1, 2);
        Assert.Equal(leader.Terms(), follower.Terms());
    }

    [Fact]
    public void A_lost_append_is_found_and_repeated_by_the_heartbeats()
    {
        var cluster = new TestCluster(3);
        TestNode leader = cluster.Elect(1);
        cluster.RunTicks(10);
        cluster.Cut(1, 2);
        leader.Propose(1, 2, 3);
        cluster.Run();
        cluster.Heal();
        cluster.RunTicks(30);
        Assert.Equal(leader.Core.LastEntry, cluster[2].Core.LastEntry);
        Assert.Equal(leader.Core.Commit, cluster[2].Core.Commit);
    }

    [Fact]
    public void Followers_hear_of_a_commit_at_once_when_there_is_nothing_else_to_send()
    {
        var cluster = new TestCluster(3);
        TestNode leader = cluster.Elect(1);
        cluster.Run();
        leader.Propose(1);
        cluster.Run(); // no tick passes
        Assert.All(cluster.Nodes, n => Assert.Equal(leader.Core.LastEntry.Index, n.Core.Commit));
    }

    [Fact]
    public void A_follower_whose_disk_is_slow_may_apply_what_a_majority_has_written()
    {
        var cluster = new TestCluster(3);
        TestNode leader = cluster.Elect(1);
        cluster.Run();
        leader.Propose(1);
        TestNode slow = cluster[3];
        for (int i = 0; i < 10; i++)
        {
            leader.SyncAll();
            cluster[2].SyncAll();
            cluster.Run(sync: false);
        }
        Assert.Equal(leader.Core.Commit, slow.Core.Commit);
        Assert.True(slow.Core.Durable < slow.Core.Commit);
    }

    [Fact]
    public void A_commit_is_carried_by_the_next_append_when_there_is_one()
    {
        TestNode leader = LeaderWith("");
        Settle(leader);
        leader.Propose(1);
        AppendRequest first = leader.TakeSent<AppendRequest>()[0];
        leader.Sync();
        leader.Step(RaftInput.Received(Accepted(from: 2, term: 1, first.Sequence, 2)), Propose(2));
        Assert.Empty(leader.TakeSent<CommitNotice>());
        Assert.All(leader.TakeSent<AppendRequest>(), a => Assert.Equal(new LogIndex(2), a.Commit));
    }

    [Fact]
    public void Proposals_beyond_the_bound_are_refused_as_busy_until_something_commits()
    {
        TestNode leader = LeaderWith("", change: o => o with { UncommittedBytesMax = 1000, ProposalBytesMax = 900 });
        Settle(leader);
        leader.Step(RaftInput.Propose(new Proposal[] { new(1, new byte[901]), new(2, new byte[600]), new(3, new byte[600]), new(4, new byte[400]) }));
        Assert.Equal([ProposalOutcome.TooLarge, ProposalOutcome.Appended, ProposalOutcome.TooBusy, ProposalOutcome.Appended],
            leader.Proposals.Select(p => p.Outcome));

        leader.Sync();
        leader.Receive(Accepted(from: 2, term: 1, leader.TakeSent<AppendRequest>()[0].Sequence, 3));
        leader.Step(RaftInput.Propose(new Proposal[] { new(5, new byte[600]) }));
        Assert.Equal(ProposalOutcome.Appended, leader.Proposals[^1].Outcome);
    }

    [Fact]
    public void A_node_that_does_not_lead_names_the_leader()
    {
        TestNode node = NodeWith("");
        node.Step(Propose(1));
        node.Receive(Heartbeat(from: 2, term: 1));
        node.Step(Propose(2));
        Assert.Equal([NodeId.None, new NodeId(2)], node.Proposals.Select(p => p.Leader));
        Assert.All(node.Proposals, p => Assert.Equal(ProposalOutcome.NotLeader, p.Outcome));
    }

    [Fact]
    public void A_deposed_leader_learns_so_from_the_first_answer()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.Isolate(1);
        cluster.Elect(2);
        cluster.Heal();
        cluster[1].Propose(1);
        cluster.Run();
        Assert.Equal((RaftRole.Follower, new Term(2)), (cluster[1].Core.Role, cluster[1].Core.Term));
        cluster.RunTicks(30);
        Assert.Equal(cluster[2].Terms(), cluster[1].Terms());
    }

    [Fact]
    public void Everything_committed_is_given_out_once_and_in_order_also_after_a_restart()
    {
        var cluster = new TestCluster(3);
        TestNode leader = cluster.Elect(1);
        for (byte i = 1; i <= 50; i++) leader.Propose(i);
        cluster.Run();
        cluster.Kill(2);
        TestNode restarted = cluster.Restart(2);
        cluster.RunTicks(30);
        foreach (TestNode node in cluster.Nodes)
            Assert.Equal(Enumerable.Range(1, 51).Select(i => new LogIndex((ulong)i)), node.Committed.Select(e => e.Index));
        Assert.Equal(leader.Core.Commit, restarted.Core.Commit);
    }

    private static RaftInput Propose(byte payload) => RaftInput.Propose(new Proposal[] { new(payload, new[] { payload }) });

    /// <summary>The first probes are answered and the no-op is committed.</summary>
    private static void Settle(TestNode leader)
    {
        leader.Sync();
        foreach (AppendRequest probe in leader.TakeSent<AppendRequest>())
            leader.Receive(Accepted(probe.To.Value, leader.Core.Term.Value, probe.Sequence, probe.LastIndex.Value));
        Assert.Equal(leader.Core.LastEntry.Index, leader.Core.Commit);
        leader.Sent.Clear();
    }
}
