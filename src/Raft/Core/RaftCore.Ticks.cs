namespace Conclave.Raft;

public sealed partial class RaftCore
{
    private int _heartbeatElapsed;

    /// <summary>
    /// Ticks until one of them does more than count, if no other input comes before; at least 1. A driver may sleep that long and then step
    /// as many, so that an idle node need not wake a hundred times a second.
    /// </summary>
    public int TicksUntilDue
    {
        get
        {
            int due = Role == RaftRole.Leader
                ? Math.Min(_options.HeartbeatTicks - _heartbeatElapsed, _options.ElectionTimeoutTicks - _electionElapsed)
                : _electionTimeout - _electionElapsed;
            if (IsTransferring) due = Math.Min(due, _options.ElectionTimeoutTicks - _transferElapsed);
            if (Role != RaftRole.Leader && _fastCampaignIn > 0) due = Math.Min(due, _fastCampaignIn);
            if (_reads.Count > 0) due = Math.Min(due, _options.HeartbeatTicks - _heartbeatElapsed);
            return Math.Max(1, due);
        }
    }

    private void OnTick()
    {
        _now++;
        _electionElapsed++;
        bool interval = ++_heartbeatElapsed >= _options.HeartbeatTicks;
        if (interval) _heartbeatElapsed = 0;

        if (Role == RaftRole.Leader) TickLeader(interval);
        else if ((_fastCampaignIn > 0 && --_fastCampaignIn == 0) || _electionElapsed >= _electionTimeout || Takes(RarePath.CampaignEarly)) Campaign();

        if (interval) RedriveReads();
    }

    private void TickLeader(bool interval)
    {
        // A leader whose disk hangs would keep the others loyal with its heartbeats and the cluster as slow as its disk.
        // Alone it stays: nobody else could do better.
        if (((IsDiskStalled && !HasFault(CoreFaults.StayWhenDiskStalls)) || Takes(RarePath.HandOver)) && !_roster.IsSoleVoter)
        {
            HandOverAtOnce();
            return;
        }
        TickTransfer(interval);
        if (Role != RaftRole.Leader) return;
        if (_electionElapsed >= _options.ElectionTimeoutTicks)
        {
            _electionElapsed = 0;
            if ((!TakeQuorumCheck() && !HasFault(CoreFaults.NoQuorumCheck)) || (Takes(RarePath.StepDown) && !_roster.IsSoleVoter))
            {
                // Clients here must not wait for answers that cannot come, and the others may have elected somebody long ago.
                BecomeFollower(Term, NodeId.None);
                return;
            }
            RedriveSnapshots();
        }
        if (interval || Takes(RarePath.ExtraHeartbeat)) _heartbeatDue = true;
    }

    /// <summary>Whether a majority was heard since the last check.</summary>
    private bool TakeQuorumCheck()
    {
        ulong active = 0;
        for (int slot = 0; slot < _roster.Slots; slot++)
        {
            Progress? peer = _roster.Find(_roster.At(slot));
            if (peer is null or { RecentActive: true }) active |= 1UL << slot;
            if (peer is not null) peer.RecentActive = false;
        }
        return _roster.HasMajority(active);
    }

    /// <summary>Asks again for snapshots that are still wanted, in case the request or its end got lost.</summary>
    private void RedriveSnapshots()
    {
        if (HasFault(CoreFaults.NoSnapshotRedrive)) return;
        foreach (Progress peer in _roster.Peers)
            if (peer.State == ReplicationState.Snapshot && !peer.LinkDown) _output.SnapshotsWanted.Add(peer.Node);
    }
}
