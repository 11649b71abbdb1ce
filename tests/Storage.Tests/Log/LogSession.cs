using Conclave.Raft;

namespace Conclave.Storage.Tests;

/// <summary>A log on a simulated disk beside the model of what it must hold.</summary>
internal sealed class LogSession(SimulatedFileSystem disk, DurableLogOptions? options = null) : IDisposable
{
    internal const string Directory = "/data";
    internal static readonly NodeId Self = new(7);

    /// <summary>Small files, so that a short history rolls over, compacts and recycles.</summary>
    internal static readonly DurableLogOptions SmallFiles = new()
    {
        ClusterId = 0xC1,
        NodeId = Self.Value,
        Incarnation = new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
        Bootstrap = Membership.Of(new NodeId(7), new NodeId(8), new NodeId(9)),
        SegmentBytes = 16 << 10,
        BatchAlignmentBytes = 512,
        BatchBytesMax = 8 << 10,
        ZeroFillBytes = 4 << 10,
    };

    private readonly DurableLogOptions _options = options ?? SmallFiles;
    private readonly List<OutboundMessage> _released = [];
    private IoTicket _ticket;
    private DurableLog? _log;

    internal SimulatedFileSystem Disk { get; } = disk;

    internal DurableLog Log => _log ?? throw new InvalidOperationException("Open it first.");

    /// <summary>What was acknowledged.</summary>
    internal LogState Acknowledged { get; private set; } = LogState.Empty;

    /// <summary>Everything that was acknowledged, one state after the other.</summary>
    internal List<LogState> History { get; } = [LogState.Empty];

    /// <summary>What the disk may hold: the acknowledged state, and every state that was on its way.</summary>
    internal List<LogState> Possible { get; } = [LogState.Empty];

    internal List<OutboundMessage> Released => _released;

    internal RecoveredLog Open()
    {
        _log = DurableLog.Open(Disk, Directory, _options, out RecoveredLog recovered);
        LogState found = LogState.Of(recovered);
        if (!Possible.Exists(found.Matches))
            throw new InvalidOperationException($"Recovered: {found}\npossible:\n{string.Join('\n', Possible)}");
        Expect(found);
        return recovered;
    }

    internal RecoveredLog Reopen()
    {
        Log.Dispose();
        return Open();
    }

    /// <summary>Restarts after the power went, or after the process was killed.</summary>
    internal RecoveredLog Restart(bool powerCut = true)
    {
        if (powerCut)
            Disk.PowerCut();
        else
            Disk.KillProcess();
        return Open();
    }

    internal void Append(params int[] payloadBytes) => Persist(Op(null, null, payloadBytes, fill: 11));

    internal void Vote(ulong term, ulong candidate) => Persist(Op(new HardState(new Term(term), new NodeId(candidate)), null, []));

    /// <summary>An operation that follows the acknowledged state, with one message that depends on it.</summary>
    internal PersistOp Op(HardState? hardState, LogIndex? truncateFrom, ReadOnlySpan<int> payloadBytes, LogState? after = null, byte fill = 0)
    {
        LogState state = after ?? Acknowledged;
        _ticket = _ticket.Next;
        Term term = (hardState ?? state.HardState).Term;
        LogIndex next = truncateFrom ?? state.Last.Index.Next;
        var entries = new Entry[payloadBytes.Length];
        for (int i = 0; i < entries.Length; i++)
            entries[i] = new Entry(next + i, term, (EntryKind)(i % 2), Payload(payloadBytes[i], (byte)(fill == 0 ? 0 : fill + i)));
        return new PersistOp(_ticket, hardState, truncateFrom, entries, [new OutboundMessage(new NodeId(_ticket.Sequence), null!)]);
    }

    internal void Persist(params PersistOp[] ops)
    {
        LogState state = Acknowledged;
        foreach (PersistOp op in ops)
            Possible.Add(state = state.After(op));
        int before = _released.Count;
        Log.Persist(ops, _released);
        Expect(state);
        if (_released.Count - before != ops.Length)
            throw new InvalidOperationException("Each operation releases its message, once.");
    }

    /// <summary>False when the disk has no room for it.</summary>
    internal bool TryPersist(PersistOp op)
    {
        LogState state = Acknowledged.After(op);
        Possible.Add(state);
        bool fits = Log.PersistWhatFits([op], _released) == 1;
        if (fits)
            Expect(state);
        else
            Possible.Remove(state);
        return fits;
    }

    internal void CompactTo(EntryId upTo)
    {
        LogState compacted = Acknowledged.CompactedTo(upTo);
        Possible.Add(compacted);
        Log.CompactTo(upTo);
        Expect(compacted);
    }

    internal void ResetTo(EntryId snapshotLast, HardState hardState)
    {
        var reset = new LogState(snapshotLast, hardState, []);
        Possible.Add(reset);
        Log.ResetTo(snapshotLast, hardState);
        Expect(reset);
    }

    public void Dispose() => _log?.Dispose();

    /// <summary>The disk was changed by hand so that it holds this.</summary>
    internal void Expect(LogState state)
    {
        Acknowledged = state;
        History.Add(state);
        Possible.Clear();
        Possible.Add(state);
    }

    // fill 0 gives zeros: whole sectors of them are what a torn batch looks like. Others are bytes with many bits.
    private static byte[] Payload(int bytes, byte fill)
    {
        byte[] payload = new byte[bytes];
        if (fill != 0)
            for (int i = 0; i < bytes; i++)
                payload[i] = (byte)(fill * 31 + i * 7 | 0x11);
        return payload;
    }
}
