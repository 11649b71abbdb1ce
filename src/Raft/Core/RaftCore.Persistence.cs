namespace Conclave.Raft;

public sealed partial class RaftCore
{
    private readonly Queue<PendingWrite> _writes = new();
    private List<OutboundMessage>? _dependentMessages; // of the operation being built
    private bool _hardStateChanged;
    private LogIndex? _truncateFrom;
    private LogIndex _handedOver; // last index given to the log writer with its present content
    private LogIndex _durable; // last index known durable with its present content
    private IoTicket _lastTicket, _durableTicket, _hardStateTicket;

    // Last: the last index that this write makes durable.
    private readonly record struct PendingWrite(IoTicket Ticket, LogIndex Last, long SinceTick);

    private IoTicket NextTicket => _lastTicket.Next;

    /// <summary>Term and vote as they are now are not yet on disk.</summary>
    private bool IsHardStatePending => _hardStateChanged || _hardStateTicket > _durableTicket;

    private bool IsDiskStalled => _writes.TryPeek(out PendingWrite oldest) && _now - oldest.SinceTick > _options.DiskStallTicks;

    private void RecoverPersistence(RecoveredState recovered)
    {
        (Term, VotedFor) = (recovered.HardState.Term, recovered.HardState.VotedFor);
        if (_log.Last.Term > Term)
        {
            // A snapshot of a later term became durable just before the crash and the term did not.
            (Term, VotedFor) = (_log.Last.Term, NodeId.None);
            _hardStateChanged = true;
        }
        _handedOver = _durable = _log.Last.Index;
        _lastTicket = _durableTicket = _hardStateTicket = recovered.LastTicket;
    }

    /// <summary>A message that promises nothing about the disk.</summary>
    private void Send(Message message) => _output.Messages.Add(new OutboundMessage(message.To, message));

    /// <summary>
    /// A message that speaks for this node's term, vote or log up to <paramref name="claimed"/>. It leaves at once if that is
    /// durable, and with the write that makes it so if not.
    /// </summary>
    private void Reply(Message message, LogIndex claimed = default)
    {
        if (!IsHardStatePending && claimed <= _durable) Send(message);
        else (_dependentMessages ??= []).Add(new OutboundMessage(message.To, message));
    }

    /// <summary>Like <see cref="Reply"/>, but several acknowledgements of one batch become one: the later says all that the earlier said.</summary>
    private void ReplyMatch(AppendReply reply)
    {
        if (_dependentMessages is { Count: > 0 } messages
            && messages[^1].Message is AppendReply { Success: true } earlier
            && earlier.To == reply.To && earlier.Term == reply.Term && earlier.Match <= reply.Match && earlier.Sequence < reply.Sequence)
            messages.RemoveAt(messages.Count - 1);
        Reply(reply, reply.Match);
    }

    private void TruncateLog(LogIndex from)
    {
        Invariant.Holds(from > Commit, "A committed entry never goes away.");
        _log.TruncateFrom(from);
        _verified = LogIndex.Min(_verified, from.Previous);
        if (!HasFault(CoreFaults.NoRollback))
        {
            _configs.TruncateFrom(from);
            PutInForce();
        }
        // What lies on disk at and after this place is the old content. Writes of it may still complete, and must not make
        // the new content look durable, even if it turns out to be the old content once more.
        if (_handedOver >= from)
        {
            _truncateFrom = _truncateFrom is { } earlier ? LogIndex.Min(earlier, from) : from;
            _handedOver = from.Previous;
            if (!HasFault(CoreFaults.StableMarkFromOldTicket)) CapPendingWrites(from.Previous);
        }
        _durable = LogIndex.Min(_durable, from.Previous);
    }

    private void CapPendingWrites(LogIndex cap)
    {
        for (int i = _writes.Count; i > 0; i--)
        {
            PendingWrite write = _writes.Dequeue();
            _writes.Enqueue(write with { Last = LogIndex.Min(write.Last, cap) });
        }
    }

    private void ClosePersistOp()
    {
        bool appended = _log.Last.Index > _handedOver;
        if (!_hardStateChanged && _truncateFrom is null && !appended && _dependentMessages is null) return;

        ReadOnlyMemory<Entry> entries = appended ? _log.Range(_handedOver.Next, _log.Last.Index) : default;
        bool writeHardState = _hardStateChanged && !HasFault(CoreFaults.SkipVotePersist);
        _lastTicket = NextTicket;
        _output.Persists.Add(new PersistOp(_lastTicket, writeHardState ? new HardState(Term, VotedFor) : null, _truncateFrom, entries,
            _dependentMessages ?? []));
        _handedOver = _log.Last.Index;
        _writes.Enqueue(new PendingWrite(_lastTicket, _handedOver, _now));
        if (_hardStateChanged) _hardStateTicket = _lastTicket;
        (_hardStateChanged, _truncateFrom, _dependentMessages) = (false, null, null);
    }

    private void OnPersisted(IoTicket upTo)
    {
        Invariant.Holds(upTo > _durableTicket, "Writes complete in order, each once.");
        Invariant.Holds(upTo <= _lastTicket, "Only handed over writes complete.");
        _durableTicket = upTo;
        while (_writes.TryPeek(out PendingWrite write) && write.Ticket <= upTo)
        {
            _writes.Dequeue();
            _durable = LogIndex.Max(_durable, write.Last);
        }
        if (HasFault(CoreFaults.StableMarkFromOldTicket)) _durable = LogIndex.Min(_durable, _log.Last.Index);
        Invariant.Holds(_durable <= _log.Last.Index, "Only what is in the log can be durable.");
        EndRecoveryIfReached();
        OnOwnVotePersisted();
    }
}
