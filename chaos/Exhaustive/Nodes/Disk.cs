using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>A write on its way to the disk, with what may be said once it is there.</summary>
internal sealed record PendingWrite(IoTicket Ticket, HardState? HardState, LogIndex? TruncateFrom, Entry[] Entries, OutboundMessage[] DependentMessages);

/// <summary>What survives a crash, and the writes that do not yet.</summary>
internal sealed class Disk
{
    public HardState HardState { get; private set; }
    public List<Entry> Log { get; } = [];
    public Queue<PendingWrite> Pending { get; } = new();

    public void Accept(PersistOp op) =>
        Pending.Enqueue(new PendingWrite(op.Ticket, op.HardState, op.TruncateFrom, op.Entries.ToArray(), [.. op.MarkDurable()]));

    /// <summary>The oldest write becomes durable, all of it at once.</summary>
    public PendingWrite WriteNext()
    {
        PendingWrite write = Pending.Dequeue();
        if (write.TruncateFrom is { } from) Log.RemoveRange((int)from.Value - 1, Log.Count - (int)from.Value + 1);
        Log.AddRange(write.Entries);
        if (write.HardState is { } state) HardState = state;
        return write;
    }

    public bool Contains(EntryId id) =>
        id.Index == LogIndex.Zero || (id.Index.Value <= (ulong)Log.Count && Log[(int)id.Index.Value - 1].Term == id.Term);
}
