using static Conclave.Raft.Tests.Leaders;
using static Conclave.Raft.Tests.Messages;

namespace Conclave.Raft.Tests.Scenarios;

/// <summary>The faults that break no promise and cost progress.</summary>
public partial class FaultProofs
{
    private static readonly Dictionary<CoreFaults, Func<CoreFaults, bool>> Stops = new()
    {
        [CoreFaults.StayWhenDiskStalls] = faults =>
        {
            TestNode leader = SettledLeader(ThreeVoters, faults);
            leader.Propose(1); // never synced
            for (int ticks = 0; ticks < 320; ticks += 20)
            {
                leader.Tick(20);
                leader.Receive(Alive(2, leader.Core.Term.Value, 0));
            }
            return leader.Core.Role == RaftRole.Leader;
        },
        [CoreFaults.NoQuorumCheck] = faults =>
        {
            TestNode leader = SettledLeader(ThreeVoters, faults);
            leader.Tick(250);
            return leader.Core.Role == RaftRole.Leader;
        },
        [CoreFaults.NoAutoLeave] = faults =>
        {
            // An earlier leader entered it.
            var recovered = new RecoveredState { HardState = new HardState(new(1), default), Bootstrap = ThreeVoters, Entries = [Config(1, 1, Joint(Ids(1, 2, 3), Ids(1, 2)))] };
            var leader = new TestNode(TestNode.OptionsFor(1), recovered, faults);
            while (leader.Core.Role == RaftRole.Follower) leader.Tick();
            foreach (bool _ in new[] { true, false }) // the pre-vote and the vote
            {
                foreach (VoteRequest request in leader.TakeSent<VoteRequest>()) leader.Receive(Ballot(request, granted: true));
                leader.SyncAll();
            }
            Answer(leader, 2);
            Answer(leader, 3);
            leader.SyncAll();
            return leader.Core.Membership.IsJoint;
        },
        [CoreFaults.NoAppendRedrive] = faults =>
        {
            TestNode leader = SettledLeader(ThreeVoters, faults);
            leader.Propose(1);
            leader.SyncAll();
            leader.Sent.Clear(); // lost
            for (int heartbeats = 0; heartbeats < 3; heartbeats++) leader.Receive(Alive(2, leader.Core.Term.Value, 0));
            return !leader.Sent.OfType<AppendRequest>().Any(m => m.To.Value == 2);
        },
        [CoreFaults.NoSnapshotRedrive] = faults =>
        {
            TestNode leader = LeaderWith("", faults: faults, change: o => o with { SnapshotTrailingEntries = 0 });
            leader.SyncAll();
            Answer(leader, 2);
            leader.Step(RaftInput.Applied(leader.Core.Commit), RaftInput.SnapshotTaken(new SnapshotId(leader.Core.LastEntry, leader.Core.Membership)));
            leader.Step(RaftInput.LinkUp(new(3)));
            int asked = leader.SnapshotsWanted.Count;
            leader.Step(RaftInput.SnapshotSendFinished(new(3), ok: false));
            leader.Receive(Alive(3, leader.Core.Term.Value, 0));
            leader.Receive(Alive(2, leader.Core.Term.Value, 0));
            leader.Tick(150);
            Assert.Equal((1, RaftRole.Leader), (asked, leader.Core.Role));
            return leader.SnapshotsWanted.Count == asked;
        },
        [CoreFaults.LeakInflight] = faults =>
        {
            TestNode leader = SettledLeader(ThreeVoters, faults);
            leader.Propose(1);
            leader.Step(RaftInput.LinkDown(new(2)));
            leader.Step(RaftInput.LinkUp(new(2)));
            return Peer(leader, 2).InflightCount > 0;
        },
        [CoreFaults.IgnoreHigherTermRefusal] = faults =>
        {
            TestNode node = NodeWith("1", term: 3, faults: faults);
            while (node.Core.Role != RaftRole.PreCandidate) node.Tick();
            node.Receive(Ballot(node.TakeSent<VoteRequest>()[0], granted: false, term: 8));
            return node.Core.Term < new Term(8);
        },
        [CoreFaults.SilentToLateCandidate] = faults =>
        {
            TestNode node = NodeWith("1", term: 5, faults: faults);
            node.Receive(Vote(from: 2, term: 3, Id(1, 1), preVote: true));
            node.SyncAll();
            return node.TakeSent<VoteReply>().Length == 0;
        },
        [CoreFaults.SilentToDeposedLeader] = faults =>
        {
            TestNode node = NodeWith("1", term: 5, faults: faults);
            node.Receive(Heartbeat(from: 2, term: 3));
            node.SyncAll();
            return node.TakeSent<HeartbeatReply>().Length == 0;
        },
        [CoreFaults.NoTransferTimeout] = faults =>
        {
            TestNode leader = SettledLeader(ThreeVoters, faults);
            leader.Transfer(2); // which does not take over
            leader.Tick(60);
            leader.Receive(Alive(3, leader.Core.Term.Value, 0));
            leader.Tick(60);
            Assert.Equal(RaftRole.Leader, leader.Core.Role);
            leader.Propose(1);
            return leader.Proposals[^1].Outcome != ProposalOutcome.Appended;
        },
    };
}
