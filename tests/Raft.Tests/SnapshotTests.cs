using static Conclave.Raft.Tests.Messages;

namespace Conclave.Raft.Tests;

public class SnapshotTests
{
    private static readonly Func<RaftOptions, RaftOptions> NoTrail = o => o with { SnapshotTrailingEntries = 0 };

    [Fact]
    public void A_snapshot_lets_the_log_forget_all_but_a_tail()
    {
        var cluster = new TestCluster(1, o => o with { SnapshotTrailingEntries = 10 });
        TestNode node = Grown(cluster, 50);
        node.Step(RaftInput.SnapshotTaken(IdOf(node, 40)));
        Assert.Equal(Id(30, 1), Assert.Single(node.Compactions));
        Assert.Equal(Id(30, 1), node.Core.LogBase);
        node.Step(RaftInput.SnapshotTaken(IdOf(node, 40)));
        node.Tick(50);
        Assert.Single(node.Compactions);
    }

    [Fact]
    public void The_tail_is_bounded_in_bytes_too()
    {
        var cluster = new TestCluster(1, o => o with { SnapshotTrailingBytesMax = 4 }); // one byte per entry
        TestNode node = Grown(cluster, 50);
        node.Step(RaftInput.SnapshotTaken(IdOf(node, 40)));
        Assert.Equal(Id(36, 1), Assert.Single(node.Compactions));
    }

    [Fact]
    public void Nothing_is_forgotten_before_it_is_durable()
    {
        var cluster = new TestCluster(3, NoTrail);
        TestNode leader = cluster.Elect(1);
        cluster.Run();
        leader.Propose(1, 2, 3, 4);
        for (int i = 0; i < 10; i++)
        {
            cluster[2].SyncAll();
            cluster[3].SyncAll();
            cluster.Run(sync: false);
        }
        Assert.Equal((new LogIndex(5), new LogIndex(1)), (leader.Core.Commit, leader.Core.Durable));
        leader.Step(RaftInput.Applied(new(5)), RaftInput.SnapshotTaken(IdOf(leader, 5)));
        Assert.DoesNotContain(leader.Compactions, c => c.Index > leader.Core.Durable);
        leader.Sync();
        Assert.Equal(Id(5, 1), leader.Compactions[^1]);
    }

    [Fact]
    public void A_follower_that_needs_forgotten_entries_gets_the_snapshot_and_catches_up()
    {
        var cluster = new TestCluster(3, NoTrail);
        TestNode leader = Behind(cluster);
        Assert.Equal([new NodeId(3)], leader.SnapshotsWanted);
        Assert.Equal(ReplicationState.Snapshot, StateOf(leader, 3));

        Stream(cluster, to: 3);
        cluster.RunTicks(1);
        Assert.Equal(leader.Core.LastEntry, cluster[3].Core.LastEntry);
        Assert.Equal(leader.Core.Commit, cluster[3].Core.Commit);
        Assert.Equal(ReplicationState.Replicate, StateOf(leader, 3));
        Assert.DoesNotContain(cluster[3].Committed, e => e.Index <= new LogIndex(40) && e.Index > new LogIndex(1));
    }

    [Fact]
    public void A_failed_stream_is_asked_for_again()
    {
        var cluster = new TestCluster(3, NoTrail);
        TestNode leader = Behind(cluster);
        leader.Step(RaftInput.SnapshotSendFinished(new NodeId(3), ok: false));
        Assert.Single(leader.SnapshotsWanted);
        cluster.RunTicks(15);
        Assert.Equal(2, leader.SnapshotsWanted.Count);
    }

    [Fact]
    public void A_stream_whose_end_nobody_reports_is_asked_for_again()
    {
        var cluster = new TestCluster(3, NoTrail);
        TestNode leader = Behind(cluster);
        cluster.RunTicks(110);
        Assert.True(leader.SnapshotsWanted.Count > 1);
    }

    [Fact]
    public void While_a_snapshot_is_installed_nothing_else_touches_the_log_and_no_campaign_starts()
    {
        TestNode node = NodeWith("1 1 1");
        node.Step(RaftInput.SnapshotReceived(new(2), new(4), new SnapshotId(Id(50, 4), ThreeVoters)));
        node.SyncAll();
        node.Receive(Append(from: 2, term: 4, Id(3, 1), "4", commit: 4));
        node.Receive(Heartbeat(from: 2, term: 4, commit: 3));
        Assert.Equal((Id(3, 1), LogIndex.Zero), (node.Core.LastEntry, node.Core.Commit));
        Assert.Empty(node.TakeSent<AppendReply>());
        Assert.Single(node.TakeSent<HeartbeatReply>());
        node.Tick(500);
        Assert.Empty(node.Sent);

        node.Receive(Heartbeat(from: 2, term: 4));
        node.InstallSnapshot();
        Assert.Equal((Id(50, 4), new LogIndex(50)), (node.Core.LastEntry, node.Core.Commit));
        Assert.Equal(new LogIndex(50), Assert.Single(node.TakeSent<SnapshotReply>()).Last);
    }

    [Fact]
    public void A_snapshot_that_the_log_contains_only_moves_the_commit_index()
    {
        TestNode node = NodeWith("1 1 1 1 1");
        node.Receive(Heartbeat(from: 2, term: 1));
        node.Step(RaftInput.SnapshotReceived(new(2), new(1), new SnapshotId(Id(3, 1), ThreeVoters)));
        Assert.Null(node.Installing);
        Assert.Equal((new LogIndex(3), Id(5, 1)), (node.Core.Commit, node.Core.LastEntry));
        Assert.Equal(3, node.Committed.Count);
    }

    [Fact]
    public void A_snapshot_behind_the_commit_index_is_answered_with_where_the_node_stands()
    {
        TestNode node = NodeWith("1 1 1 1 1");
        node.Receive(Append(from: 2, term: 1, Id(5, 1), "", commit: 5));
        node.Step(RaftInput.SnapshotReceived(new(2), new(1), new SnapshotId(Id(3, 1), ThreeVoters)));
        Assert.Null(node.Installing);
        Assert.Equal(new LogIndex(5), Assert.Single(node.TakeSent<SnapshotReply>()).Last);
    }

    [Fact]
    public void A_node_restarts_from_snapshot_and_log()
    {
        var cluster = new TestCluster(3, o => o with { SnapshotTrailingEntries = 5 });
        Behind(cluster);
        TestNode old = cluster[2];
        old.DiskSnapshot = IdOf(old, 40);
        cluster.Kill(2);
        TestNode node = cluster.Restart(2);
        Assert.Equal((new LogIndex(40), old.Core.LastEntry), (node.Core.Commit, node.Core.LastEntry));
        cluster.RunTicks(30);
        Assert.Equal(new LogIndex(41), node.Committed[0].Index);
    }

    [Fact]
    public void A_log_that_lacks_the_snapshot_must_be_reset_first()
    {
        Assert.True(RecoveredState.LogContainsSnapshot(EntryId.Zero, EntryId.Zero, []));
        Assert.True(RecoveredState.LogContainsSnapshot(Id(2, 1), EntryId.Zero, TestNode.LogOf("1 1 1")));
        Assert.True(RecoveredState.LogContainsSnapshot(Id(5, 3), Id(5, 3), []));
        Assert.False(RecoveredState.LogContainsSnapshot(Id(4, 1), EntryId.Zero, TestNode.LogOf("1 1 1"))); // beyond the log
        Assert.False(RecoveredState.LogContainsSnapshot(Id(2, 2), EntryId.Zero, TestNode.LogOf("1 1 1"))); // another entry there
        Assert.False(RecoveredState.LogContainsSnapshot(Id(2, 1), Id(5, 1), TestNode.LogOf("1 1", after: 5))); // compacted beyond it
        Assert.Throws<InvariantViolationException>(() => new TestNode(TestNode.OptionsFor(1), new RecoveredState
        {
            HardState = default,
            Bootstrap = ThreeVoters,
            Snapshot = new SnapshotId(Id(4, 1), ThreeVoters),
            Entries = TestNode.LogOf("1 1 1"),
        }));
    }

    [Fact]
    public void A_term_that_only_the_snapshot_knows_is_taken_over_and_written()
    {
        var node = new TestNode(TestNode.OptionsFor(1), new RecoveredState
        {
            HardState = new HardState(new(3), new(2)),
            Bootstrap = ThreeVoters,
            Snapshot = new SnapshotId(Id(10, 7), ThreeVoters),
            Base = Id(10, 7),
        });
        node.Step();
        node.SyncAll();
        Assert.Equal(new HardState(new(7), NodeId.None), node.DiskHardState);
    }

    /// <summary>Node 3 is cut off, 50 entries are committed without it, and the leader has forgotten 40 of them.</summary>
    private static TestNode Behind(TestCluster cluster)
    {
        cluster.Elect(1);
        cluster.RunTicks(10);
        cluster.Isolate(3);
        TestNode leader = Grown(cluster, 50);
        leader.Step(RaftInput.Applied(leader.Core.Commit), RaftInput.SnapshotTaken(IdOf(leader, 40)));
        leader.DiskSnapshot = IdOf(leader, 40);
        cluster.Heal();
        cluster.RunTicks(25);
        return leader;
    }

    private static TestNode Grown(TestCluster cluster, int entries)
    {
        cluster.RunTicksUntil(() => cluster.Leader is not null, 500);
        TestNode leader = cluster.Leader!; // just waited for
        for (int i = 1; i < entries; i++) leader.Propose((byte)i);
        cluster.Run();
        Assert.Equal(new LogIndex((ulong)entries), leader.Core.Commit);
        return leader;
    }

    private static void Stream(TestCluster cluster, ulong to)
    {
        TestNode leader = cluster.Leader!; // the caller has one
        cluster[to].Step(RaftInput.SnapshotReceived(leader.Id, leader.Core.Term, leader.Core.Snapshot!)); // and it has a snapshot
        leader.Step(RaftInput.SnapshotSendFinished(new NodeId(to), ok: true));
        cluster[to].InstallSnapshot();
    }

    private static SnapshotId IdOf(TestNode node, ulong index) => new(node.Core.Log.IdAt(new LogIndex(index)), node.Core.Membership);

    private static ReplicationState StateOf(TestNode leader, ulong peer)
    {
        var peers = new List<PeerStatus>();
        leader.Core.CopyPeers(peers);
        return peers.Single(p => p.Node.Value == peer).State;
    }
}
