using static Conclave.Raft.Tests.Leaders;
using static Conclave.Raft.Tests.Messages;

namespace Conclave.Raft.Tests;

public class RecoveryTests
{
    [Fact]
    public void A_node_that_lost_entries_does_not_campaign_and_votes_only_for_who_has_them()
    {
        TestNode node = Damaged("1 1 2", lostEnd: Id(5, 2), term: 2);
        Assert.True(node.Core.IsRecovering);
        node.Tick(1000);
        node.Step(RaftInput.LinkUp(new(2)), RaftInput.LinkUp(new(3)));
        node.Tick(1000);
        Assert.Empty(node.Sent);

        node.Receive(Vote(from: 2, term: 3, Id(4, 2)));
        node.Receive(Vote(from: 2, term: 4, Id(4, 2), preVote: true));
        node.SyncAll();
        Assert.All(node.TakeSent<VoteReply>(), r => Assert.False(r.Granted));
        node.Receive(Vote(from: 3, term: 5, Id(5, 2)));
        node.SyncAll();
        Assert.True(Assert.Single(node.TakeSent<VoteReply>()).Granted);
    }

    [Fact]
    public void It_ends_when_the_log_holds_the_lost_end_durably()
    {
        TestNode node = Damaged("1 1 2", lostEnd: Id(5, 2), term: 2);
        node.Receive(Append(from: 2, term: 2, Id(3, 2), "2"));
        node.SyncAll();
        Assert.True(node.Core.IsRecovering);
        node.Receive(Append(from: 2, term: 2, Id(4, 2), "2"));
        Assert.True(node.Core.IsRecovering);
        node.SyncAll();
        Assert.False(node.Core.IsRecovering);
        node.Tick(300);
        Assert.Equal(RaftRole.PreCandidate, node.Core.Role);
    }

    [Fact]
    public void An_entry_of_a_later_leader_ends_it_wherever_it_stands()
    {
        // That leader was elected without this node's vote or with all that was lost: it decided what became of the lost entries.
        TestNode node = Damaged("1 1 2", lostEnd: Id(9, 2), term: 2);
        node.Receive(Append(from: 2, term: 3, Id(3, 2), "3"));
        node.SyncAll();
        Assert.False(node.Core.IsRecovering);
    }

    [Fact]
    public void With_only_the_term_of_the_lost_end_known_an_entry_of_a_later_term_is_needed()
    {
        TestNode node = Damaged("1 1", lostEnd: Id(ulong.MaxValue, 2), term: 2);
        node.Receive(Append(from: 2, term: 2, Id(2, 1), "2 2 2 2 2"));
        node.SyncAll();
        Assert.True(node.Core.IsRecovering);
        node.Receive(Vote(from: 3, term: 3, Id(900, 2), transfer: true));
        node.SyncAll();
        Assert.False(Assert.Single(node.TakeSent<VoteReply>()).Granted);
        node.Receive(Append(from: 3, term: 4, Id(7, 2), "4"));
        node.SyncAll();
        Assert.False(node.Core.IsRecovering);
    }

    [Fact]
    public void A_snapshot_beyond_it_ends_it_and_one_before_it_does_not()
    {
        TestNode node = Damaged("", lostEnd: Id(20, 2), term: 2);
        node.Step(RaftInput.SnapshotReceived(new(2), new(2), new SnapshotId(Id(10, 2), ThreeVoters)));
        node.InstallSnapshot();
        Assert.True(node.Core.IsRecovering);
        node.Step(RaftInput.SnapshotReceived(new(2), new(2), new SnapshotId(Id(21, 2), ThreeVoters)));
        node.InstallSnapshot();
        Assert.False(node.Core.IsRecovering);
    }

    [Fact]
    public void A_log_that_reaches_the_lost_end_already_recovers_from_nothing() =>
        Assert.False(Damaged("1 1 2", lostEnd: Id(3, 2), term: 2).Core.IsRecovering);

    [Fact]
    public void It_does_not_accept_leadership_handed_to_it()
    {
        TestNode node = Damaged("1 1 2", lostEnd: Id(5, 2), term: 2);
        node.Receive(Heartbeat(from: 2, term: 2));
        node.Receive(new TimeoutNow { From = new(2), To = new(1), Term = new(2), Last = Id(3, 2) });
        Assert.Equal(RaftRole.Follower, node.Core.Role);
    }

    [Fact]
    public void A_commit_beyond_what_was_compared_in_this_run_is_not_believed_and_proof_is_asked_for()
    {
        // The heartbeat speaks of what this node acknowledged before its disk was cut, and entry 3 is not the one it acknowledged.
        TestNode node = Damaged("1 1 1", lostEnd: Id(5, 2), term: 2);
        node.Receive(Heartbeat(from: 2, term: 2, commit: 5));
        Assert.Equal(LogIndex.Zero, node.Core.Commit);
        Assert.True(Assert.Single(node.TakeSent<HeartbeatReply>()).Unproven);
        node.Receive(Append(from: 2, term: 2, Id(2, 1), "2"));
        node.SyncAll();
        node.Receive(Heartbeat(from: 2, term: 2, commit: 3));
        Assert.Equal((new LogIndex(3), "1 1 2"), (node.Core.Commit, node.Terms()));
        Assert.False(node.TakeSent<HeartbeatReply>()[^1].Unproven);
    }

    [Fact]
    public void A_restarted_node_that_nobody_saw_restart_is_asked_and_goes_on()
    {
        TestCluster cluster = Led(out TestNode leader);
        leader.Propose(1, 2, 3);
        cluster.Run();
        cluster.Restart(2); // and no link reports anything, and no proposal follows
        cluster.RunTicks(30);
        Assert.Equal(leader.Core.Commit, cluster[2].Core.Commit);
        Assert.Empty(leader.LogReverted);
    }

    [Fact]
    public void A_follower_that_lost_acknowledged_entries_is_brought_up_again()
    {
        TestCluster cluster = Led(out TestNode leader);
        leader.Propose(1, 2, 3, 4, 5);
        cluster.Run();
        EntryId lost = cluster[2].Core.LastEntry;
        cluster[2].LoseAfter(2);
        TestNode damaged = cluster.Restart(2, lost);
        cluster.Relink(1, 2);
        Assert.True(damaged.Core.IsRecovering);
        cluster.RunTicks(30);
        Assert.False(damaged.Core.IsRecovering);
        Assert.Equal((leader.Core.LastEntry, leader.Core.Commit), (damaged.Core.LastEntry, damaged.Core.Commit));
        Assert.Empty(leader.LogReverted); // it said so itself, by starting anew
    }

    [Fact]
    public void The_leader_of_the_very_term_that_was_lost_hands_over_once_so_that_the_lost_end_is_passed()
    {
        TestCluster cluster = Led(out TestNode leader);
        leader.Propose(1, 2, 3);
        cluster.Run();
        cluster[2].LoseAfter(2);
        TestNode damaged = cluster.Restart(2, Id(ulong.MaxValue, leader.Core.Term.Value));
        cluster.Relink(1, 2);
        Assert.True(cluster.RunTicksUntil(() => !damaged.Core.IsRecovering, 40));
        Assert.Equal(RaftRole.Leader, cluster[3].Core.Role);
        Assert.Equal(new Term(2), cluster[3].Core.Term);

        cluster.Kill(3, linksNotice: true); // the others can elect one of them
        Assert.True(cluster.RunTicksUntil(() => cluster.Leader is not null, 400));
    }

    [Fact]
    public void It_does_not_hand_over_for_that_when_the_others_could_elect_nobody()
    {
        TestCluster cluster = Leaders.Led(5);
        cluster.Kill(4);
        cluster.Kill(5);
        cluster.RunTicks(220);
        cluster[2].LoseAfter(1);
        cluster.Restart(2, Id(ulong.MaxValue, 1));
        cluster.Relink(1, 2);
        cluster.RunTicks(300);
        Assert.Equal((RaftRole.Leader, new Term(1)), (cluster[1].Core.Role, cluster[1].Core.Term));

        cluster.Restart(4);
        cluster.Relink(1, 4);
        Assert.True(cluster.RunTicksUntil(() => !cluster[2].Core.IsRecovering, 200));
    }

    [Fact]
    public void What_a_peer_holds_is_proven_anew_over_each_link()
    {
        TestCluster cluster = Led(out TestNode leader);
        leader.Propose(1, 2, 3);
        cluster.Run();
        LogIndex match = Peer(leader, 2).Match;
        leader.Step(RaftInput.LinkUp(new(2)));
        Assert.Equal((LogIndex.Zero, match.Next), (Peer(leader, 2).Match, Peer(leader, 2).Next));
        Assert.Equal(match, leader.Core.Commit);
        cluster.Run();
        Assert.Equal(match, Peer(leader, 2).Match);
    }

    [Fact]
    public void A_log_that_goes_back_while_the_link_stands_is_noticed_and_counts_for_nothing_until_the_next_link()
    {
        TestCluster cluster = Led(out TestNode leader);
        leader.Propose(1, 2, 3, 4, 5);
        cluster.Run();
        cluster[2].LoseAfter(2);
        cluster.Restart(2); // it knows nothing of its loss, and the link reports nothing
        cluster.RunTicks(30);
        Assert.Equal([new NodeId(2)], leader.LogReverted);
        Assert.Equal(leader.Core.LastEntry, cluster[2].Core.LastEntry);

        cluster.Kill(3);
        LogIndex commit = leader.Core.Commit;
        leader.Propose(6);
        cluster.RunTicks(20);
        Assert.Equal((commit, leader.Core.LastEntry.Index), (leader.Core.Commit, Peer(leader, 2).Match));
        cluster.Relink(1, 2);
        cluster.RunTicks(20);
        Assert.Equal(leader.Core.LastEntry.Index, leader.Core.Commit);
        Assert.Single(leader.LogReverted);
    }

    [Fact]
    public void A_late_refusal_from_before_an_acknowledgement_is_not_taken_for_a_loss()
    {
        TestNode leader = LeaderWith("1 1 1");
        leader.Sync();
        AppendRequest probe = leader.TakeSent<AppendRequest>().First(m => m.To.Value == 2);
        leader.Tick(10);
        leader.Receive(Alive(2, 2, 0)); // no step was made: asked again
        AppendRequest again = leader.TakeSent<AppendRequest>().First(m => m.To.Value == 2);
        leader.Receive(Accepted(2, 2, again.Sequence, 3));
        leader.Receive(Refused(2, 2, probe.Sequence, Id(1, 1)));
        Assert.Empty(leader.LogReverted);
        Assert.Equal(new LogIndex(3), Peer(leader, 2).Match);

        leader.Sent.Clear();
        leader.Tick(10);
        leader.Receive(Alive(2, 2, 0));
        leader.Receive(Refused(2, 2, leader.TakeSent<AppendRequest>().First(m => m.To.Value == 2).Sequence, Id(1, 1)));
        Assert.Equal([new NodeId(2)], leader.LogReverted);
    }

    private static TestNode Damaged(string log, EntryId lostEnd, ulong term) => new(TestNode.OptionsFor(1), new RecoveredState
    {
        HardState = new HardState(new Term(term), NodeId.None),
        Bootstrap = ThreeVoters,
        Entries = TestNode.LogOf(log),
        LostEnd = lostEnd,
    });

    private static TestCluster Led(out TestNode leader)
    {
        TestCluster cluster = Leaders.Led(3);
        leader = cluster[1];
        return cluster;
    }
}
