namespace Conclave.Raft;

public sealed partial class RaftCore
{
    /// <summary>Confirmations under way at once; more reads wait for one of them and then share the next.</summary>
    private const int ReadBatchesMax = 64;

    private readonly ReadTracker _reads;
    private readonly List<PendingRead> _expiredReads = [];
    private ulong _readEpoch; // of confirmation rounds; never reset, so an old answer cannot confirm a new round
    private ulong _readRequestId; // of requests to the leader; likewise

    /// <summary>Of the newest confirmation round; for checks.</summary>
    internal ulong ReadEpoch => _readEpoch;

    /// <summary>Held at this moment, counted from scratch; for checks.</summary>
    internal int CountPendingReads()
    {
        int count = _reads.Waiting.Count;
        foreach (ReadBatch batch in _reads.Outstanding) count += batch.Reads.Count;
        return count;
    }

    private void OnRead(ulong id, NodeId from)
    {
        if (_reads.Count < _options.ReadsPendingMax || HasFault(CoreFaults.TakeAnyRead)) _reads.Add(new PendingRead(id, from, _now));
        else if (from == NodeId.None) _output.Reads.Add(new ReadVerdict(id, ReadOutcome.Refused, LogIndex.Zero));
        // Another node's read is left unanswered; that node asks again or gives up.
    }

    /// <summary>Leader: everything read so far shares one round of heartbeats.</summary>
    private void StartReadRound()
    {
        // Before its own no-op is committed a leader may not know the last commits of its predecessor; an index taken now could
        // be older than a write that was acknowledged.
        bool mayRead = HasCommittedOwnTerm || HasFault(CoreFaults.ReadBeforeNoOp);
        // While leadership is being handed over they wait too, for whoever leads in the end.
        if (_reads.Waiting.Count == 0 || !mayRead || IsTransferring || _reads.Outstanding.Count >= ReadBatchesMax || Takes(RarePath.ReadLater)) return;
        if (_readEpoch == 0 || !HasFault(CoreFaults.ReuseReadEpoch)) _readEpoch++;
        _reads.StartBatch(_readEpoch, Commit, _now);
        _heartbeatDue = true;
    }

    /// <summary>Leader: rounds that a majority answered prove that nobody else led when they began.</summary>
    private void ConfirmReads()
    {
        if (_reads.Outstanding.Count == 0) return;
        Span<ulong> epochs = stackalloc ulong[_roster.Slots];
        for (int slot = 0; slot < epochs.Length; slot++)
            epochs[slot] = _roster.Find(_roster.At(slot)) is { } peer ? peer.ReadEpochAcknowledged : _readEpoch;
        ulong confirmed = HasFault(CoreFaults.ReadWithoutQuorum) ? _readEpoch : _roster.HighestHeld(epochs);
        while (_reads.Outstanding.Count > 0 && _reads.Outstanding[0].Key <= confirmed)
        {
            ReadBatch round = _reads.Outstanding[0];
            foreach (PendingRead read in round.Reads)
            {
                if (read.From == NodeId.None) _output.Reads.Add(new ReadVerdict(read.Id, ReadOutcome.Ready, round.Index));
                else Send(new ReadIndexReply { From = Self, To = read.From, Term = Term, RequestId = read.Id, Index = round.Index });
            }
            _reads.Finish(0);
        }
    }

    private void OnReadIndexRequest(ReadIndexRequest request)
    {
        if (Role == RaftRole.Leader) OnRead(request.RequestId, request.From);
    }

    /// <summary>Follower: everything read so far shares one request.</summary>
    private void RequestReadIndex()
    {
        if (_reads.Waiting.Count == 0 || Leader == NodeId.None || _reads.Outstanding.Count >= ReadBatchesMax || Takes(RarePath.ReadLater)) return;
        ReadBatch batch = _reads.StartBatch(++_readRequestId, LogIndex.Zero, _now);
        Reply(new ReadIndexRequest { From = Self, To = Leader, Term = Term, RequestId = batch.Key });
    }

    private void OnReadIndexReply(ReadIndexReply reply)
    {
        if (Role == RaftRole.Leader || reply.From != Leader) return;
        for (int i = 0; i < _reads.Outstanding.Count; i++)
        {
            ReadBatch batch = _reads.Outstanding[i];
            if (batch.Key != reply.RequestId) continue;
            foreach (PendingRead read in batch.Reads) _output.Reads.Add(new ReadVerdict(read.Id, ReadOutcome.Ready, reply.Index));
            _reads.Finish(i);
            return;
        }
    }

    /// <summary>On every heartbeat interval: refuses reads that waited too long, and on a follower asks again what got no answer.</summary>
    private void RedriveReads()
    {
        if (_reads.Count == 0) return;
        _expiredReads.Clear();
        _reads.Expire(_now - _options.ReadTimeoutTicks, _expiredReads);
        foreach (PendingRead read in _expiredReads)
            if (read.From == NodeId.None) _output.Reads.Add(new ReadVerdict(read.Id, ReadOutcome.Refused, LogIndex.Zero));

        // Asked again under a new id, so that an answer always belongs to one question.
        if (Role != RaftRole.Leader && _reads.Outstanding.Count > 0 && _now - _reads.Outstanding[0].SentTick >= 2 * _options.HeartbeatTicks)
            _reads.Requeue();
    }
}
