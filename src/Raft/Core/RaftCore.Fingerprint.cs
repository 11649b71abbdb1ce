namespace Conclave.Raft;

/// <summary>What a fingerprint tells apart beside the logical state.</summary>
[Flags]
internal enum FingerprintParts
{
    /// <summary>Role, term, vote, log, memberships, what is known of peers, what waits. Numbers of messages and writes count by their distance to the newest.</summary>
    Logic = 0,

    /// <summary>Everything that depends on how many ticks passed, and the source of chance.</summary>
    Timers = 1,

    /// <summary>Numbers of campaigns, messages, rounds and writes as they are.</summary>
    Counters = 2,

    All = Timers | Counters,
}

public sealed partial class RaftCore
{
    /// <summary>
    /// A hash of all that decides what this core does next: two cores with equal fingerprints of all parts react alike to every input. Between two steps only, when the
    /// last output was flushed. Costs as much as the log in memory is long.
    /// </summary>
    internal ulong Fingerprint(FingerprintParts parts = FingerprintParts.All)
    {
        var hash = new StateHash();
        AddRole(ref hash);
        AddLog(ref hash, parts);
        AddPeers(ref hash, parts);
        AddReads(ref hash, parts);
        if ((parts & FingerprintParts.Timers) != 0) AddTimers(ref hash);
        if ((parts & FingerprintParts.Counters) != 0)
        {
            hash.Add(_round);
            hash.Add(_sequence);
            hash.Add(_readEpoch);
            hash.Add(_readRequestId);
            hash.Add(_lastTicket.Sequence);
        }
        return hash.Value;
    }

    private void AddRole(ref StateHash hash)
    {
        hash.Add((ulong)Role);
        hash.Add(Term.Value);
        hash.Add(VotedFor.Value);
        hash.Add(Leader.Value);
        hash.Add(Commit.Value);
        hash.Add(Applied.Value);
        hash.Add(_emitted.Value);
        hash.Add(_verified.Value);
        hash.Add(_lostEnd);
        if (Role is RaftRole.PreCandidate or RaftRole.Candidate)
        {
            hash.Add(_tally.Granted);
            hash.Add(_tally.Refused);
            hash.Add(_campaignIsTransfer);
            hash.Add(_ownVoteTicket <= _durableTicket);
        }
        if (Role == RaftRole.Leader)
        {
            hash.Add(_termStart.Value);
            hash.Add(_uncommittedBytes);
            hash.Add(_heartbeatDue);
            hash.Add(_transferTarget.Value);
            hash.Add(IsTransferring && _timeoutNowDue);
        }
    }

    private void AddLog(ref StateHash hash, FingerprintParts parts)
    {
        hash.Add(_log.Base);
        for (LogIndex i = _log.Base.Index.Next; i <= _log.Last.Index; i = i.Next)
        {
            ref readonly Entry entry = ref _log[i];
            hash.Add(entry.Id);
            hash.Add((ulong)entry.Kind);
            hash.Add(entry.Payload.Span);
        }
        hash.Add(_durable.Value);
        hash.Add(_handedOver.Value);
        hash.Add(_hardStateChanged);
        hash.Add(IsHardStatePending);
        hash.Add(_truncateFrom?.Value ?? 0);
        hash.Add((ulong)_writes.Count);
        foreach (PendingWrite write in _writes)
        {
            hash.Add(_lastTicket.Sequence - write.Ticket.Sequence);
            hash.Add(write.Last.Value);
            hash.Add(write.Ticket == _hardStateTicket);
            hash.Add(write.Ticket == _ownVoteTicket);
            if ((parts & FingerprintParts.Timers) != 0) hash.Add(_now - write.SinceTick);
        }
        hash.Add(Snapshot?.Last ?? EntryId.Zero);
        hash.Add(Snapshot?.Membership);
        hash.Add(_installing?.Last ?? EntryId.Zero);
        hash.Add(_compactedFor.Value);
        hash.Add(Membership);
        foreach ((LogIndex index, Membership membership) in _configs.All)
        {
            hash.Add(index.Value);
            hash.Add(membership);
        }
    }

    private void AddPeers(ref StateHash hash, FingerprintParts parts)
    {
        foreach (Progress peer in _roster.Peers)
        {
            hash.Add(peer.Node.Value);
            hash.Add(peer.LinkUp);
            hash.Add(peer.LinkDown);
            // On other roles it is what is left of an earlier leadership, and is reset by the next.
            if (Role == RaftRole.Leader) peer.AddTo(ref hash, _sequence, _readEpoch, (parts & FingerprintParts.Timers) != 0 ? _now : null);
        }
    }

    private void AddReads(ref StateHash hash, FingerprintParts parts)
    {
        ulong newest = Role == RaftRole.Leader ? _readEpoch : _readRequestId;
        foreach (PendingRead read in _reads.Waiting) AddRead(ref hash, read, parts);
        foreach (ReadBatch batch in _reads.Outstanding)
        {
            hash.Add(newest - batch.Key);
            hash.Add(batch.Index.Value);
            if ((parts & FingerprintParts.Timers) != 0) hash.Add(_now - batch.SentTick);
            foreach (PendingRead read in batch.Reads) AddRead(ref hash, read, parts);
        }
    }

    private void AddRead(ref StateHash hash, in PendingRead read, FingerprintParts parts)
    {
        hash.Add(read.Id);
        hash.Add(read.From.Value);
        if ((parts & FingerprintParts.Timers) != 0) hash.Add(_now - read.SinceTick);
    }

    private void AddTimers(ref StateHash hash)
    {
        hash.Add((long)_electionElapsed);
        hash.Add((long)_electionTimeout);
        hash.Add((long)_fastCampaignIn);
        hash.Add((long)_campaignAttempts);
        hash.Add((long)_heartbeatElapsed);
        if (IsTransferring) hash.Add((long)_transferElapsed);
        _random.AddTo(ref hash);
    }
}
