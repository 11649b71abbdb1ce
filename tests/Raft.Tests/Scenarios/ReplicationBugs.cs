using static Conclave.Raft.Tests.Messages;

namespace Conclave.Raft.Tests.Scenarios;

/// <summary>Mistakes that other engines made in replication and commit, each as the schedule that showed it.</summary>
public class ReplicationBugs
{
    [Fact]
    public void Bug_4_A_single_voter_commits_nothing_before_its_own_disk_has_it()
    {
        var node = new TestNode(TestNode.OptionsFor(1), Membership.Of(new NodeId(1)));
        node.Tick(2);
        node.SyncAll();
        node.Propose(7);
        Assert.DoesNotContain(node.Committed, e => e.Kind == EntryKind.Command);
        Assert.Equal(Id(1, 1), node.Restart().Core.LastEntry); // a crash now loses it, and nobody was told otherwise
        node.Sync();
        Assert.Contains(node.Committed, e => e.Kind == EntryKind.Command);
    }

    [Fact]
    public void Bug_13_An_append_never_leaves_without_the_name_of_the_entry_before_it()
    {
        TestNode leader = LeaderWith("1 1 1 1", change: o => o with { SnapshotTrailingEntries = 0, InflightCountMax = 1 });
        leader.SyncAll();
        AppendRequest[] probes = leader.TakeSent<AppendRequest>();
        leader.Receive(Accepted(from: 2, term: 2, probes[0].Sequence, 5));
        leader.Receive(Accepted(from: 3, term: 2, probes[1].Sequence, 5));
        leader.Propose(1);
        leader.Propose(2); // the windows are full
        leader.SyncAll();
        AppendRequest[] appends = leader.TakeSent<AppendRequest>();
        leader.Receive(Accepted(from: 2, term: 2, appends[0].Sequence, 6));
        leader.Step(RaftInput.Applied(leader.Core.Commit), RaftInput.SnapshotTaken(new SnapshotId(leader.Core.Log.IdAt(leader.Core.Commit), ThreeVoters)));
        Assert.True(leader.Core.LogBase.Index > new LogIndex(5)); // beyond what node 3 acknowledged

        leader.TakeSent<AppendRequest>();
        leader.Receive(Refused(from: 3, term: 2, appends[1].Sequence, Id(5, 2)));
        Assert.Empty(leader.TakeSent<AppendRequest>());
        Assert.Equal([new NodeId(3)], leader.SnapshotsWanted);
    }

    [Fact]
    public void Bug_14_A_full_window_that_is_reset_can_be_filled_again()
    {
        TestNode leader = LeaderWith("", change: o => o with { InflightBytesMax = 3, AppendBytesMax = 1 });
        leader.SyncAll();
        AppendRequest probe = leader.TakeSent<AppendRequest>()[0];
        leader.Receive(Accepted(from: 2, term: 1, probe.Sequence, 1));
        for (int round = 0; round < 20; round++)
        {
            leader.TakeSent<AppendRequest>();
            for (byte i = 0; i < 4; i++) leader.Propose(i);
            AppendRequest[] sent = [.. leader.TakeSent<AppendRequest>().Where(a => a.To == new NodeId(2))];
            Assert.Equal(3, sent.Length);
            leader.Receive(Refused(from: 2, term: 1, sent[0].Sequence, leader.Core.Log.IdAt(sent[0].Previous.Index)));
            AppendRequest again = Assert.Single(leader.TakeSent<AppendRequest>(), a => a.To == new NodeId(2));
            leader.Receive(Accepted(from: 2, term: 1, again.Sequence, again.LastIndex.Value));
            for (AppendRequest[] rest = leader.TakeSent<AppendRequest>(); rest.Length > 0; rest = leader.TakeSent<AppendRequest>())
                leader.Receive(Accepted(from: 2, term: 1, rest[^1].Sequence, rest[^1].LastIndex.Value));
        }
    }

    [Fact]
    public void Bug_15_A_write_that_was_overwritten_and_written_again_is_durable_only_the_second_time()
    {
        TestNode node = NodeWith("1");
        node.Receive(Append(from: 2, term: 2, Id(1, 1), "2 2", sequence: 1)); // ticket 1
        node.Receive(Append(from: 3, term: 3, Id(1, 1), "3 3", sequence: 1)); // ticket 2
        node.Receive(Append(from: 2, term: 4, Id(1, 1), "2 2 4", sequence: 7)); // ticket 3: the first two again
        IoTicket first = node.SyncSilently(operations: 1);
        node.Sent.Clear();
        node.Step(RaftInput.Persisted(first));
        Assert.Equal(new LogIndex(1), node.Core.Durable);

        node.SyncSilently(operations: 1);
        node.Sent.Clear();
        node.Step(RaftInput.Persisted(new IoTicket(2)));
        Assert.Equal(new LogIndex(1), node.Core.Durable);
        node.Sync();
        Assert.Equal(new LogIndex(4), node.Core.Durable);
        Assert.Equal("1@1 2@2 3@2 4@4", string.Join(' ', node.DiskEntries.Select(e => e.Id)));
        Assert.Equal(new LogIndex(4), Assert.Single(node.TakeSent<AppendReply>()).Match);
    }

    [Fact]
    public void Bug_16_A_quiet_cluster_commits_the_no_op_when_its_write_completes_after_the_answers()
    {
        TestNode leader = LeaderWith("1 1");
        AppendRequest probe = leader.TakeSent<AppendRequest>()[0];
        leader.Receive(Accepted(from: 2, term: 2, probe.Sequence, 3));
        Assert.Equal(LogIndex.Zero, leader.Core.Commit); // its own copy is missing
        leader.Sync();
        Assert.Equal(new LogIndex(3), leader.Core.Commit);
    }

    [Fact]
    public void Bug_20_A_follower_commits_only_what_the_message_verified()
    {
        TestNode node = NodeWith("1 1 1 1 1"); // entries 4 and 5 are not the leader's
        node.Receive(Append(from: 2, term: 2, Id(1, 1), "1 1", commit: 5));
        Assert.Equal(new LogIndex(3), node.Core.Commit);
    }

    [Fact]
    public void Bug_21_A_follower_acknowledges_only_what_the_message_speaks_of()
    {
        TestNode node = NodeWith("1 1 1 1 1");
        node.Receive(Append(from: 2, term: 2, Id(1, 1), "1 1"));
        node.SyncAll();
        Assert.Equal(new LogIndex(3), Assert.Single(node.TakeSent<AppendReply>()).Match);
        node.Receive(Append(from: 2, term: 2, Id(2, 1), "", sequence: 2));
        Assert.Equal(new LogIndex(2), Assert.Single(node.TakeSent<AppendReply>()).Match);
    }

    [Fact]
    public void Bug_22_An_old_append_that_ends_early_cuts_nothing()
    {
        TestNode node = NodeWith("");
        node.Receive(Append(from: 2, term: 1, EntryId.Zero, "1 1 1 1", commit: 2, sequence: 1));
        node.Receive(Append(from: 2, term: 1, EntryId.Zero, "1", commit: 0, sequence: 2));
        node.Receive(Append(from: 2, term: 1, Id(2, 1), "1", commit: 0, sequence: 3));
        node.Receive(Append(from: 2, term: 1, Id(3, 1), "", commit: 0, sequence: 4));
        Assert.Equal("1 1 1 1", node.Terms());
        Assert.DoesNotContain(node.Unsynced, op => op.TruncateFrom is not null);
    }

    [Fact]
    public void Bug_22_An_old_refusal_moves_the_leader_back_but_never_behind_what_was_acknowledged()
    {
        TestNode leader = LeaderWith("1 1 1");
        leader.SyncAll();
        AppendRequest first = leader.TakeSent<AppendRequest>()[0];
        leader.Receive(Refused(from: 2, term: 2, first.Sequence, Id(1, 1)));
        AppendRequest second = Assert.Single(leader.TakeSent<AppendRequest>());
        leader.Receive(Accepted(from: 2, term: 2, second.Sequence, 4));
        leader.Receive(Refused(from: 2, term: 2, first.Sequence, Id(1, 1))); // once more, late
        leader.Propose(9);
        Assert.Equal(new LogIndex(4), leader.TakeSent<AppendRequest>().Single(a => a.To == new NodeId(2)).Previous.Index);
    }

    [Fact]
    public void Bug_23_A_hint_is_where_to_try_and_never_what_is_held()
    {
        TestNode leader = LeaderWith("1 1 2", term: 2);
        leader.SyncAll();
        AppendRequest probe = leader.TakeSent<AppendRequest>()[0];
        leader.Receive(Refused(from: 2, term: 3, probe.Sequence, Id(4, 2)));
        leader.Receive(Refused(from: 3, term: 3, probe.Sequence + 1, Id(4, 2)));
        leader.Tick();
        Assert.Equal(LogIndex.Zero, leader.Core.Commit);
        var peers = new List<PeerStatus>();
        leader.Core.CopyPeers(peers);
        Assert.All(peers, p => Assert.Equal(LogIndex.Zero, p.Match));
    }

    [Fact]
    public void Bug_24_Entries_of_earlier_terms_are_committed_only_through_one_of_the_own_term()
    {
        // Figure 8 of the Raft paper, (c): a majority holds entry 2 of term 2, and node 5 with an entry of term 3 could still win.
        TestNode leader = LeaderWith("1 2", term: 3);
        leader.SyncAll();
        AppendRequest probe = leader.TakeSent<AppendRequest>()[0];
        leader.Receive(Accepted(from: 2, term: 4, probe.Sequence, 2));
        Assert.Equal(LogIndex.Zero, leader.Core.Commit);
        leader.Receive(Accepted(from: 2, term: 4, probe.Sequence, 3));
        Assert.Equal(new LogIndex(3), leader.Core.Commit);
    }

    [Fact]
    public void Bug_27_Answers_out_of_order_commit_no_more_than_a_majority_holds()
    {
        var five = new TestCluster(5);
        TestNode leader = five.Elect(1);
        five.RunTicks(10);
        LogIndex before = leader.Core.Commit;
        leader.Propose(1);
        leader.Propose(2);
        leader.Propose(3);
        leader.Sync();
        AppendRequest[] appends = leader.TakeSent<AppendRequest>();
        leader.Receive(Answer(appends, to: 2, nth: 2));
        leader.Receive(Answer(appends, to: 3, nth: 0));
        Assert.Equal(before.Next, leader.Core.Commit); // 1 and 2 hold all three, 3 holds one
        leader.Receive(Answer(appends, to: 4, nth: 1));
        Assert.Equal(before + 2, leader.Core.Commit);

        static AppendReply Answer(AppendRequest[] appends, ulong to, int nth)
        {
            AppendRequest request = appends.Where(a => a.To.Value == to).ElementAt(nth);
            return Accepted(to, request.Term.Value, request.Sequence, request.LastIndex.Value);
        }
    }

    [Fact]
    public void Bug_28_Answers_from_before_a_peer_was_linked_anew_prove_nothing()
    {
        TestNode leader = LeaderWith("1");
        leader.SyncAll();
        AppendRequest probe = leader.TakeSent<AppendRequest>()[0];
        leader.Step(RaftInput.LinkDown(new NodeId(2)));
        leader.Step(RaftInput.LinkUp(new NodeId(2)));
        leader.Receive(Accepted(from: 2, term: 2, probe.Sequence, 2));
        Assert.Equal(LogIndex.Zero, leader.Core.Commit);
        AppendRequest again = Assert.Single(leader.TakeSent<AppendRequest>(), a => a.To == new NodeId(2));
        leader.Receive(Accepted(from: 2, term: 2, again.Sequence, 2));
        Assert.Equal(new LogIndex(2), leader.Core.Commit);
    }

    [Fact]
    public void Bug_29_The_leaders_own_no_op_counts_when_it_is_durable()
    {
        var cluster = new TestCluster(3);
        cluster.Kill(3);
        TestNode leader = cluster.StartCampaign(1);
        for (int i = 0; i < 100 && leader.Core.Role != RaftRole.Leader; i++)
        {
            cluster[2].SyncAll();
            if (leader.Core.Role == RaftRole.Candidate) leader.SyncAll();
            cluster.Run(sync: false);
        }
        for (int i = 0; i < 10; i++)
        {
            cluster[2].SyncAll();
            cluster.Run(sync: false);
        }
        Assert.Equal(LogIndex.Zero, leader.Core.Commit); // one durable copy of three
        leader.Sync();
        Assert.Equal(new LogIndex(1), leader.Core.Commit);
    }

    [Fact]
    public void Bug_40_A_full_window_whose_messages_are_all_lost_is_noticed_by_heartbeats_that_are_answered()
    {
        TestNode leader = Leaders.Led(3)[1];
        while (leader.Sent.OfType<AppendRequest>().Count(m => m.To.Value == 2) < leader.Options.InflightCountMax) leader.Propose(1);
        leader.Sync();
        leader.Propose(2);
        leader.Sent.Clear(); // not one arrives, and there is no room for more
        EntryId held = Id(leader.Core.Commit.Value, 1);
        for (int i = 0; i < 3; i++)
        {
            leader.Tick(10);
            leader.Receive(Alive(2, 1, 0));
        }
        AppendRequest asked = leader.TakeSent<AppendRequest>().Last(m => m.To.Value == 2);
        leader.Receive(Refused(2, 1, asked.Sequence, held));
        AppendRequest again = leader.TakeSent<AppendRequest>().Last(m => m.To.Value == 2);
        Assert.Equal(held, again.Previous);
        Assert.False(again.Entries.IsEmpty);
    }

    [Fact]
    public void Bug_44_A_follower_that_restarts_still_has_what_it_acknowledged()
    {
        var cluster = new TestCluster(3);
        TestNode leader = cluster.Elect(1);
        cluster.RunTicks(10);
        cluster.Isolate(3);
        leader.Propose(1, 2, 3);
        cluster.Run();
        LogIndex committed = leader.Core.Commit;
        cluster.Kill(2);
        cluster.Restart(2);
        cluster.Kill(1);
        cluster.Heal();
        Assert.True(cluster.RunTicksUntil(() => cluster.Leader is not null, 1000));
        Assert.Equal(new NodeId(2), cluster.Leader!.Id);
        cluster.RunTicks(20);
        Assert.True(cluster[3].Core.Commit > committed);
        Assert.Equal([1, 2, 3], cluster[3].Committed.Where(e => e.Kind == EntryKind.Command).Select(e => (int)e.Payload.Span[0]));
    }
}
