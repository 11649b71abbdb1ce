using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Conclave.Raft;

public sealed partial class RaftCore
{
    /// <summary>A learner this close behind the commit index, and pipelined to, closes the gap within a round trip once it counts.</summary>
    private const int CaughtUpEntriesMax = 500;

    private readonly ConfigStack _configs;

    /// <summary>These make the own membership wrong on purpose, so that it cannot be checked against anything.</summary>
    private bool HasAnyConfigFault => HasFault(CoreFaults.ConfigAtApply | CoreFaults.NoRollback | CoreFaults.ConfigFromSnapshotOnly | CoreFaults.OldConfigAfterSnapshot);

    /// <summary>The newest membership may still be taken back, or is one half of a change.</summary>
    private bool IsChangePending => _configs.NewestIndex > Commit || _configs.Newest.IsJoint;

    /// <summary>
    /// A voter, or one that will be none when what its log says is committed. Until then it may be the only one that can be elected: a leader that is being
    /// removed may have been alone with the end of the log, and those that remain cannot win against it under the configuration that they know (section 4.2.2 of
    /// the Raft thesis). Its own vote does not count, and once it has committed the change it hands over.
    /// </summary>
    private bool MayCampaign
    {
        get
        {
            if (_roster.SelfVotes) return true;
            for (int i = _configs.All.Count - 1; i > 0 && _configs.All[i].Index > Commit; i--)
                if (_configs.All[i - 1].Membership.IsVoter(Self)) return true;
            return false;
        }
    }

    private ConfigStack RecoverConfigs(RecoveredState recovered)
    {
        LogIndex start = Snapshot?.Last.Index ?? LogIndex.Zero;
        var configs = new ConfigStack(start, Snapshot?.Membership ?? recovered.Bootstrap);
        if (HasFault(CoreFaults.ConfigFromSnapshotOnly)) return configs;
        for (int i = 0; i < recovered.Entries.Count; i++)
        {
            Entry entry = recovered.Entries[i];
            if (entry.Kind != EntryKind.Membership || entry.Index <= start) continue;
            TryReadMembership(entry, out Membership? membership);
            Invariant.Holds(membership is not null, "A membership is understood before it is written.");
            configs.Append(entry.Index, membership);
        }
        return configs;
    }

    /// <summary>False for what no leader of this version appends.</summary>
    private static bool TryReadMembership(in Entry entry, [NotNullWhen(true)] out Membership? membership) =>
        Membership.TryDecode(entry.Payload.Span, out membership) && membership.Voters.Length > 0;

    /// <summary>Makes the newest membership of the log the one that everything here counts by: on append, not on commit (section 4 of the Raft paper).</summary>
    private void PutInForce()
    {
        Membership wanted = HasFault(CoreFaults.ConfigAtApply) ? _configs.At(Commit) ?? Membership : _configs.Newest;
        if (ReferenceEquals(wanted, Membership)) return;
        Roster previous = _roster;
        Membership = wanted;
        _roster = new Roster(wanted, _options, _faults, previous);
        _output.Membership = wanted;
        if (Role == RaftRole.Leader)
        {
            foreach (Progress peer in _roster.Peers)
                if (previous.Find(peer.Node) is null) peer.BecomeUnknown(_log.Last.Index, NextSequence);
            if (_transferTarget != NodeId.None && !_roster.IsVoter(_transferTarget)) EndTransfer();
        }
        else if (Role is RaftRole.Candidate or RaftRole.PreCandidate)
        {
            // Votes are kept by the places of the old configuration, and were asked for under it.
            BecomeFollower(Term, NodeId.None);
        }
    }

    private void OnChangeMembership(ulong id, MembershipChange change)
    {
        MembershipOutcome outcome = Plan(change, out Membership next);
        if (outcome == MembershipOutcome.Appended) AppendMembership(next);
        EntryId place = outcome == MembershipOutcome.Appended ? _log.Last : default;
        _output.MembershipVerdicts.Add(new MembershipVerdict(id, outcome, place, outcome == MembershipOutcome.NotLeader ? Leader : NodeId.None));
    }

    private MembershipOutcome Plan(MembershipChange change, out Membership next)
    {
        next = _configs.Newest;
        if (Role != RaftRole.Leader) return MembershipOutcome.NotLeader;
        // Until an entry of this term is committed, a change that an earlier leader left behind may be unknown to a majority and still be
        // committed by somebody else: two changes would then be under way.
        if (!HasCommittedOwnTerm || IsTransferring) return MembershipOutcome.NotReady;
        if (IsChangePending && !HasFault(CoreFaults.SkipJoint)) return MembershipOutcome.InProgress;
        MembershipOutcome outcome = MembershipPlan.Next(_configs.Newest, change, out next);
        if (outcome != MembershipOutcome.Appended) return outcome;
        if (change.Kind == MembershipChangeKind.Promote && !IsCaughtUp(change.Node)) return MembershipOutcome.NotCaughtUp;
        return HasReachableMajorities(next) ? MembershipOutcome.Appended : MembershipOutcome.WouldLoseQuorum;
    }

    /// <summary>Takes the next step of a change by itself. Runs in every flush of a leader, so a change that an earlier leader began is not left halfway.</summary>
    private void TendMembership()
    {
        bool settled = _configs.NewestIndex <= Commit || HasFault(CoreFaults.LeaveJointEarly);
        if (!settled || !HasCommittedOwnTerm || IsTransferring) return;
        if (_configs.Newest.IsJoint)
        {
            if (HasFault(CoreFaults.NoAutoLeave) && _configs.NewestIndex < _termStart) return;
            AppendMembership(MembershipPlan.Leave(_configs.Newest));
        }
        else if (!_roster.SelfVotes)
        {
            HandOverRemoved();
        }
        else if (_configs.Newest.Joining.Length > 0)
        {
            foreach (NodeId node in _configs.Newest.Joining)
            {
                if (!IsCaughtUp(node) || Plan(new MembershipChange(MembershipChangeKind.Promote, node, []), out Membership next) != MembershipOutcome.Appended) continue;
                AppendMembership(next);
                break;
            }
        }
    }

    private void AppendMembership(Membership next)
    {
        if (HasFault(CoreFaults.SkipJoint)) next = MembershipPlan.Leave(next);
        byte[] payload = next.Encode();
        _log.Append(new Entry(_log.Last.Index.Next, Term, EntryKind.Membership, payload));
        _uncommittedBytes += payload.Length;
        PushConfig(_log.Last.Index, next);
    }

    private void PushConfig(LogIndex index, Membership membership)
    {
        if (HasFault(CoreFaults.NoRollback) && index <= _configs.NewestIndex) _configs.TruncateFrom(index);
        _configs.Append(index, membership);
        PutInForce();
    }

    private bool IsCaughtUp(NodeId node) => _roster.Find(node) is { State: ReplicationState.Replicate } peer
        && IsHeard(peer) && peer.Counted + CaughtUpEntriesMax >= Commit;

    /// <summary>Leader: the peer answered within the last election timeout.</summary>
    private bool IsHeard(Progress peer) => !peer.LinkDown && peer.HeardTick is { } tick && _now - tick <= _options.ElectionTimeoutTicks;

    private bool HasReachableMajorities(Membership membership) =>
        HasReachableMajority(membership.Voters) && HasReachableMajority(membership.VotersOutgoing);

    private bool HasReachableMajority(ImmutableArray<NodeId> voters)
    {
        int reachable = 0;
        foreach (NodeId node in voters)
            if (node == Self || (_roster.Find(node) is { } peer && IsHeard(peer))) reachable++;
        return voters.Length == 0 || 2 * reachable > voters.Length;
    }
}
