namespace Conclave.Raft;

public sealed partial class RaftCore
{
    private const int FastCampaignTicksMax = 5;
    private const int CampaignAttemptsMax = 16;

    private VoteTally _tally;
    private ulong _round; // of the current campaign; unique in this process
    private IoTicket _ownVoteTicket; // the write of the own vote
    private int _electionElapsed; // ticks since the leader was heard, a vote was given or a campaign began
    private int _electionTimeout; // drawn from [timeout, 2 x timeout)
    private int _fastCampaignIn; // ticks until a campaign that does not wait for the timeout; 0 = none
    private int _campaignAttempts; // failed ones since a leader was heard

    /// <summary>Others go first. Where there are none, waiting helps nobody.</summary>
    private int CampaignDelay => _roster.IsSoleVoter ? 0 : _options.CampaignDelayTicks;

    private void ResetElectionTimer()
    {
        _electionElapsed = 0;
        _electionTimeout = _options.ElectionTimeoutTicks + _random.Below(_options.ElectionTimeoutTicks) + CampaignDelay;
    }

    /// <summary>Asks first whether an election could be won.</summary>
    private void Campaign()
    {
        ResetElectionTimer();
        _fastCampaignIn = 0;
        // A node whose log is about to be replaced, or has lost its end, does not know what it should have; one that cannot write could not
        // vote for itself.
        if (!MayCampaign || _installing is not null || IsRecovering || IsDiskStalled)
        {
            // The leader is lost all the same: loyalty to it, counted from the timer just reset, would deny others the vote.
            if (Leader != NodeId.None) SetRole(Role, NodeId.None);
            return;
        }

        StartRound(RaftRole.PreCandidate);
        RecordOwnVote();
        if (_roster.HasMajority(_tally.Granted)) StartElection(transfer: false);
        else AskForVotes(preVote: true);
    }

    private void StartElection(bool transfer)
    {
        Term = Term.Next;
        VotedFor = Self;
        _hardStateChanged = true;
        _verified = LogIndex.Zero;
        VoteTally preVotes = _tally;
        StartRound(RaftRole.Candidate);
        if (HasFault(CoreFaults.VoteByPreVote)) _tally = preVotes;
        _campaignIsTransfer = transfer;
        // The own vote counts like any other: once it is durable. The requests wait for it too. A candidate that forgot its term
        // in a crash could ask again in the same term, be granted again, and lead that term with another log.
        _ownVoteTicket = NextTicket;
        AskForVotes(preVote: false);
    }

    private void StartRound(RaftRole role)
    {
        _round++;
        _tally = default;
        SetRole(role, NodeId.None);
    }

    private void AskForVotes(bool preVote)
    {
        foreach (Progress peer in _roster.Peers)
        {
            if (!_roster.IsVoter(peer.Node)) continue;
            Reply(new VoteRequest
            {
                From = Self,
                To = peer.Node,
                Term = Term,
                PreVote = preVote,
                Transfer = !preVote && _campaignIsTransfer,
                Last = _log.Last,
                Round = _round,
            });
        }
    }

    private void OnVoteRequest(VoteRequest request)
    {
        // A snapshot that is being installed counts as held: entries it covers may have been acknowledged by a leader since.
        EntryId last = _installing is { } snapshot && snapshot.Last > _log.Last ? snapshot.Last : _log.Last;
        if (_lostEnd > last) last = _lostEnd; // held once, and perhaps acknowledged
        bool upToDate = request.Last >= last;
        if (HasFault(CoreFaults.LongerLogWins)) upToDate = request.Last.Index >= last.Index;
        if (HasFault(CoreFaults.TransferSkipsLogCheck) && request.Transfer) upToDate = true;
        if (request.PreVote) OnPreVoteRequest(request, upToDate);
        else OnRealVoteRequest(request, upToDate);
    }

    private void OnPreVoteRequest(VoteRequest request, bool upToDate)
    {
        // The election would be in the term after the candidate's, which must be new to this node. A candidate behind our term learns it
        // from the refusal, takes it over and asks again: a node with a high term and a short log must not block the others.
        bool granted = upToDate && request.Term >= Term && !HearsLeader && !Takes(RarePath.RefuseVote);
        // Let the one who asked first go ahead, instead of meeting it in the same term.
        if (granted && _fastCampaignIn > 0) _fastCampaignIn = Math.Max(_fastCampaignIn, 3 + _random.Below(3));
        Reply(new VoteReply { From = Self, To = request.From, Term = Term, PreVote = true, Granted = granted, Round = request.Round });
    }

    private void OnRealVoteRequest(VoteRequest request, bool upToDate)
    {
        bool voteIsFree = VotedFor == NodeId.None || VotedFor == request.From;
        bool loyal = HearsLeader && !request.Transfer && VotedFor != request.From;
        bool granted = request.Term == Term && voteIsFree && upToDate && !loyal && !Takes(RarePath.RefuseVote);
        var reply = new VoteReply { From = Self, To = request.From, Term = Term, PreVote = false, Granted = granted, Round = request.Round };
        if (!granted)
        {
            Reply(reply);
            return;
        }

        if (VotedFor != request.From)
        {
            VotedFor = request.From;
            _hardStateChanged = true;
        }
        if (Role == RaftRole.PreCandidate) SetRole(RaftRole.Follower, NodeId.None);
        ResetElectionTimer();
        _fastCampaignIn = 0;
        if (HasFault(CoreFaults.SkipVotePersist)) Send(reply);
        else Reply(reply); // leaves with the write of the vote
    }

    private void OnVoteReply(VoteReply reply)
    {
        // The round names one campaign: answers to an earlier one, of this term or of this role, count for nothing now.
        bool current = reply.PreVote
            ? Role == RaftRole.PreCandidate && reply.Round == _round
            : Role == RaftRole.Candidate && reply.Round == _round && reply.Term == Term;
        if (HasFault(CoreFaults.StaleVotesCount)) current = Role == (reply.PreVote ? RaftRole.PreCandidate : RaftRole.Candidate);
        if (!current || !_roster.IsVoter(reply.From)) return;

        _tally.Record(_roster.SlotOf(reply.From), reply.Granted);
        if (Role == RaftRole.PreCandidate && _roster.HasMajority(_tally.Granted)) StartElection(transfer: false);
        else if (!TryWin() && CannotWin()) LoseCampaign();
    }

    /// <summary>Counts the own vote once it is durable.</summary>
    private void OnOwnVotePersisted()
    {
        if (Role != RaftRole.Candidate || _durableTicket < _ownVoteTicket) return;
        RecordOwnVote();
        TryWin();
    }

    private void RecordOwnVote()
    {
        if (_roster.SelfVotes) _tally.Record(_roster.SlotOf(Self), granted: true);
    }

    private bool TryWin()
    {
        if (Role != RaftRole.Candidate || !_roster.HasMajority(_tally.Granted)) return false;
        BecomeLeader();
        return true;
    }

    /// <summary>Even if everybody who can still answer agreed, it would not be a majority.</summary>
    private bool CannotWin()
    {
        ulong possible = 0;
        for (int slot = 0; slot < _roster.Slots; slot++)
        {
            ulong bit = 1UL << slot;
            bool unreachable = (_tally.Granted & bit) == 0 && _roster.Find(_roster.At(slot)) is { LinkDown: true };
            if ((_tally.Refused & bit) == 0 && !unreachable) possible |= bit;
        }
        return !_roster.HasMajority(possible);
    }

    private void LoseCampaign()
    {
        SetRole(RaftRole.Follower, NodeId.None);
        CampaignAgainSoon();
    }

    private void CampaignAgainSoon()
    {
        // Try again soon, then less and less soon: a vote split between two costs milliseconds, while a node that cannot win asks seldom.
        int window = FastCampaignTicksMax << Math.Min(_campaignAttempts, CampaignAttemptsMax);
        if (_campaignAttempts < CampaignAttemptsMax) _campaignAttempts++;
        if (window < _options.ElectionTimeoutTicks) _fastCampaignIn = 1 + _random.Below(window) + CampaignDelay;
    }

    /// <summary>
    /// Campaigns after a few ticks. The wait depends on the rank among those left, and the rank on the term, so that two followers that
    /// lost the same leader at the same moment rarely ask at the same moment.
    /// </summary>
    private void ScheduleFastCampaign(NodeId lost)
    {
        if (!MayCampaign || _fastCampaignIn > 0) return;
        int count = 0, position = 0;
        for (int slot = 0; slot < _roster.Slots; slot++)
        {
            NodeId node = _roster.At(slot);
            if (node == lost || !_roster.IsVoter(node)) continue;
            if (node == Self) position = count;
            count++;
        }
        count = Math.Max(count, 1); // the lost one was the only voter left
        int spacing = count <= 2 ? 2 : 1;
        int rank = (position + (int)(Term.Value % (ulong)count)) % count;
        _fastCampaignIn = Math.Min(FastCampaignTicksMax, 1 + rank * spacing + _random.Below(spacing)) + CampaignDelay;
    }

    private void OnLinkUp(NodeId peer)
    {
        if (_roster.Find(peer) is not { } progress) return;
        (progress.LinkUp, progress.LinkDown) = (true, false);
        if (Role == RaftRole.Leader)
        {
            // Whatever was in flight may be lost, and answers to it may belong to the time before the peer restarted. What the peer
            // holds was proven by the process that was there before. It is asked again, from the same place: one round trip, during which
            // nothing new is counted for this peer, instead of trust in a disk that may be another one by now. Commit stays where it is.
            LogIndex next = progress.Match.Next;
            if (!HasFault(CoreFaults.KeepMatchAfterReversion)) progress.ForgetMatch();
            progress.BecomeProbe(next, NextSequence);
            progress.TermRenewed = false;
            return;
        }
        // A cluster that starts need not sit through an election timeout: once a majority is linked and no leader has shown up, ask.
        // If there is one, its followers refuse.
        if (Leader == NodeId.None && Role == RaftRole.Follower && LinksMakeMajority()) ScheduleFastCampaign(NodeId.None);
    }

    private void OnLinkDown(NodeId peer)
    {
        if (_roster.Find(peer) is not { } progress) return;
        (progress.LinkUp, progress.LinkDown) = (false, true);
        if (Role == RaftRole.Leader)
        {
            progress.BecomeProbe(progress.Match.Next, NextSequence);
            progress.Paused = true;
            if (peer == _transferTarget) EndTransfer();
        }
        else if (peer == Leader)
        {
            // A closed connection is the fastest news of a dead leader. It may also be just a closed connection: the pre-vote finds out,
            // because nodes that still hear the leader refuse.
            SetRole(Role, NodeId.None);
            ScheduleFastCampaign(peer);
        }
        else if (Role is RaftRole.Candidate or RaftRole.PreCandidate && CannotWin())
        {
            LoseCampaign();
        }
    }

    private bool LinksMakeMajority()
    {
        if (!_roster.SelfVotes) return false;
        ulong linked = 1UL << _roster.SlotOf(Self);
        foreach (Progress peer in _roster.Peers)
            if (peer.LinkUp) linked |= 1UL << _roster.SlotOf(peer.Node);
        return _roster.HasMajority(linked);
    }
}
