using System.Collections.Immutable;
using static Conclave.Raft.Tests.Leaders;
using static Conclave.Raft.Tests.Messages;
using Kind = Conclave.Raft.MembershipChangeKind;
using Outcome = Conclave.Raft.MembershipOutcome;

namespace Conclave.Raft.Tests;

public class MembershipChangeTests
{
    [Fact]
    public void A_learner_receives_the_log_and_neither_votes_nor_counts()
    {
        TestCluster cluster = Led(1);
        cluster.Join(2);
        Assert.Equal(Outcome.Appended, cluster[1].Change(Kind.AddLearner, 2));
        cluster.Run();
        Assert.Equal(cluster[1].Core.LastEntry, cluster[2].Core.LastEntry);
        Assert.Equal(cluster[1].Core.Membership, cluster[2].Core.Membership);
        Assert.Equal([new NodeId(2)], cluster[2].Core.Membership.Learners);

        cluster.Kill(2);
        cluster[1].Propose(1);
        cluster.Run();
        Assert.Equal(cluster[1].Core.LastEntry.Index, cluster[1].Core.Commit);
        cluster.Kill(1);
        cluster.Restart(2);
        cluster.RunTicks(1000);
        Assert.Equal((RaftRole.Follower, new Term(1)), (cluster[2].Core.Role, cluster[2].Core.Term));
    }

    [Fact]
    public void A_member_that_is_to_vote_does_so_by_itself_once_it_has_caught_up()
    {
        TestCluster cluster = Led(3);
        TestNode leader = cluster.Leader!; // led
        Assert.Equal(Outcome.Appended, leader.Change(Kind.AddVoter, 4));
        cluster.RunTicks(50); // it is not there yet
        Assert.Equal([new NodeId(4)], leader.Core.Membership.Joining);
        Assert.Equal(3, leader.Core.Membership.Voters.Length);

        cluster.Join(4);
        cluster.RunTicks(30);
        Assert.All(cluster.Nodes, n => Assert.Equal(Membership.Of(new(1), new(2), new(3), new(4)), n.Core.Membership));
        Assert.All(cluster.Nodes, n => Assert.Equal(leader.Core.Commit, n.Core.Commit));
    }

    [Fact]
    public void A_single_node_grows_to_five_and_shrinks_back()
    {
        TestCluster cluster = Led(1);
        for (ulong id = 2; id <= 5; id++)
        {
            cluster.Join(id);
            Assert.Equal(Outcome.Appended, cluster.Leader!.Change(Kind.AddVoter, id)); // led
            cluster.RunTicks(30);
            Assert.Equal((int)id, cluster.Leader!.Core.Membership.Voters.Length);
        }
        cluster.Leader!.Propose(1, 2, 3);
        cluster.Run();
        for (ulong id = 5; id >= 2; id--)
        {
            Assert.Equal(Outcome.Appended, cluster.Leader!.Change(Kind.Remove, id));
            cluster.RunTicks(30);
            cluster.Kill(id);
            Assert.Equal((int)id - 1, cluster.Leader!.Core.Membership.Voters.Length);
        }
        cluster.Leader!.Propose(4);
        cluster.Run();
        Assert.Equal(Membership.Of(new NodeId(1)), cluster[1].Core.Membership);
        Assert.Equal(cluster[1].Core.LastEntry.Index, cluster[1].Core.Commit);
    }

    [Fact]
    public void A_change_of_voters_goes_through_a_joint_configuration_that_needs_both_majorities()
    {
        TestNode leader = SettledLeader(Membership.Of(new(1), new(2), new(3)));
        Assert.Equal(Outcome.Appended, leader.Change(Kind.Remove, 3));
        Assert.Equal([new(1), new(2)], leader.Core.Membership.Voters);
        Assert.Equal([new(1), new(2), new(3)], leader.Core.Membership.VotersOutgoing);
        leader.Sync();
        LogIndex joint = leader.Core.LastEntry.Index;

        Answer(leader, 3); // a majority of the old voters, and not of the new ones
        Assert.True(leader.Core.Commit < joint);
        Answer(leader, 2);
        Assert.True(leader.Core.Commit >= joint);
        Assert.Equal(Membership.Of(new(1), new(2)), leader.Core.Membership); // left at once, in the same batch
        leader.Sent.Clear();
        leader.Tick(10);
        Assert.DoesNotContain(leader.Sent, m => m.To == new NodeId(3));
    }

    [Fact]
    public void One_change_at_a_time()
    {
        TestNode leader = SettledLeader(Membership.Of(new(1), new(2), new(3)));
        Assert.Equal(Outcome.Appended, leader.Change(Kind.AddLearner, 4));
        Assert.Equal(Outcome.InProgress, leader.Change(Kind.AddLearner, 5));
        leader.Sync();
        Answer(leader, 2);
        Assert.Equal(Outcome.Appended, leader.Change(Kind.AddLearner, 5));
    }

    [Fact]
    public void What_cannot_be_done_is_refused_with_the_reason()
    {
        TestNode follower = NodeWith("");
        follower.Receive(Heartbeat(from: 2, term: 1));
        Assert.Equal(Outcome.NotLeader, follower.Change(Kind.AddLearner, 4));
        Assert.Equal(new NodeId(2), follower.MembershipVerdicts[^1].Leader);

        Assert.Equal(Outcome.NotReady, LeaderWith("").Change(Kind.AddLearner, 4));

        TestNode leader = SettledLeader(Membership.Of(new(1), new(2), new(3)) with { Learners = [new(7)] });
        Assert.Equal(Outcome.AlreadyMember, leader.Change(Kind.AddVoter, 2));
        Assert.Equal(Outcome.AlreadyMember, leader.Change(Kind.AddVoter, 7));
        Assert.Equal(Outcome.NotMember, leader.Change(Kind.Remove, 9));
        Assert.Equal(Outcome.NotMember, leader.Change(Kind.Promote, 9));
        Assert.Equal(Outcome.NotMember, leader.Change(Kind.Describe, 0, new MemberInfo(new(9), new byte[1])));
        Assert.Equal(Outcome.NotLearner, leader.Change(Kind.Promote, 2));
        Assert.Equal(Outcome.NotCaughtUp, leader.Change(Kind.Promote, 7));
        Assert.Equal(Outcome.TooMany, leader.Change(Kind.Describe, 0, new MemberInfo(new(2), new byte[Membership.EncodedBytesMax - 50])));
        leader.Tick(60);
        Answer(leader, 2);
        leader.Tick(60); // 3 has been silent for longer than an election timeout
        Assert.Equal(Outcome.WouldLoseQuorum, leader.Change(Kind.Remove, 2));
        Assert.Equal(Outcome.Appended, leader.Change(Kind.Remove, 3));

        TestNode alone = SettledLeader(Membership.Of(new NodeId(1)));
        Assert.Equal(Outcome.LastVoter, alone.Change(Kind.Remove, 1));
    }

    [Fact]
    public void There_is_a_limit_to_the_number_of_members_that_leaves_room_for_the_change_itself()
    {
        var members = Enumerable.Range(1, Membership.MembersMax).Select(i => new NodeId((ulong)i)).ToImmutableArray();
        var full = new Membership { Voters = [members[0]], Learners = members[1..] };
        var change = new MembershipChange(Kind.AddLearner, new NodeId(100), []);
        Assert.Equal(Outcome.TooMany, MembershipPlan.Next(full, change, out _));

        // As many described members as fit: each of them can still be promoted and removed.
        var membership = Membership.Of(new NodeId(1));
        ulong added = 2;
        for (; ; added++)
        {
            var add = new MembershipChange(Kind.AddVoter, new NodeId(added), [new MemberInfo(new NodeId(added), new byte[100])]);
            Outcome outcome = MembershipPlan.Next(membership, add, out Membership next);
            if (outcome == Outcome.TooMany) break;
            Assert.Equal(Outcome.Appended, MembershipPlan.Next(next, new MembershipChange(Kind.Promote, new NodeId(added), []), out Membership joint));
            Assert.True(joint.Encode().Length <= Membership.EncodedBytesMax);
            membership = MembershipPlan.Leave(joint);
        }
        Assert.InRange(added, 20UL, 40UL);
    }

    [Fact]
    public void Descriptions_are_kept_with_the_members_and_go_with_them()
    {
        TestCluster cluster = Led(3);
        TestNode leader = cluster.Leader!; // led
        Assert.Equal(Outcome.Appended, leader.Change(Kind.Describe, 0, new MemberInfo(new(2), new byte[] { 2 }), new MemberInfo(new(3), new byte[] { 3 })));
        cluster.Run();
        Assert.Equal(Outcome.Appended, leader.Change(Kind.AddLearner, 4, new MemberInfo(new(4), new byte[] { 4 })));
        cluster.Run();
        Assert.Equal(Outcome.Appended, leader.Change(Kind.Describe, 0, new MemberInfo(new(2), new byte[] { 22 })));
        cluster.Run();
        Assert.Equal([new(2), new(3), new(4)], leader.Core.Membership.Infos.Select(i => i.Node));
        Assert.Equal(22, cluster[2].Core.Membership.InfoOf(new(2)).Span[0]);

        ulong other = leader.Id.Value == 3 ? 2UL : 3UL;
        leader.Change(Kind.Remove, 4);
        cluster.Run();
        leader.Change(Kind.Remove, other);
        Assert.False(leader.Core.Membership.InfoOf(new(other)).IsEmpty); // on the way out it must still be reached
        cluster.Run();
        Assert.Equal([new NodeId(other == 3 ? 2UL : 3UL)], leader.Core.Membership.Infos.Select(i => i.Node));
    }

    [Fact]
    public void A_membership_is_in_force_when_it_is_appended_and_taken_back_when_it_is_cut()
    {
        TestNode node = NodeWith("1");
        Membership four = ThreeVoters with { Learners = [new(4)] };
        node.Receive(Append(from: 2, term: 1, Id(1, 1), "1") with { Entries = new[] { Config(2, 1, four) } });
        Assert.Equal(four, node.Core.Membership);
        Assert.Equal(four, Assert.Single(node.Memberships));
        Assert.Equal(LogIndex.Zero, node.Core.Commit);

        node.Receive(Append(from: 3, term: 2, Id(1, 1), "2"));
        Assert.Equal(ThreeVoters, node.Core.Membership);
        Assert.Equal(2, node.Memberships.Count);
    }

    [Fact]
    public void A_restarted_node_takes_the_memberships_of_its_log()
    {
        Membership four = ThreeVoters with { Learners = [new(4)] };
        Membership snapshotted = ThreeVoters with { Learners = [new(9)] };
        Entry[] log = [new Entry(new(1), new(1), EntryKind.NoOp, default), Config(2, 1, four), new Entry(new(3), new(1), EntryKind.NoOp, default)];
        var state = new RecoveredState { HardState = new HardState(new(1), NodeId.None), Bootstrap = ThreeVoters, Entries = log };
        Assert.Equal(four, new TestNode(TestNode.OptionsFor(1), state).Core.Membership);
        Assert.Equal(four, new TestNode(TestNode.OptionsFor(1), state with { Snapshot = new SnapshotId(Id(1, 1), snapshotted) }).Core.Membership);
        Assert.Equal(snapshotted, new TestNode(TestNode.OptionsFor(1), state with { Snapshot = new SnapshotId(Id(2, 1), snapshotted) }).Core.Membership);
        Assert.Throws<InvariantViolationException>(() => new TestNode(TestNode.OptionsFor(1),
            state with { Entries = [new Entry(new(1), new(1), EntryKind.Membership, new byte[] { 77 })] }));
    }

    [Fact]
    public void A_membership_that_makes_no_sense_is_not_taken_and_not_acknowledged()
    {
        TestNode node = NodeWith("1");
        Entry[] entries = [new Entry(new(2), new(1), EntryKind.Command, default), new Entry(new(3), new(1), EntryKind.Membership, new byte[] { 9 })];
        node.Receive(Append(from: 2, term: 1, Id(1, 1), "") with { Entries = entries });
        node.SyncAll();
        Assert.Empty(node.TakeSent<AppendReply>());
        Assert.Equal((Id(2, 1), ThreeVoters), (node.Core.LastEntry, node.Core.Membership));
        Entry[] nobody = [new Entry(new(3), new(1), EntryKind.Membership, new Membership { Learners = [new(1)] }.Encode())];
        node.Receive(Append(from: 2, term: 1, Id(2, 1), "") with { Entries = nobody });
        Assert.Equal(Id(2, 1), node.Core.LastEntry);
    }

    [Fact]
    public void A_snapshot_must_carry_the_membership_of_its_last_entry()
    {
        TestNode leader = SettledLeader(Membership.Of(new NodeId(1)));
        leader.Change(Kind.AddLearner, 2);
        leader.Sync();
        leader.Step(RaftInput.Applied(leader.Core.Commit));
        Assert.Equal(new LogIndex(2), leader.Core.Commit);
        Assert.Throws<InvariantViolationException>(() => leader.Step(RaftInput.SnapshotTaken(new SnapshotId(Id(1, 1), leader.Core.Membership))));
        leader.Step(RaftInput.SnapshotTaken(new SnapshotId(Id(1, 1), Membership.Of(new NodeId(1)))));
        leader.Step(RaftInput.SnapshotTaken(new SnapshotId(Id(2, 1), leader.Core.Membership)));
    }

    [Fact]
    public void A_leader_that_is_removed_leads_until_that_is_done_and_hands_over()
    {
        TestCluster cluster = Led(3);
        TestNode leader = cluster.Leader!; // led
        leader.Propose(1, 2);
        cluster.Run();
        Assert.Equal(Outcome.Appended, leader.Change(Kind.Remove, leader.Id.Value));
        cluster.Run(); // no tick: nobody waits for a timeout
        Assert.Equal(RaftRole.Follower, leader.Core.Role);
        TestNode? next = cluster.Leader;
        Assert.NotNull(next);
        Assert.False(next.Core.Membership.Includes(leader.Id));
        Assert.False(next.Core.Membership.IsJoint);
        Term term = next.Core.Term;
        cluster.RunTicks(1000); // what is no member any more disturbs nobody
        Assert.Equal((next, term), (cluster.Leader, next.Core.Term));
    }

    [Fact]
    public void A_node_that_is_no_member_accepts_a_leader_and_gives_votes_but_asks_for_none()
    {
        var joiner = new TestNode(TestNode.OptionsFor(9), new Membership());
        joiner.Tick(1000);
        Assert.Empty(joiner.Sent);
        joiner.Receive(Append(from: 1, term: 3, EntryId.Zero, "1 2 3", to: 9));
        joiner.SyncAll();
        Assert.Equal(new LogIndex(3), Assert.Single(joiner.TakeSent<AppendReply>()).Match);
        joiner.Tick(1000);
        Assert.Empty(joiner.Sent);
        joiner.Receive(Vote(from: 2, term: 4, Id(3, 3)) with { To = new(9) });
        joiner.SyncAll();
        Assert.True(Assert.Single(joiner.TakeSent<VoteReply>()).Granted);
        joiner.Receive(Vote(from: 2, term: 5, Id(3, 2)) with { To = new(9) });
        joiner.SyncAll();
        Assert.False(Assert.Single(joiner.TakeSent<VoteReply>()).Granted);
    }

    [Fact]
    public void A_new_member_that_needs_what_was_compacted_gets_a_snapshot_first()
    {
        var cluster = new TestCluster(1, o => o with { SnapshotTrailingEntries = 0 });
        cluster.RunTicks(2);
        TestNode leader = cluster[1];
        for (int i = 0; i < 30; i++) leader.Propose((byte)i);
        cluster.Run();
        var snapshot = new SnapshotId(leader.Core.Log.IdAt(new LogIndex(20)), leader.Core.Membership);
        leader.Step(RaftInput.Applied(leader.Core.Commit), RaftInput.SnapshotTaken(snapshot));
        cluster.Join(2);
        leader.Change(Kind.AddVoter, 2);
        cluster.Run();
        Assert.Equal([new NodeId(2)], leader.SnapshotsWanted);
        cluster[2].Step(RaftInput.SnapshotReceived(leader.Id, leader.Core.Term, snapshot));
        leader.Step(RaftInput.SnapshotSendFinished(new NodeId(2), ok: true));
        cluster[2].InstallSnapshot();
        Assert.Equal(snapshot.Membership, cluster[2].Core.Membership);
        cluster.RunTicks(30);
        Assert.Equal(Membership.Of(new(1), new(2)), cluster[2].Core.Membership);
    }
}
