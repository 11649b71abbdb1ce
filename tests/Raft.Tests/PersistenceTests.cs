using static Conclave.Raft.Tests.Messages;

namespace Conclave.Raft.Tests;

public class PersistenceTests
{
    [Fact]
    public void Dependent_messages_come_out_once()
    {
        var op = new PersistOp(new IoTicket(1), null, null, default, [new OutboundMessage(new(2), Accepted(1, 1, 1, 1))]);
        Assert.Single(op.MarkDurable());
        Assert.Throws<InvariantViolationException>(() => op.MarkDurable());
    }

    [Fact]
    public void A_batch_is_one_operation_with_the_newest_hard_state()
    {
        TestNode node = NodeWith("");
        node.Step(RaftInput.Received(Vote(from: 2, term: 3, Id(1, 1))), RaftInput.Received(Vote(from: 3, term: 4, Id(1, 1))));
        PersistOp op = Assert.Single(node.Unsynced);
        Assert.Equal(new HardState(new(4), new(3)), op.HardState);
        node.Sync();
        Assert.Equal([(new Term(3), true), (new Term(4), true)], node.TakeSent<VoteReply>().Select(r => (r.Term, r.Granted)));
    }

    [Fact]
    public void Tickets_rise_and_continue_where_the_driver_says()
    {
        var node = new TestNode(TestNode.OptionsFor(1), new RecoveredState { HardState = default, Bootstrap = ThreeVoters, LastTicket = new(100) });
        node.Receive(Append(from: 2, term: 1, EntryId.Zero, "1"));
        node.Receive(Append(from: 2, term: 1, Id(1, 1), "1"));
        Assert.Equal([101UL, 102UL], node.Unsynced.Select(o => o.Ticket.Sequence));
    }

    [Fact]
    public void A_completion_out_of_order_or_of_nothing_stops_the_node()
    {
        TestNode node = NodeWith("");
        node.Receive(Append(from: 2, term: 1, EntryId.Zero, "1"));
        Assert.Throws<InvariantViolationException>(() => node.Step(RaftInput.Persisted(new IoTicket(2))));
        node.Step(RaftInput.Persisted(new IoTicket(1)));
        Assert.Throws<InvariantViolationException>(() => node.Step(RaftInput.Persisted(new IoTicket(1))));
    }

    [Fact]
    public void A_new_term_is_durable_before_anything_is_said_in_it()
    {
        TestNode node = NodeWith("1");
        node.Receive(Heartbeat(from: 2, term: 6));
        Assert.Empty(node.Sent);
        node.Sync();
        Assert.Single(node.TakeSent<HeartbeatReply>());
        Assert.Equal(new Term(6), node.DiskHardState.Term);
    }

    [Fact]
    public void A_cut_and_its_replacement_are_one_operation()
    {
        TestNode node = NodeWith("1 1 1 1");
        node.Receive(Append(from: 2, term: 2, Id(2, 1), "2 2 2"));
        PersistOp op = Assert.Single(node.Unsynced);
        Assert.Equal((new LogIndex(3), 3), (op.TruncateFrom!.Value, op.Entries.Length));
        node.Sync();
        Assert.Equal("1@1 2@1 3@2 4@2 5@2", string.Join(' ', node.DiskEntries.Select(e => e.Id)));
    }

    [Fact]
    public void Entries_cut_before_they_were_handed_over_never_reach_the_disk()
    {
        TestNode node = NodeWith("1 1");
        node.Step(RaftInput.Received(Append(from: 2, term: 2, Id(2, 1), "2 2")), RaftInput.Received(Append(from: 3, term: 3, Id(2, 1), "3")));
        PersistOp op = Assert.Single(node.Unsynced);
        Assert.Null(op.TruncateFrom);
        Assert.Equal(Id(3, 3), Assert.Single(op.Entries.ToArray()).Id);
    }

    [Fact]
    public void A_single_node_commits_only_what_is_durable()
    {
        var cluster = new TestCluster(1);
        cluster.RunTicks(2);
        TestNode node = cluster[1];
        node.Propose(1);
        Assert.Equal(new LogIndex(1), node.Core.Commit);
        node.SyncSilently();
        Assert.Equal(new LogIndex(1), node.Core.Commit);
        node.Step(RaftInput.Persisted(new IoTicket(3)));
        Assert.Equal(new LogIndex(2), node.Core.Commit);
    }
}
