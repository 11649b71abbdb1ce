namespace Conclave.Raft;

/// <summary>What a leader knows of one peer's log, and what every node knows of the link to it.</summary>
internal sealed class Progress(NodeId node, RaftOptions options, CoreFaults faults = CoreFaults.None)
{
    private readonly CoreFaults _faults = faults;

    public NodeId Node { get; } = node;
    public InflightWindow Inflight { get; } = new(options.InflightCountMax, options.InflightBytesMax);

    /// <summary>
    /// The peer durably holds the leader's log up to here. Rises only with live acknowledgements, and falls only to zero, when it is to be proven anew.
    /// </summary>
    public LogIndex Match { get; private set; }

    /// <summary>What the peer's copy counts for: <see cref="Match"/>, or nothing.</summary>
    public LogIndex Counted => Distrusted ? LogIndex.Zero : Match;

    /// <summary>The peer lost what it had acknowledged, since the link stands.</summary>
    public bool Distrusted { get; set; }

    private ulong _matchKnownFrom; // requests from this sequence on were sent when Match was known

    /// <summary>Next entry to send; always after <see cref="Match"/>.</summary>
    public LogIndex Next { get; private set; }

    public ReplicationState State { get; private set; }

    /// <summary>While probing: a message is on its way and nothing more is sent until an answer or a heartbeat's answer comes.</summary>
    public bool Paused { get; set; }

    /// <summary>A probe was sent since this state began.</summary>
    public bool ProbeSent { get; set; }

    /// <summary>The probe is being repeated: it carries no entries, in case the disk over there is slow and not the network.</summary>
    public bool ProbeEmpty { get; set; }

    /// <summary>Answers to earlier sequences speak of a state before the last reset, perhaps of another connection; they prove nothing now.</summary>
    public ulong FirstLiveSequence { get; private set; }

    /// <summary>Highest commit index that some message told the peer and that it could verify.</summary>
    public LogIndex CommitTold { get; set; }

    /// <summary>Heard from since the last quorum check.</summary>
    public bool RecentActive { get; set; }

    /// <summary>When the peer last answered this leader; null when it has not.</summary>
    public long? HeardTick { get; set; }

    public ulong ReadEpochAcknowledged { get; set; }

    /// <summary>Said with its last answer that its disk lost entries which it does not have back.</summary>
    public bool Recovering { get; set; }

    /// <summary>A new term was asked for on its account, since it is linked. It is done once: it costs everybody an election.</summary>
    public bool TermRenewed { get; set; }

    /// <summary>Times that leadership was handed to it, in this leadership, and it did not take over.</summary>
    public int TransfersFailed { get; set; }

    /// <summary>Last index of the snapshot that was asked for.</summary>
    public LogIndex PendingSnapshot { get; private set; }

    /// <summary>Oldest message in flight when the last heartbeat was answered: the same one twice means that it or its answer was lost.</summary>
    public ulong OldestAtHeartbeat { get; set; }

    public bool LinkUp { get; set; }
    public bool LinkDown { get; set; }

    /// <summary>A new leader knows nothing of the peer's log and guesses that it equals its own.</summary>
    public void BecomeUnknown(LogIndex last, ulong firstLiveSequence)
    {
        ForgetMatch();
        (RecentActive, HeardTick) = (false, null);
        (Recovering, TermRenewed, TransfersFailed) = (false, false, 0);
        ReadEpochAcknowledged = 0;
        BecomeProbe(last.Next, firstLiveSequence);
    }

    public void BecomeProbe(LogIndex next, ulong firstLiveSequence)
    {
        Enter(ReplicationState.Probe, firstLiveSequence);
        Next = LogIndex.Max(next, Match.Next);
    }

    public void BecomeSnapshot(LogIndex snapshot, ulong firstLiveSequence)
    {
        Enter(ReplicationState.Snapshot, firstLiveSequence);
        PendingSnapshot = snapshot;
    }

    /// <summary>Another process may be there now, with another disk. Changes nothing about what is sent next.</summary>
    public void ForgetMatch() => (Match, _matchKnownFrom, Distrusted) = (LogIndex.Zero, 0, false);

    /// <summary>
    /// The peer refused, naming a place before <see cref="Match"/>. That alone proves nothing: the answer may be older than the acknowledgement. If the
    /// request left when the acknowledgement was here, the peer's log has gone back since.
    /// </summary>
    public bool IsReverted(ulong refusedSequence, LogIndex hint) => hint < Match && refusedSequence >= _matchKnownFrom;

    public bool IsLive(ulong sequence) => sequence >= FirstLiveSequence;

    /// <summary>A live acknowledgement.</summary>
    public void Acknowledge(LogIndex match, ulong nextSequence)
    {
        if (match > Match) (Match, _matchKnownFrom) = (match, nextSequence);
        if (State == ReplicationState.Probe)
        {
            // Sequences stay live: what is in flight was sent from the position that has just been confirmed.
            (State, Paused, ProbeEmpty, Next) = (ReplicationState.Replicate, false, false, Match.Next);
        }
        Inflight.FreeUpTo(Match);
        if (Next <= Match) Next = Match.Next;
    }

    /// <summary>Notes a pipelined message that ends at <paramref name="last"/>.</summary>
    public void Sent(LogIndex last, ulong sequence, long bytes)
    {
        Invariant.Holds(State == ReplicationState.Replicate, "Only a peer whose position is known is sent to ahead of its answers.");
        Inflight.Add(last, sequence, bytes);
        Next = last.Next;
    }

    public PeerStatus Status() => new(Node, Match, Next, State, RecentActive, LinkDown, Inflight.Count, Inflight.Bytes);

    /// <summary>Everything a leader's next step depends on. Sequences and epochs count by their distance to the newest; times only if <paramref name="now"/> is given.</summary>
    public void AddTo(ref StateHash hash, ulong newestSequence, ulong newestEpoch, long? now)
    {
        hash.Add(Match.Value);
        hash.Add(Next.Value);
        hash.Add((ulong)State);
        hash.Add(Paused);
        hash.Add(ProbeSent);
        hash.Add(ProbeEmpty);
        hash.Add(Distrusted);
        hash.Add(RecentActive);
        hash.Add(Recovering);
        hash.Add(TermRenewed);
        hash.Add((long)TransfersFailed);
        hash.Add(CommitTold.Value);
        hash.Add(PendingSnapshot.Value);
        hash.Add(newestSequence - FirstLiveSequence);
        hash.Add(_matchKnownFrom == 0 ? 0 : 1 + newestSequence - _matchKnownFrom);
        hash.Add(OldestAtHeartbeat == 0 ? 0 : 1 + newestSequence - OldestAtHeartbeat);
        hash.Add(newestEpoch - ReadEpochAcknowledged);
        Inflight.AddTo(ref hash, newestSequence);
        if (now is { } tick) hash.Add(HeardTick is { } heard ? tick - heard : -1);
    }

    public void Save(ref FieldWriter writer)
    {
        writer.Varint(Node.Value);
        writer.Byte((byte)State);
        writer.Index(Match);
        writer.Index(Next);
        writer.Varint(_matchKnownFrom);
        writer.Varint(FirstLiveSequence);
        writer.Index(CommitTold);
        writer.Index(PendingSnapshot);
        writer.Varint(ReadEpochAcknowledged);
        writer.Varint(OldestAtHeartbeat);
        writer.Long(TransfersFailed);
        writer.Flag(HeardTick is not null);
        if (HeardTick is { } tick) writer.Long(tick);
        foreach (bool flag in (ReadOnlySpan<bool>)[Distrusted, Paused, ProbeSent, ProbeEmpty, RecentActive, Recovering, TermRenewed, LinkUp, LinkDown]) writer.Flag(flag);
        Inflight.Save(ref writer);
    }

    /// <summary>Into one that knows nothing yet, of the same peer.</summary>
    public void Load(ref FieldReader reader)
    {
        reader.Expect(reader.Varint() == Node.Value);
        byte state = reader.Byte();
        reader.Expect(state <= (byte)ReplicationState.Snapshot);
        State = (ReplicationState)state;
        (Match, Next, _matchKnownFrom) = (reader.Index(), reader.Index(), reader.Varint());
        (FirstLiveSequence, CommitTold, PendingSnapshot) = (reader.Varint(), reader.Index(), reader.Index());
        (ReadEpochAcknowledged, OldestAtHeartbeat, TransfersFailed) = (reader.Varint(), reader.Varint(), reader.Int());
        HeardTick = reader.Flag() ? reader.Long() : null;
        (Distrusted, Paused, ProbeSent, ProbeEmpty) = (reader.Flag(), reader.Flag(), reader.Flag(), reader.Flag());
        (RecentActive, Recovering, TermRenewed, LinkUp, LinkDown) = (reader.Flag(), reader.Flag(), reader.Flag(), reader.Flag(), reader.Flag());
        Inflight.Load(ref reader);
    }

    private void Enter(ReplicationState state, ulong firstLiveSequence)
    {
        State = state;
        FirstLiveSequence = firstLiveSequence;
        (Paused, ProbeSent, ProbeEmpty, CommitTold, OldestAtHeartbeat) = (false, false, false, LogIndex.Zero, 0);
        if ((_faults & CoreFaults.LeakInflight) == 0) Inflight.Clear();
    }
}
