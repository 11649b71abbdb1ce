using static Conclave.Raft.Tests.Messages;

namespace Conclave.Raft.Tests.Scenarios;

/// <summary>Mistakes that other engines made in reads and snapshots, each as the schedule that showed it.</summary>
public class ReadAndSnapshotBugs
{
    [Fact]
    public void Bug_1_A_new_leader_answers_no_read_before_its_no_op_is_committed()
    {
        // Node 1 holds entries that its predecessor committed and does not know that they are.
        TestNode leader = LeaderWith("1 1 1 1");
        leader.Step(RaftInput.Read(1));
        leader.Receive(new ReadIndexRequest { From = new(3), To = new(1), Term = new(2), RequestId = 5 });
        leader.Receive(Alive(from: 2, term: 2, epoch: 0));
        leader.Receive(Alive(from: 3, term: 2, epoch: 0));
        leader.SyncAll();
        Assert.Empty(leader.Reads);

        AppendRequest probe = leader.TakeSent<AppendRequest>()[0];
        leader.Receive(Accepted(from: 2, term: 2, probe.Sequence, 5));
        HeartbeatRequest round = leader.TakeSent<HeartbeatRequest>()[^1];
        leader.Receive(Alive(from: 2, term: 2, round.ReadEpoch));
        Assert.Equal((ReadOutcome.Ready, new LogIndex(5)), (Assert.Single(leader.Reads).Outcome, leader.Reads[0].Index));
        Assert.Equal(new LogIndex(5), Assert.Single(leader.TakeSent<ReadIndexReply>()).Index);
    }

    [Fact]
    public void Bug_2_Answers_to_the_first_attempt_of_a_read_do_not_confirm_its_repetition()
    {
        TestNode leader = LeaderWith("");
        leader.SyncAll();
        leader.Receive(Accepted(from: 2, term: 1, leader.TakeSent<AppendRequest>()[0].Sequence, 1));
        var question = new ReadIndexRequest { From = new(3), To = new(1), Term = new(1), RequestId = 5 };
        leader.TakeSent<HeartbeatRequest>();
        leader.Receive(question);
        ulong first = leader.TakeSent<HeartbeatRequest>()[0].ReadEpoch;
        leader.Receive(Alive(from: 3, term: 1, first)); // the first round is answered
        leader.TakeSent<ReadIndexReply>();

        leader.Receive(question); // asked again with the same id, perhaps after a pause in which somebody else led
        leader.Receive(Alive(from: 2, term: 1, first));
        leader.Receive(Alive(from: 3, term: 1, first));
        Assert.Empty(leader.TakeSent<ReadIndexReply>());
    }

    [Fact]
    public void Bug_3_An_answer_of_the_previous_leader_is_not_used()
    {
        TestNode node = NodeWith("1");
        node.Receive(Heartbeat(from: 2, term: 1));
        node.Step(RaftInput.Read(1));
        ulong id = Assert.Single(node.TakeSent<ReadIndexRequest>()).RequestId;
        node.Receive(Heartbeat(from: 3, term: 2));
        node.Receive(new ReadIndexReply { From = new(2), To = new(1), Term = new(1), RequestId = id, Index = new(1) });
        node.Receive(new ReadIndexReply { From = new(2), To = new(1), Term = new(2), RequestId = id, Index = new(1) });
        Assert.Empty(node.Reads);
        node.SyncAll();
        ReadIndexRequest again = Assert.Single(node.TakeSent<ReadIndexRequest>());
        Assert.Equal((new NodeId(3), false), (again.To, again.RequestId == id));
    }

    [Fact]
    public void Bug_3_A_deposed_leader_does_not_answer_reads_it_had_begun()
    {
        TestNode leader = LeaderWith("");
        leader.SyncAll();
        leader.Receive(Accepted(from: 2, term: 1, leader.TakeSent<AppendRequest>()[0].Sequence, 1));
        leader.Step(RaftInput.Read(1));
        ulong epoch = leader.TakeSent<HeartbeatRequest>()[^1].ReadEpoch;
        leader.Receive(Heartbeat(from: 2, term: 2));
        leader.Receive(Alive(from: 3, term: 1, epoch));
        Assert.Empty(leader.Reads);
    }

    [Fact]
    public void Bug_32_Nothing_of_the_old_log_survives_an_installed_snapshot()
    {
        TestNode node = NodeWith("1 1 1 1 1 1 1 1"); // longer than the snapshot, and wrong from entry 4 on
        node.Receive(Append(from: 2, term: 1, Id(8, 1), "1 1"));
        node.Step(RaftInput.SnapshotReceived(new(3), new(5), new SnapshotId(Id(6, 4), Membership.Of(new(1), new(2), new(3)))));
        node.InstallSnapshot();
        Assert.Equal((Id(6, 4), Id(6, 4), new LogIndex(6)), (node.Core.LogBase, node.Core.LastEntry, node.Core.Durable));
        Assert.Equal("", node.Terms());
        node.Step(RaftInput.Persisted(new IoTicket(2)));
        Assert.Equal(new LogIndex(6), node.Core.Durable);
        node.Step(RaftInput.Applied(new LogIndex(2))); // reported before the swap
        Assert.Equal(new LogIndex(6), node.Core.Applied);

        node.Receive(Append(from: 3, term: 5, Id(6, 4), "5", commit: 7));
        Assert.Equal([new LogIndex(7)], node.Committed.Select(e => e.Index));
    }

    [Fact]
    public void Bug_32_The_membership_of_a_snapshot_replaces_those_of_the_log_it_replaces()
    {
        TestNode node = NodeWith("1");
        node.Receive(Append(from: 2, term: 1, Id(1, 1), "", commit: 2) with
        {
            Entries = new[] { Leaders.Config(2, 1, ThreeVoters with { Learners = [new(4)] }), Leaders.Config(3, 1, ThreeVoters with { Learners = [new(5)] }) },
        });
        var snapshot = new SnapshotId(Id(9, 2), Membership.Of(new(1), new(2), new(6)));
        node.Step(RaftInput.SnapshotReceived(new(2), new(2), snapshot));
        Assert.Equal([new NodeId(5)], node.Core.Membership.Learners); // until the log really is another one
        node.Receive(Append(from: 2, term: 2, Id(2, 1), "2 2"));
        node.InstallSnapshot();
        Assert.Equal(snapshot.Membership, node.Core.Membership);
        Assert.Equal(snapshot.Membership, node.Memberships[^1]);
        Assert.Equal(snapshot.Membership, node.Restart().Core.Membership);
    }

    [Fact]
    public void Bug_33_A_snapshot_below_the_one_that_was_asked_for_ends_the_wait()
    {
        TestNode leader = CompactedLeader(out AppendRequest probe);
        leader.Receive(Refused(from: 3, term: 2, probe.Sequence, EntryId.Zero));
        Assert.Equal([new NodeId(3)], leader.SnapshotsWanted);
        leader.TakeSent<AppendRequest>();
        leader.Receive(new SnapshotReply { From = new(3), To = new(1), Term = new(2), Last = new(3) });
        Assert.Equal(Id(3, 1), Assert.Single(leader.TakeSent<AppendRequest>()).Previous);
    }

    [Fact]
    public void Bug_34_A_leader_whose_whole_log_is_compacted_still_brings_a_follower_up_in_a_quiet_cluster()
    {
        var cluster = new TestCluster(3, o => o with { SnapshotTrailingEntries = 0 });
        TestNode leader = cluster.Elect(1);
        cluster.RunTicks(10);
        leader.Propose(1, 2, 3);
        cluster.Run();
        cluster.Isolate(3);
        leader.Step(RaftInput.Applied(leader.Core.Commit), RaftInput.SnapshotTaken(new SnapshotId(leader.Core.LastEntry, leader.Core.Membership)));
        Assert.Equal(leader.Core.LastEntry, leader.Core.LogBase);
        leader.Step(RaftInput.LinkDown(new(3)));
        cluster.RunTicks(150);
        cluster.Heal();
        leader.Step(RaftInput.LinkUp(new(3)));
        cluster.RunTicks(30);
        Assert.Empty(leader.SnapshotsWanted); // it has everything: an empty append finds out
        var peers = new List<PeerStatus>();
        leader.Core.CopyPeers(peers);
        Assert.All(peers, p => Assert.Equal((leader.Core.LastEntry.Index, ReplicationState.Replicate), (p.Match, p.State)));
    }

    [Fact]
    public void Bug_34_A_new_leader_with_a_compacted_log_finds_a_follower_that_is_behind_it()
    {
        TestNode leader = CompactedLeader(out AppendRequest probe);
        leader.Receive(Refused(from: 3, term: 2, probe.Sequence, Id(3, 1)));
        Assert.Equal(Id(3, 1), Assert.Single(leader.TakeSent<AppendRequest>(), a => a.To == new NodeId(3)).Previous); // its base exactly
        Assert.Empty(leader.SnapshotsWanted);
    }

    /// <summary>Its log begins after entry 3; the probe is the one sent to node 3.</summary>
    private static TestNode CompactedLeader(out AppendRequest probe)
    {
        TestNode leader = LeaderWith("1 1 1 1 1", change: o => o with { SnapshotTrailingEntries = 0 });
        leader.SyncAll();
        AppendRequest[] probes = leader.TakeSent<AppendRequest>();
        leader.Receive(Accepted(from: 2, term: 2, probes.Single(p => p.To == new NodeId(2)).Sequence, 6));
        leader.Step(RaftInput.Applied(new(6)), RaftInput.SnapshotTaken(new SnapshotId(Id(3, 1), ThreeVoters)));
        Assert.Equal(Id(3, 1), leader.Core.LogBase);
        leader.Sent.Clear();
        probe = probes.Single(p => p.To == new NodeId(3));
        return leader;
    }
}
