using static Conclave.Raft.Tests.Leaders;
using static Conclave.Raft.Tests.Messages;
using Kind = Conclave.Raft.MembershipChangeKind;
using Outcome = Conclave.Raft.MembershipOutcome;

namespace Conclave.Raft.Tests.Scenarios;

/// <summary>Mistakes that other engines made when members change, each as the schedule that showed it.</summary>
public class MembershipBugs
{
    [Fact]
    public void Bug_25_An_election_in_a_joint_configuration_needs_both_majorities_and_not_one_of_the_union()
    {
        TestNode node = JointCandidate(CoreFaults.None);
        Vote(node, 4, preVote: true);
        Vote(node, 5, preVote: true); // with its own three of five, and one of the three old voters
        Assert.Equal(RaftRole.PreCandidate, node.Core.Role);
        Vote(node, 2, preVote: true);
        Assert.Equal(RaftRole.Candidate, node.Core.Role);
        node.SyncAll();
        Vote(node, 4, preVote: false);
        Vote(node, 5, preVote: false);
        Assert.Equal(RaftRole.Candidate, node.Core.Role);
        Vote(node, 3, preVote: false);
        Assert.Equal(RaftRole.Leader, node.Core.Role);
    }

    [Fact]
    public void Bug_25_The_same_holds_for_the_quorum_check_and_for_reads()
    {
        TestNode leader = Promoting(CoreFaults.None);
        leader.Step(RaftInput.Read(1));
        ulong epoch = leader.TakeSent<HeartbeatRequest>()[^1].ReadEpoch;
        leader.Receive(Alive(3, 1, epoch)); // two of the three new voters, one of the two old ones
        Assert.Empty(leader.Reads);
        leader.Receive(Alive(2, 1, epoch));
        Assert.Single(leader.Reads);

        for (int i = 0; i < 250 && leader.Core.Role == RaftRole.Leader; i++)
        {
            leader.Receive(Alive(3, 1, epoch));
            leader.Tick();
        }
        Assert.Equal(RaftRole.Follower, leader.Core.Role);
    }

    [Fact]
    public void Bug_35_A_node_that_was_removed_and_does_not_know_that_it_is_committed_does_not_elect_itself() =>
        Assert.NotEqual(RaftRole.Leader, RemovedQuickly(CoreFaults.None).Core.Role);

    [Fact]
    public void Bug_36_A_learner_that_was_promoted_without_hearing_of_it_votes_when_the_leader_dies()
    {
        TestCluster cluster = Promoted();
        cluster.Kill(1);
        cluster.Heal();
        Assert.Equal([new NodeId(3)], cluster[3].Core.Membership.Learners); // as far as it knows
        Assert.True(cluster.RunTicksUntil(() => cluster[2].Core.Role == RaftRole.Leader, 1000));
        Assert.Equal(Membership.Of(Ids(1, 2, 3)), cluster[3].Core.Membership);
    }

    [Fact]
    public void Bug_36_Leadership_goes_to_a_promoted_learner_only_when_it_knows()
    {
        TestCluster cluster = Promoted();
        cluster[1].Transfer(3);
        cluster.Run();
        Assert.Equal((RaftRole.Leader, RaftRole.Follower), (cluster[1].Core.Role, cluster[3].Core.Role));
        cluster[3].Receive(new TimeoutNow { From = new(1), To = new(3), Term = cluster[1].Core.Term, Last = EntryId.Zero });
        Assert.Equal(RaftRole.Follower, cluster[3].Core.Role);
        cluster.Heal();
        cluster.RunTicks(50);
        Assert.Equal(RaftRole.Leader, cluster[3].Core.Role);
    }

    [Fact]
    public void Bug_37_A_joint_configuration_is_left_by_the_next_leader_when_the_one_that_began_it_dies()
    {
        TestCluster cluster = Led(4);
        cluster[1].Change(Kind.Remove, 4);
        cluster[1].Sync();
        Message[] joint = [.. cluster[1].Sent];
        foreach (Message message in joint) cluster[message.To.Value].Receive(message);
        cluster.Kill(1);
        foreach (ulong id in new ulong[] { 2, 3, 4 })
        {
            cluster[id].SyncAll();
            cluster[id].Sent.Clear(); // nobody's answer was heard
            Assert.True(cluster[id].Core.Membership.IsJoint);
        }
        Assert.True(cluster.RunTicksUntil(() => cluster.Leader is not null, 1000));
        cluster.RunTicks(1); // and not one proposal
        Assert.Equal(Membership.Of(Ids(1, 2, 3)), cluster.Leader!.Core.Membership); // just waited for
        Assert.Equal(cluster.Leader.Core.LastEntry.Index, cluster.Leader.Core.Commit);
    }

    [Fact]
    public void Bug_37_A_joint_configuration_that_only_its_dead_leader_had_is_taken_back()
    {
        TestCluster cluster = Led(3);
        cluster.Isolate(1);
        cluster[1].Change(Kind.Remove, 3);
        cluster[1].SyncAll();
        Assert.True(cluster[1].Core.Membership.IsJoint);
        cluster.Elect(2);
        cluster[2].Propose(1);
        cluster.Run();
        cluster.Heal();
        cluster.RunTicks(30);
        Assert.Equal(ThreeVoters, cluster[1].Core.Membership);
        Assert.Equal(Outcome.Appended, cluster[2].Change(Kind.Remove, 3)); // nothing is stuck
    }

    [Fact]
    public void Bug_37_A_leader_that_restarts_within_a_joint_configuration_leaves_it_too()
    {
        TestCluster cluster = Led(4);
        cluster.Cut(2, 1);
        cluster.Cut(3, 1);
        cluster.Cut(4, 1);
        cluster[1].Change(Kind.Remove, 4);
        cluster.Run();
        foreach (ulong id in new ulong[] { 1, 2, 3, 4 }) cluster.Restart(id);
        cluster.Heal();
        Assert.All(cluster.Nodes, n => Assert.True(n.Core.Membership.IsJoint));
        Assert.True(cluster.RunTicksUntil(() => cluster.Leader is { Core.Membership.IsJoint: false }, 1000));
    }

    [Fact]
    public void Bug_38_A_read_during_a_hand_over_sees_what_the_next_leader_committed()
    {
        TestCluster cluster = Led(3);
        cluster[1].Transfer(2);
        cluster[1].Step(RaftInput.Read(1));
        Assert.Empty(cluster[1].Reads);
        Message[] said = [.. cluster[1].Sent.Where(m => m is TimeoutNow)];
        cluster[1].Sent.Clear();
        cluster.Isolate(1); // it does not learn that it was deposed
        foreach (Message message in said) cluster[2].Receive(message);
        cluster.Run();
        Assert.Equal(RaftRole.Leader, cluster[2].Core.Role);
        cluster[2].Propose(1);
        cluster.Run();
        cluster[1].Step(RaftInput.Read(2));
        cluster.RunTicks(150);
        Assert.Empty(cluster[1].Reads);
        cluster.Heal();
        cluster.RunTicks(30);
        Assert.All(cluster[1].Reads, r => Assert.Equal((ReadOutcome.Ready, cluster[2].Core.Commit), (r.Outcome, r.Index)));
        Assert.Equal(2, cluster[1].Reads.Count);
    }

    [Fact]
    public void Bug_38_A_dead_target_does_not_leave_the_cluster_without_a_leader()
    {
        TestCluster cluster = Led(3);
        cluster.Kill(2);
        cluster[1].Transfer(2);
        cluster.RunTicks(101);
        cluster[1].Propose(1);
        cluster.Run();
        Assert.Equal((RaftRole.Leader, cluster[1].Core.LastEntry.Index), (cluster[1].Core.Role, cluster[1].Core.Commit));
    }

    [Fact]
    public void Bug_47_A_removed_node_that_goes_on_campaigning_disturbs_nobody()
    {
        TestCluster cluster = Led(3);
        cluster.Isolate(3);
        Assert.Equal(Outcome.Appended, cluster[1].Change(Kind.Remove, 3));
        cluster.RunTicks(30);
        Assert.Equal(Membership.Of(Ids(1, 2)), cluster[2].Core.Membership);
        cluster.RunTicks(1000);
        cluster.Heal();
        cluster.RunTicks(3000);
        Assert.Equal((new NodeId(1), new Term(1)), (cluster.Leader?.Id, cluster[2].Core.Term));
        Assert.True(cluster[3].Core.Membership.IsVoter(new(3))); // it still thinks so
        cluster[1].Propose(1);
        cluster.Run();
        Assert.Equal(cluster[1].Core.LastEntry.Index, cluster[1].Core.Commit);
    }

    [Fact]
    public void Bug_47_Of_two_either_can_be_removed_and_the_other_goes_on_alone()
    {
        foreach (ulong removed in new ulong[] { 1, 2 })
        {
            TestCluster cluster = Led(2);
            Assert.Equal(Outcome.Appended, cluster[1].Change(Kind.Remove, removed));
            cluster.RunTicks(5);
            cluster.Kill(removed);
            ulong left = 3 - removed;
            Assert.Equal(RaftRole.Leader, cluster[left].Core.Role);
            cluster[left].Propose(1);
            cluster.Run();
            Assert.Equal(cluster[left].Core.LastEntry.Index, cluster[left].Core.Commit);
        }
    }

    [Fact]
    public void Bug_47_Of_two_the_one_that_removes_itself_and_dies_before_the_other_knows_comes_back_to_finish_it()
    {
        TestCluster cluster = Led(2);
        Assert.Equal(Outcome.Appended, cluster[1].Change(Kind.Remove, 1));
        while (cluster[1].Core.Membership.IsJoint) // until it has appended what ends the change
        {
            cluster[1].Sync();
            Message[] toOther = [.. cluster[1].Sent];
            cluster[1].Sent.Clear();
            foreach (Message message in toOther) cluster[2].Receive(message);
            cluster[2].SyncAll();
            Message[] back = [.. cluster[2].Sent];
            cluster[2].Sent.Clear();
            foreach (Message message in back) cluster[1].Receive(message);
        }
        cluster[1].Sync();
        cluster.Kill(1);
        cluster.Restart(1);
        Assert.Equal((Membership.Of(Ids(2)), true), (cluster[1].Core.Membership, cluster[2].Core.Membership.IsJoint));
        // Node 2 needs the vote of node 1, whose log is longer: only node 1 can be elected, and it is no voter by its own log.
        Assert.True(cluster.RunTicksUntil(() => cluster[2].Core.Role == RaftRole.Leader, 2000));
        cluster[2].Propose(1);
        cluster.Run();
        Assert.Equal((Membership.Of(Ids(2)), cluster[2].Core.LastEntry.Index), (cluster[2].Core.Membership, cluster[2].Core.Commit));
    }

    [Fact]
    public void Bug_47_Of_two_a_dead_one_cannot_be_removed_and_the_answer_says_so_instead_of_waiting_for_ever()
    {
        TestCluster cluster = Led(2);
        cluster.Kill(2, linksNotice: true);
        Assert.Equal(Outcome.WouldLoseQuorum, cluster[1].Change(Kind.Remove, 2));
        cluster.RunTicks(250);
        Assert.Equal(Outcome.NotLeader, cluster[1].Change(Kind.Remove, 2));
    }

    [Fact]
    public void Bug_49_A_removed_member_comes_back_and_nothing_it_said_before_counts()
    {
        TestCluster cluster = Led(3);
        cluster[1].Propose(1, 2, 3);
        cluster.Run();
        AppendReply old = Accepted(3, cluster[1].Core.Term.Value, sequence: 2, match: cluster[1].Core.LastEntry.Index.Value);
        cluster[1].Change(Kind.Remove, 3);
        cluster.Run();
        cluster.Kill(3);
        Assert.Equal(Outcome.Appended, cluster[1].Change(Kind.AddLearner, 3));
        cluster[1].Receive(old);
        Assert.Equal(LogIndex.Zero, Peer(cluster[1], 3).Match);

        cluster.Join(3); // with an empty disk
        cluster.RunTicks(30);
        Assert.Equal(Outcome.Appended, cluster[1].Change(Kind.Promote, 3));
        cluster.RunTicks(5);
        Assert.All(cluster.Nodes, n => Assert.Equal((ThreeVoters, cluster[1].Core.Commit), (n.Core.Membership, n.Core.Commit)));
    }

    [Fact]
    public void Bug_50_A_member_can_be_added_while_another_is_down()
    {
        TestCluster cluster = Led(3);
        cluster.Kill(3);
        cluster.RunTicks(300);
        cluster.Join(4);
        Assert.Equal(Outcome.Appended, cluster[1].Change(Kind.AddVoter, 4));
        cluster.RunTicks(30);
        Assert.Equal(Membership.Of(Ids(1, 2, 3, 4)), cluster[4].Core.Membership);
        Assert.Equal(Outcome.Appended, cluster[1].Change(Kind.Remove, 3));
        cluster.RunTicks(5);
        Assert.Equal(Membership.Of(Ids(1, 2, 4)), cluster[4].Core.Membership);
    }

    [Fact]
    public void Bug_50_A_member_that_would_tip_the_majority_stays_a_learner_until_it_can_vote()
    {
        TestCluster cluster = Led(2);
        Assert.Equal(Outcome.Appended, cluster[1].Change(Kind.AddVoter, 3)); // which is not there
        cluster.RunTicks(300);
        cluster[1].Propose(1);
        cluster.Run();
        Assert.Equal(cluster[1].Core.LastEntry.Index, cluster[1].Core.Commit);
        Assert.Equal(Outcome.Appended, cluster[1].Change(Kind.Remove, 3));
    }

    [Fact]
    public void Bug_50_A_new_description_promotes_nobody()
    {
        TestCluster cluster = Led(1);
        cluster.Join(2);
        cluster[1].Change(Kind.AddLearner, 2);
        cluster.Run();
        cluster[1].Change(Kind.Describe, 0, new MemberInfo(new(2), new byte[] { 1 }));
        cluster.RunTicks(100);
        Assert.Equal(Ids(1), cluster[2].Core.Membership.Voters);
        Assert.Equal(Ids(2), cluster[2].Core.Membership.Learners);
    }

    /// <summary>Node 1 asks for pre-votes; new voters are 1, 4, 5 and old ones 1, 2, 3.</summary>
    internal static TestNode JointCandidate(CoreFaults faults)
    {
        var node = new TestNode(TestNode.OptionsFor(1), Joint(Ids(1, 4, 5), Ids(1, 2, 3)), faults);
        while (node.Core.Role == RaftRole.Follower) node.Tick();
        return node;
    }

    /// <summary>Node 1 leads 1 and 2, and the promotion of 3 is in its log and nowhere else.</summary>
    internal static TestNode Promoting(CoreFaults faults)
    {
        TestNode leader = SettledLeader(Membership.Of(Ids(1, 2)) with { Learners = [new(3)] }, faults);
        leader.Tick(10);
        leader.Receive(Alive(3, 1, 0));
        Answer(leader, 3);
        leader.Sent.Clear();
        Assert.Equal(Outcome.Appended, leader.Change(Kind.Promote, 3));
        leader.Sync();
        return leader;
    }

    /// <summary>The peer grants the vote that the node last asked it for.</summary>
    internal static void Vote(TestNode node, ulong from, bool preVote) =>
        node.Receive(Ballot(node.Sent.OfType<VoteRequest>().Last(r => r.To.Value == from && r.PreVote == preVote), granted: true));

    /// <summary>Of three, nodes 1 and 2 were removed one after the other, and this is node 1, which has the entries and heard of no commit. Node 2, as ignorant, gives it every vote.</summary>
    internal static TestNode RemovedQuickly(CoreFaults faults)
    {
        TestNode node = NodeWith("1", faults: faults);
        Entry[] entries =
        [
            Config(2, 1, Joint(Ids(2, 3), Ids(1, 2, 3))), Config(3, 1, Membership.Of(Ids(2, 3))),
            Config(4, 1, Joint(Ids(3), Ids(2, 3))), Config(5, 1, Membership.Of(Ids(3))),
        ];
        node.Receive(Append(from: 3, term: 1, Id(1, 1), "") with { Entries = entries });
        node.SyncAll();
        for (int i = 0; i < 300 && node.Core.Role != RaftRole.Leader; i++)
        {
            node.Tick();
            node.SyncAll();
            foreach (VoteRequest request in node.TakeSent<VoteRequest>().Where(r => r.To.Value == 2)) node.Receive(Ballot(request, granted: true));
        }
        return node;
    }

    /// <summary>Node 3 was promoted by the votes of 1 and 2 and has not heard of it.</summary>
    private static TestCluster Promoted()
    {
        TestCluster cluster = Led(2);
        cluster.Join(3);
        cluster[1].Change(Kind.AddLearner, 3);
        cluster.RunTicks(12);
        cluster.Cut(1, 3);
        Assert.Equal(Outcome.Appended, cluster[1].Change(Kind.Promote, 3));
        cluster.Run();
        Assert.Equal(Membership.Of(Ids(1, 2, 3)), cluster[2].Core.Membership);
        return cluster;
    }
}
