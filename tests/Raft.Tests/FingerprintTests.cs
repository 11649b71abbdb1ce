using static Conclave.Raft.Tests.Messages;

namespace Conclave.Raft.Tests;

public class FingerprintTests
{
    [Fact]
    public void The_same_inputs_lead_to_the_same_fingerprint_and_another_input_to_another()
    {
        var inputs = new List<RaftInput>
        {
            RaftInput.Tick(),
            RaftInput.LinkUp(new(2)),
            RaftInput.Received(Append(from: 2, term: 1, EntryId.Zero, "1 1", commit: 1)),
            RaftInput.Read(5),
            RaftInput.Received(Heartbeat(from: 2, term: 1, commit: 2)),
            RaftInput.Received(Vote(from: 3, term: 1, Id(9, 1), preVote: true)),
            RaftInput.Tick(),
        };
        TestNode a = NodeWith(""), b = NodeWith("");
        var seen = new HashSet<ulong> { a.Core.Fingerprint() };
        foreach (RaftInput input in inputs)
        {
            a.Step(input);
            b.Step(input);
            a.SyncAll();
            b.SyncAll();
            Assert.Equal(a.Core.Fingerprint(), b.Core.Fingerprint());
            // A pre-vote that is refused is the one that changes nothing.
            Assert.Equal(input.Message is not VoteRequest, seen.Add(a.Core.Fingerprint()));
        }
    }

    [Fact]
    public void Without_timers_a_tick_that_only_counts_changes_nothing()
    {
        TestNode node = NodeWith("1");
        (ulong all, ulong logic) = (node.Core.Fingerprint(), node.Core.Fingerprint(FingerprintParts.Logic));
        node.Tick();
        Assert.NotEqual(all, node.Core.Fingerprint());
        Assert.Equal(logic, node.Core.Fingerprint(FingerprintParts.Logic));
    }

    [Fact]
    public void Without_counters_the_way_to_a_state_leaves_no_trace()
    {
        TestNode straight = NodeWith("1"), detour = NodeWith("1");
        foreach (TestNode node in new[] { straight, detour })
        {
            node.Receive(Append(from: 2, term: 1, Id(1, 1), "1"));
            node.SyncAll();
        }
        detour.Receive(Append(from: 2, term: 1, Id(1, 1), "1", sequence: 2));
        detour.Step(RaftInput.Read(1)); // asked and answered
        detour.Receive(new ReadIndexReply { From = new(2), To = new(1), Term = new(1), RequestId = detour.TakeSent<ReadIndexRequest>()[0].RequestId, Index = new(1) });
        Assert.NotEqual(straight.Core.Fingerprint(), detour.Core.Fingerprint());
        Assert.Equal(straight.Core.Fingerprint(FingerprintParts.Logic), detour.Core.Fingerprint(FingerprintParts.Logic));
    }

    [Fact]
    public void Everything_that_a_leader_knows_counts()
    {
        TestNode leader = LeaderWith("1");
        leader.Sync();
        var seen = new HashSet<ulong> { Logic() };
        AppendRequest probe = leader.TakeSent<AppendRequest>().First(m => m.To.Value == 2);
        leader.Receive(Accepted(2, 2, probe.Sequence, 1));
        Assert.True(seen.Add(Logic()));
        leader.Receive(Accepted(2, 2, leader.TakeSent<AppendRequest>().Last(m => m.To.Value == 2).Sequence, 2));
        Assert.True(seen.Add(Logic()));
        leader.Change(MembershipChangeKind.AddLearner, 4);
        Assert.True(seen.Add(Logic()));
        leader.Sync();
        Assert.True(seen.Add(Logic()));
        leader.Transfer(2);
        Assert.True(seen.Add(Logic()));

        ulong Logic() => leader.Core.Fingerprint(FingerprintParts.Logic);
    }
}
