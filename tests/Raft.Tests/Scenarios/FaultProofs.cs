using static Conclave.Raft.Tests.Leaders;
using static Conclave.Raft.Tests.Messages;
using Kind = Conclave.Raft.MembershipChangeKind;
using Outcome = Conclave.Raft.MembershipOutcome;

namespace Conclave.Raft.Tests.Scenarios;

/// <summary>Each switchable fault does the damage it is named for, and the correct core does not: one short schedule each.</summary>
public partial class FaultProofs
{
    private static readonly Dictionary<CoreFaults, Func<CoreFaults, bool>> Damages = new()
    {
        [CoreFaults.SkipVotePersist] = faults =>
        {
            TestNode node = NodeWith("", faults: faults);
            node.Receive(Vote(from: 2, term: 1, EntryId.Zero));
            node.SyncAll();
            return node.TakeSent<VoteReply>().Any(r => r.Granted) && node.DiskHardState.VotedFor == NodeId.None;
        },
        [CoreFaults.AckBeforeSync] = faults =>
        {
            TestNode node = NodeWith("", faults: faults);
            node.Receive(Append(from: 2, term: 1, EntryId.Zero, "1"));
            return node.TakeSent<AppendReply>().Length > 0;
        },
        [CoreFaults.CommitPriorTermByCount] = faults =>
        {
            TestNode leader = LeaderWith("1 1", faults: faults);
            leader.Sync();
            AppendRequest probe = leader.TakeSent<AppendRequest>()[0];
            leader.Receive(Accepted(2, 2, probe.Sequence, 2));
            return leader.Core.Commit > LogIndex.Zero;
        },
        [CoreFaults.TruncateWithoutConflict] = faults =>
        {
            TestNode node = NodeWith("1 1 1", faults: faults);
            node.Receive(Append(from: 2, term: 1, Id(1, 1), "1"));
            return node.Core.LastEntry != Id(3, 1);
        },
        [CoreFaults.AckBeyondMessage] = faults =>
        {
            TestNode node = NodeWith("1 1 1", faults: faults);
            node.Receive(Append(from: 2, term: 2, Id(1, 1), "", commit: 3));
            return node.Core.Commit > new LogIndex(1);
        },
        [CoreFaults.ReadBeforeNoOp] = faults =>
        {
            TestNode leader = LeaderWith("1 1", faults: faults);
            leader.Step(RaftInput.Read(1));
            leader.Receive(Alive(2, 2, leader.TakeSent<HeartbeatRequest>()[^1].ReadEpoch));
            return leader.Reads.Count > 0;
        },
        [CoreFaults.ReadWithoutQuorum] = faults =>
        {
            TestNode leader = SettledLeader(ThreeVoters, faults);
            leader.Step(RaftInput.Read(1));
            return leader.Reads.Count > 0;
        },
        [CoreFaults.CountUnflushedOwn] = faults =>
        {
            TestNode leader = LeaderWith("", faults: faults);
            leader.Receive(Accepted(2, 1, leader.TakeSent<AppendRequest>()[0].Sequence, 1));
            return leader.Core.Commit > LogIndex.Zero;
        },
        [CoreFaults.HintAsMatch] = faults =>
        {
            TestNode leader = LeaderWith("1 1 1", faults: faults);
            leader.Receive(Refused(2, 2, leader.TakeSent<AppendRequest>()[0].Sequence, Id(2, 1)));
            return Peer(leader, 2).Match > LogIndex.Zero;
        },
        [CoreFaults.VoteClearedOnStepDown] = faults =>
        {
            TestNode node = NodeWith("1", faults: faults);
            while (node.Core.Role != RaftRole.PreCandidate) node.Tick();
            node.Receive(Ballot(node.TakeSent<VoteRequest>()[0], granted: true));
            node.Receive(Heartbeat(from: 2, term: 2));
            return node.Core.VotedFor != new NodeId(1);
        },
        [CoreFaults.LongerLogWins] = faults => Votes(NodeWith("1 1 3", faults: faults), Vote(from: 2, term: 5, Id(900, 2))),
        [CoreFaults.StaleVotesCount] = faults =>
        {
            TestNode node = NodeWith("", faults: faults);
            while (node.Core.Role != RaftRole.PreCandidate) node.Tick();
            VoteRequest old = node.TakeSent<VoteRequest>()[0];
            node.Tick(200);
            node.Receive(Ballot(old, granted: true));
            return node.Core.Role == RaftRole.Candidate;
        },
        [CoreFaults.ConfigAtApply] = faults => MembershipBugs.RemovedQuickly(faults).Core.Role == RaftRole.Leader,
        [CoreFaults.SkipJoint] = faults =>
        {
            TestNode leader = SettledLeader(Membership.Of(Ids(1, 2, 3, 4, 5)), faults);
            return leader.Change(Kind.Remove, 4) == Outcome.Appended && !leader.Core.Membership.IsJoint && leader.Change(Kind.Remove, 5) == Outcome.Appended;
        },
        [CoreFaults.ElectByUnion] = faults =>
        {
            TestNode node = MembershipBugs.JointCandidate(faults);
            MembershipBugs.Vote(node, 4, preVote: true);
            MembershipBugs.Vote(node, 5, preVote: true);
            return node.Core.Role == RaftRole.Candidate;
        },
        [CoreFaults.CommitByNewVoters] = faults =>
        {
            TestNode leader = MembershipBugs.Promoting(faults);
            LogIndex joint = leader.Core.LastEntry.Index;
            Answer(leader, 3);
            return leader.Core.Commit >= joint;
        },
        [CoreFaults.LeaveJointEarly] = faults =>
        {
            TestNode leader = MembershipBugs.Promoting(faults);
            return !leader.Core.Membership.IsJoint;
        },
        [CoreFaults.NoRollback] = faults =>
        {
            TestNode node = NodeWith("1", faults: faults);
            node.Receive(Append(from: 2, term: 1, Id(1, 1), "") with { Entries = new[] { Config(2, 1, Membership.Of(Ids(2, 3))) } });
            node.Receive(Append(from: 3, term: 2, Id(1, 1), "2"));
            return node.Core.Membership != ThreeVoters;
        },
        [CoreFaults.ConfigFromSnapshotOnly] = faults =>
        {
            TestNode node = NodeWith("1", faults: faults);
            node.Receive(Append(from: 2, term: 1, Id(1, 1), "") with { Entries = new[] { Config(2, 1, Membership.Of(Ids(2, 3))) } });
            node.SyncAll();
            return node.Restart().Core.Membership == ThreeVoters;
        },
        [CoreFaults.OldConfigAfterSnapshot] = faults =>
        {
            TestNode node = NodeWith("1", faults: faults);
            node.Step(RaftInput.SnapshotReceived(new(2), new(1), new SnapshotId(Id(9, 1), Membership.Of(Ids(2, 3)))));
            node.InstallSnapshot();
            return node.Core.Membership == ThreeVoters;
        },
        [CoreFaults.LearnerCounts] = faults =>
        {
            TestNode leader = SettledLeader(ThreeVoters with { Learners = [new(4), new(5)] }, faults);
            leader.Propose(1);
            leader.Sync();
            for (int i = 0; i < 4; i++)
            {
                Answer(leader, 4);
                Answer(leader, 5);
            }
            return leader.Core.Commit == leader.Core.LastEntry.Index;
        },
        [CoreFaults.TransferWithoutCatchUp] = faults =>
        {
            TestNode leader = SettledLeader(ThreeVoters, faults);
            leader.Propose(1);
            leader.Transfer(2);
            return leader.TakeSent<TimeoutNow>().Length > 0;
        },
        [CoreFaults.TransferSkipsLogCheck] = faults => Votes(NodeWith("1 1 1", faults: faults), Vote(from: 2, term: 5, Id(1, 1), transfer: true)),
        [CoreFaults.AcceptAnyTimeoutNow] = faults =>
        {
            TestNode node = NodeWith("1", faults: faults);
            node.Receive(Heartbeat(from: 2, term: 1));
            node.Receive(new TimeoutNow { From = new(3), To = new(1), Term = new(1), Last = Id(1, 1) });
            return node.Core.Role == RaftRole.Candidate;
        },
        [CoreFaults.IgnoreLostEnd] = faults =>
        {
            var node = new TestNode(TestNode.OptionsFor(1), new RecoveredState
            {
                HardState = new HardState(new(1), NodeId.None),
                Bootstrap = ThreeVoters,
                LostEnd = Id(5, 1),
            }, faults);
            return Votes(node, Vote(from: 2, term: 2, Id(4, 1)));
        },
        [CoreFaults.KeepMatchAfterReversion] = faults =>
        {
            TestNode leader = SettledLeader(ThreeVoters, faults);
            leader.Step(RaftInput.LinkUp(new(2)));
            return Peer(leader, 2).Match > LogIndex.Zero;
        },
        [CoreFaults.ReuseReadEpoch] = faults =>
        {
            TestNode leader = SettledLeader(ThreeVoters, faults);
            leader.Step(RaftInput.Read(1));
            leader.Receive(Alive(2, 1, leader.TakeSent<HeartbeatRequest>()[^1].ReadEpoch));
            leader.Step(RaftInput.Read(2));
            return leader.Reads.Count == 2;
        },
        [CoreFaults.VoteByPreVote] = faults =>
        {
            TestNode node = NodeWith("1", faults: faults);
            while (node.Core.Role != RaftRole.PreCandidate) node.Tick();
            node.Receive(Ballot(node.TakeSent<VoteRequest>()[0], granted: true));
            node.SyncAll();
            return node.Core.Role == RaftRole.Leader;
        },
        [CoreFaults.CommitBeyondVerified] = faults =>
        {
            TestNode node = NodeWith("1 1 1 1 1", faults: faults);
            node.Receive(Append(from: 2, term: 2, Id(1, 1), "1 1", commit: 5));
            return node.Core.Commit > new LogIndex(3);
        },
        [CoreFaults.StableMarkFromOldTicket] = faults =>
        {
            TestNode node = NodeWith("1", faults: faults);
            node.Receive(Append(from: 2, term: 2, Id(1, 1), "2 2", sequence: 1));
            node.Receive(Append(from: 3, term: 3, Id(1, 1), "3 3", sequence: 1));
            node.Step(RaftInput.Persisted(node.SyncSilently(operations: 1)));
            return node.Core.Durable > new LogIndex(1);
        },
        [CoreFaults.HeartbeatWithCommit] = faults =>
        {
            TestNode node = NodeWith("1 1 1", faults: faults);
            node.Receive(Heartbeat(from: 2, term: 2, commit: 3));
            return node.Core.Commit > LogIndex.Zero;
        },
        [CoreFaults.TakeAnyProposal] = faults =>
        {
            TestNode leader = LeaderWith("", faults: faults, change: o => o with { UncommittedBytesMax = 1000, ProposalBytesMax = 900 });
            leader.Step(RaftInput.Propose(new Proposal[] { new(1, new byte[600]), new(2, new byte[600]) }));
            return leader.Proposals[^1].Outcome == ProposalOutcome.Appended;
        },
        [CoreFaults.TakeAnyRead] = faults =>
        {
            TestNode node = NodeWith("", faults: faults, change: o => o with { ReadsPendingMax = 2 });
            node.Step(RaftInput.Read(1), RaftInput.Read(2), RaftInput.Read(3));
            return node.Core.CountPendingReads() > 2;
        },
        [CoreFaults.KeepLongTail] = faults =>
        {
            var cluster = new TestCluster(1, o => o with { SnapshotTrailingBytesMax = 4 }, faults); // one byte per entry
            cluster.RunTicks(2);
            TestNode node = cluster[1];
            node.Propose(1, 2, 3, 4, 5, 6, 7, 8, 9);
            cluster.Run();
            LogIndex last = node.Core.Commit;
            node.Step(RaftInput.Applied(last), RaftInput.SnapshotTaken(new SnapshotId(node.Core.LastEntry, node.Core.Membership)));
            return (long)(last.Value - node.Core.LogBase.Index.Value) > 4;
        },
    };

    public static TheoryData<string> Names => [.. Enum.GetNames<CoreFaults>().Where(n => n != nameof(CoreFaults.None))];

    [Theory, MemberData(nameof(Names))]
    public void A_fault_does_damage_that_the_correct_core_does_not(string name)
    {
        CoreFaults fault = Enum.Parse<CoreFaults>(name);
        Assert.True(Damages.TryGetValue(fault, out Func<CoreFaults, bool>? damage) || Stops.TryGetValue(fault, out damage), "Write a schedule for the new fault.");
        Assert.False(damage(CoreFaults.None));
        Assert.True(damage(fault));
    }

    private static bool Votes(TestNode node, VoteRequest request)
    {
        node.Receive(request);
        node.SyncAll();
        return Assert.Single(node.TakeSent<VoteReply>()).Granted;
    }
}
