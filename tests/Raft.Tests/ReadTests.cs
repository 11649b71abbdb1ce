using static Conclave.Raft.Tests.Messages;

namespace Conclave.Raft.Tests;

public class ReadTests
{
    [Fact]
    public void All_reads_of_a_batch_share_one_round_that_a_majority_must_answer()
    {
        TestNode leader = Settled(LeaderWith(""));
        leader.Step(RaftInput.Read(1), RaftInput.Read(2), RaftInput.Read(3));
        HeartbeatRequest[] round = leader.TakeSent<HeartbeatRequest>();
        Assert.Equal(2, round.Length);
        Assert.Empty(leader.Reads);

        leader.Receive(Alive(from: 3, term: 1, round[0].ReadEpoch));
        Assert.Equal([1UL, 2UL, 3UL], leader.Reads.Select(r => r.ReadId));
        Assert.All(leader.Reads, r => Assert.Equal((ReadOutcome.Ready, leader.Core.Commit), (r.Outcome, r.Index)));
    }

    [Fact]
    public void An_answer_to_an_earlier_round_does_not_confirm_a_later_one()
    {
        TestNode leader = Settled(LeaderWith(""));
        leader.Step(RaftInput.Read(1));
        ulong first = leader.TakeSent<HeartbeatRequest>()[0].ReadEpoch;
        leader.Step(RaftInput.Read(2));
        ulong second = leader.TakeSent<HeartbeatRequest>()[0].ReadEpoch;
        Assert.True(second > first);

        leader.Receive(Alive(from: 2, term: 1, first));
        leader.Receive(Alive(from: 3, term: 1, first));
        Assert.Equal([1UL], leader.Reads.Select(r => r.ReadId));
        leader.Receive(Alive(from: 2, term: 1, second));
        Assert.Equal([1UL, 2UL], leader.Reads.Select(r => r.ReadId));
    }

    [Fact]
    public void A_later_round_confirms_the_earlier_ones_too()
    {
        TestNode leader = Settled(LeaderWith(""));
        leader.Step(RaftInput.Read(1));
        leader.Step(RaftInput.Read(2));
        leader.Receive(Alive(from: 2, term: 1, leader.TakeSent<HeartbeatRequest>()[^1].ReadEpoch));
        Assert.Equal([1UL, 2UL], leader.Reads.Select(r => r.ReadId));
    }

    [Fact]
    public void A_follower_asks_the_leader_once_per_batch()
    {
        var cluster = new TestCluster(3);
        TestNode leader = cluster.Elect(1);
        cluster.RunTicks(10);
        cluster[2].Step(RaftInput.Read(7), RaftInput.Read(8));
        Assert.Single(cluster[2].Sent, m => m is ReadIndexRequest);
        cluster.Run();
        Assert.Equal([7UL, 8UL], cluster[2].Reads.Select(r => r.ReadId));
        Assert.All(cluster[2].Reads, r => Assert.Equal(leader.Core.Commit, r.Index));
    }

    [Fact]
    public void Reads_wait_for_a_leader_and_are_refused_when_none_comes()
    {
        TestNode node = NodeWith("");
        node.Step(RaftInput.Read(5));
        node.Tick(290);
        Assert.Empty(node.Reads);
        node.Tick(30);
        Assert.Equal(ReadOutcome.Refused, Assert.Single(node.Reads).Outcome);
    }

    [Fact]
    public void Reads_that_wait_survive_a_change_of_leader()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.RunTicks(10);
        cluster.Isolate(1);
        cluster[1].Step(RaftInput.Read(1)); // at the leader that is cut off
        cluster[3].Step(RaftInput.Read(3)); // its question is lost
        cluster.Elect(2);
        cluster.RunTicks(30);
        Assert.Equal(ReadOutcome.Ready, Assert.Single(cluster[3].Reads).Outcome);
        Assert.Empty(cluster[1].Reads);

        cluster.Heal();
        cluster.RunTicks(30);
        Assert.Equal((ReadOutcome.Ready, cluster[2].Core.Commit), (Assert.Single(cluster[1].Reads).Outcome, cluster[1].Reads[0].Index));
    }

    [Fact]
    public void A_lost_question_or_answer_is_repeated_under_a_new_id()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.RunTicks(10);
        cluster[2].Step(RaftInput.Read(1));
        ulong first = Assert.Single(cluster[2].TakeSent<ReadIndexRequest>()).RequestId;
        cluster[2].Tick(30);
        ulong second = Assert.Single(cluster[2].TakeSent<ReadIndexRequest>()).RequestId;
        Assert.NotEqual(first, second);
        cluster[2].Receive(new ReadIndexReply { From = new(1), To = new(2), Term = new(1), RequestId = first, Index = new(1) });
        Assert.Empty(cluster[2].Reads);
    }

    [Fact]
    public void Too_many_waiting_reads_are_refused_at_once()
    {
        TestNode node = NodeWith("", change: o => o with { ReadsPendingMax = 2 });
        node.Step(RaftInput.Read(1), RaftInput.Read(2), RaftInput.Read(3));
        Assert.Equal((3UL, ReadOutcome.Refused), (Assert.Single(node.Reads).ReadId, node.Reads[0].Outcome));
    }

    [Fact]
    public void A_single_node_confirms_itself()
    {
        var cluster = new TestCluster(1);
        cluster.RunTicks(2);
        cluster[1].Step(RaftInput.Read(1));
        Assert.Equal(ReadOutcome.Ready, Assert.Single(cluster[1].Reads).Outcome);
    }

    [Fact]
    public void A_read_round_whose_heartbeats_are_lost_is_confirmed_by_the_next_heartbeat()
    {
        var cluster = new TestCluster(3);
        TestNode leader = cluster.Elect(1);
        cluster.RunTicks(10);
        leader.Step(RaftInput.Read(1));
        leader.Sent.Clear();
        cluster.RunTicks(11);
        Assert.Equal(ReadOutcome.Ready, Assert.Single(leader.Reads).Outcome);
    }

    private static TestNode Settled(TestNode leader)
    {
        leader.Sync();
        foreach (AppendRequest probe in leader.TakeSent<AppendRequest>())
            leader.Receive(Accepted(probe.To.Value, leader.Core.Term.Value, probe.Sequence, probe.LastIndex.Value));
        leader.Sent.Clear();
        return leader;
    }
}
