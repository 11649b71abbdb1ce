namespace Conclave.Raft;

/// <summary>A message and where it goes.</summary>
public readonly record struct OutboundMessage(NodeId To, Message Message);

/// <summary>
/// One atomic unit for the log writer: after a crash either all of it is there or none. Operations are written in
/// ticket order; several may share one sync.
/// </summary>
/// <remarks>
/// Messages that promise something about this write (votes, acknowledgements) are inside it and come out only through
/// <see cref="MarkDurable"/>, so no shell can send them too early. An operation may be empty but for its messages: they
/// then wait for the operations before it.
/// Apply the parts in this order: <see cref="TruncateFrom"/>, <see cref="Entries"/>, <see cref="HardState"/>.
/// </remarks>
public sealed class PersistOp(IoTicket ticket, HardState? hardState, LogIndex? truncateFrom, ReadOnlyMemory<Entry> entries,
    IReadOnlyList<OutboundMessage> dependentMessages)
{
    private IReadOnlyList<OutboundMessage>? _dependentMessages = dependentMessages;

    public IoTicket Ticket { get; } = ticket;

    /// <summary>The new term and vote, or null when they stay as they are.</summary>
    public HardState? HardState { get; } = hardState;

    /// <summary>Entries at and after this index are gone before <see cref="Entries"/> are added; null when nothing is cut.</summary>
    public LogIndex? TruncateFrom { get; } = truncateFrom;

    /// <summary>Consecutive entries that follow the (possibly truncated) log. The memory never changes; it may be kept.</summary>
    public ReadOnlyMemory<Entry> Entries { get; } = entries;

    /// <summary>Nothing to write: only a place in the order.</summary>
    public bool IsEmpty => HardState is null && TruncateFrom is null && Entries.IsEmpty;

    /// <summary>Hands out the dependent messages. Only the durable log calls this, after the sync that covers this operation returned.</summary>
    /// <exception cref="InvariantViolationException">Called a second time: an acknowledgement would be sent twice, the second time perhaps for a log that has changed.</exception>
    public IReadOnlyList<OutboundMessage> MarkDurable()
    {
        IReadOnlyList<OutboundMessage>? messages = _dependentMessages;
        Invariant.Holds(messages is not null, "An operation becomes durable once.");
        _dependentMessages = null;
        return messages;
    }
}
