namespace Conclave.Raft;

public sealed partial class RaftCore
{
    private ulong _sequence; // of append messages; unique in this process, and so in each term this node leads
    private bool _heartbeatDue;

    private ulong NextSequence => _sequence + 1;

    private void BecomeLeader()
    {
        SetRole(RaftRole.Leader, Self);
        (_electionElapsed, _heartbeatElapsed, _fastCampaignIn, _campaignAttempts) = (0, 0, 0, 0);
        foreach (Progress peer in _roster.Peers) peer.BecomeUnknown(_log.Last.Index, NextSequence);

        _uncommittedBytes = 0;
        for (LogIndex i = _emitted.Next; i <= _log.Last.Index; i = i.Next) _uncommittedBytes += _log[i].Payload.Length;
        // Entries of earlier terms cannot be committed by count, so every leader starts with one of its own.
        _termStart = _log.Last.Index.Next;
        _log.Append(new Entry(_termStart, Term, EntryKind.NoOp, default));
        // The no-op travels with the first probes; links that are being probed hear of the new leader that way, the rest here.
        _heartbeatDue = true;
    }

    private void OnPropose(ReadOnlySpan<Proposal> batch)
    {
        foreach (ref readonly Proposal proposal in batch)
        {
            ProposalOutcome outcome = Admit(proposal.Payload.Length);
            if (outcome == ProposalOutcome.Appended)
            {
                _log.Append(new Entry(_log.Last.Index.Next, Term, EntryKind.Command, proposal.Payload));
                _uncommittedBytes += proposal.Payload.Length;
            }
            EntryId place = outcome == ProposalOutcome.Appended ? _log.Last : default;
            _output.Proposals.Add(new ProposalVerdict(proposal.Id, outcome, place, outcome == ProposalOutcome.NotLeader && !IsTransferring ? Leader : default));
        }
    }

    private ProposalOutcome Admit(int bytes)
    {
        if (Role != RaftRole.Leader || IsTransferring) return ProposalOutcome.NotLeader;
        if (bytes > _options.ProposalBytesMax) return ProposalOutcome.TooLarge;
        if (Takes(RarePath.RefuseProposal)) return ProposalOutcome.TooBusy;
        return _uncommittedBytes + bytes > _options.UncommittedBytesMax && !HasFault(CoreFaults.TakeAnyProposal) ? ProposalOutcome.TooBusy : ProposalOutcome.Appended;
    }

    /// <summary>Everything this peer should hear after a batch. Runs for every peer after every batch, so no state waits for somebody to wake it.</summary>
    private void SendTo(Progress peer)
    {
        while (TryAppendTo(peer)) { }
        if (_heartbeatDue) SendHeartbeat(peer);
        else SendCommitNotice(peer);
    }

    private bool TryAppendTo(Progress peer)
    {
        if (peer.State == ReplicationState.Snapshot || (peer.State == ReplicationState.Probe && peer.Paused)) return false;
        // The entry before the first one sent must still have a name here; an append without it would be accepted blindly.
        if (!_log.TryTermAt(peer.Next.Previous, out Term previousTerm) || (Snapshot is not null && Takes(RarePath.SnapshotInstead)))
        {
            WantSnapshotFor(peer);
            return false;
        }
        bool caughtUp = peer.Next > _log.Last.Index;
        if (peer.State == ReplicationState.Replicate && (caughtUp || peer.Inflight.IsFull || Takes(RarePath.HoldAppend))) return false;

        ReadOnlyMemory<Entry> entries = default;
        long bytes = 0;
        if (!caughtUp && !peer.ProbeEmpty) entries = _log.Slice(peer.Next, Takes(RarePath.ShortAppend) ? 1 : _options.AppendBytesMax, out bytes);
        AppendRequest request = SendAppend(peer, new EntryId(peer.Next.Previous, previousTerm), entries);
        if (peer.State == ReplicationState.Probe)
        {
            (peer.Paused, peer.ProbeSent) = (true, true);
            return false;
        }
        peer.Sent(request.LastIndex, request.Sequence, bytes);
        return true;
    }

    private AppendRequest SendAppend(Progress peer, EntryId previous, ReadOnlyMemory<Entry> entries)
    {
        var request = new AppendRequest
        {
            From = Self,
            To = peer.Node,
            Term = Term,
            Previous = previous,
            Entries = entries,
            Commit = Commit,
            Sequence = ++_sequence,
        };
        peer.CommitTold = LogIndex.Max(peer.CommitTold, LogIndex.Min(Commit, request.LastIndex));
        // Leaves while the leader's own disk still writes: the leader's copy is counted on its own.
        Send(request);
        return request;
    }

    private void SendHeartbeat(Progress peer)
    {
        // Never more than the peer was proven to hold: beyond that its log may still differ.
        LogIndex commit = HasFault(CoreFaults.HeartbeatWithCommit) ? Commit : LogIndex.Min(peer.Match, Commit);
        peer.CommitTold = LogIndex.Max(peer.CommitTold, commit);
        Send(new HeartbeatRequest { From = Self, To = peer.Node, Term = Term, Commit = commit, ReadEpoch = _readEpoch });
    }

    private void SendCommitNotice(Progress peer)
    {
        // Also for what is sent and not yet acknowledged: a follower with a slow disk may apply what a majority has written.
        LogIndex sent = peer.Next.Previous;
        if (peer.State != ReplicationState.Replicate || LogIndex.Min(Commit, sent) <= peer.CommitTold || Takes(RarePath.TellLater)) return;
        if (!_log.TryTermAt(sent, out Term term)) return;
        peer.CommitTold = LogIndex.Min(Commit, sent);
        Send(new CommitNotice { From = Self, To = peer.Node, Term = Term, Verified = new EntryId(sent, term), Commit = Commit });
    }

    private void OnAppendReply(AppendReply reply)
    {
        if (Role != RaftRole.Leader || _roster.Find(reply.From) is not { } peer) return;
        (peer.RecentActive, peer.HeardTick) = (true, _now);
        if (!peer.IsLive(reply.Sequence) || reply.Sequence > _sequence || reply.Hint.Index > _log.Last.Index) return;
        if (reply.Success)
        {
            // More than was ever sent can only come from a damaged peer; believing it could lose data, and so could going on as if it
            // were silent about it. It is ignored and shows up as a peer that never catches up.
            if (reply.Match <= _log.Last.Index) peer.Acknowledge(reply.Match, NextSequence);
            if (peer.State == ReplicationState.Replicate && Takes(RarePath.ProbeAgain)) peer.BecomeProbe(peer.Match.Next, NextSequence);
            return;
        }
        if (peer.IsReverted(reply.Sequence, reply.Hint.Index) && !HasFault(CoreFaults.KeepMatchAfterReversion)) OnLogReverted(peer);
        if (peer.State == ReplicationState.Snapshot) return;

        // Both sides skip whole terms: the follower named its last entry with a term not above the refused one, and the leader takes its own
        // last entry with a term not above that. Below the base nothing can be compared, which ends in a snapshot.
        LogIndex next = _log.TryLastNotAbove(reply.Hint.Index, reply.Hint.Term, out EntryId common) ? common.Index.Next
            : LogIndex.Min(reply.Hint.Index.Next, _log.Base.Index);
        if (HasFault(CoreFaults.HintAsMatch)) peer.Acknowledge(LogIndex.Min(reply.Hint.Index, _log.Last.Index), NextSequence);
        peer.BecomeProbe(LogIndex.Max(next, LogIndex.Zero.Next), NextSequence);
    }

    /// <summary>
    /// The peer lacks what it acknowledged over this very link. It is brought up again, but nothing it says is counted until it is linked anew:
    /// what it forgot once it may forget again.
    /// </summary>
    private void OnLogReverted(Progress peer)
    {
        if (!peer.Distrusted) _output.LogReverted.Add(peer.Node);
        peer.ForgetMatch();
        peer.Distrusted = true;
    }

    private void OnHeartbeatReply(HeartbeatReply reply)
    {
        if (Role != RaftRole.Leader || _roster.Find(reply.From) is not { } peer || reply.ReadEpoch > _readEpoch) return;
        (peer.RecentActive, peer.HeardTick) = (true, _now);
        peer.ReadEpochAcknowledged = Math.Max(peer.ReadEpochAcknowledged, reply.ReadEpoch);
        peer.Recovering = reply.Recovering;
        // Asked for proof of what this leader believes already: an append that ends there gives it, or shows that the belief is wrong.
        if (reply.Unproven && peer.State == ReplicationState.Replicate) peer.BecomeProbe(peer.Match.Next, NextSequence);
        else Redrive(peer);
        RenewTermFor(peer);
    }

    /// <summary>
    /// The peer lives and answers. If replication to it has made no step since it last said so, a message was lost: ask again,
    /// with an empty append, which costs nothing if it was only slow.
    /// </summary>
    private void Redrive(Progress peer)
    {
        if (HasFault(CoreFaults.NoAppendRedrive)) return;
        if (peer.State == ReplicationState.Probe)
        {
            if (peer.Paused) (peer.Paused, peer.ProbeEmpty) = (false, peer.ProbeSent);
        }
        else if (peer.State == ReplicationState.Replicate)
        {
            ulong oldest = peer.Inflight.OldestSequence;
            if (oldest != 0 && oldest == peer.OldestAtHeartbeat && _log.TryTermAt(peer.Next.Previous, out Term term))
                SendAppend(peer, new EntryId(peer.Next.Previous, term), default);
            peer.OldestAtHeartbeat = oldest;
        }
    }
}
