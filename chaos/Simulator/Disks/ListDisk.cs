using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>The fast disk: what is persisted is there, and an interrupted write leaves the first few of its operations.</summary>
internal sealed class ListDisk : INodeDisk
{
    private readonly List<Entry> _entries = [];
    private int _made = 1, _opened;
    private EntryId _base;
    private HardState _hardState;
    private int _crashAfter = -1;

    private TransferredSnapshot? _snapshot;

    public Guid Incarnation { get; private set; } = new(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    public ulong Boot { get; private set; }
    public Guid Nonce { get; private set; }

    public object Copy() => new DirectoryCopy([.. _entries], _base, _hardState, _snapshot, Incarnation, Boot);

    public void Replace(object? copy)
    {
        DirectoryCopy next = (DirectoryCopy?)copy ?? new DirectoryCopy([], EntryId.Zero, default, null, new Guid(++_made, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), 0);
        _entries.Clear();
        _entries.AddRange(next.Entries);
        (_base, _hardState, _snapshot, Incarnation, Boot) = (next.Base, next.HardState, next.Snapshot, next.Incarnation, next.Boot);
    }

    private sealed record DirectoryCopy(Entry[] Entries, EntryId Base, HardState HardState, TransferredSnapshot? Snapshot, Guid Incarnation, ulong Boot);

    public RecoveredState Open(Membership bootstrap, out byte[] state)
    {
        Boot++;
        Nonce = new Guid(++_opened, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
        state = _snapshot?.Raw ?? [];
        if (_snapshot is { Id: var id } && !RecoveredState.LogContainsSnapshot(id.Last, _base, _entries)) ResetTo(id.Last, _hardState);
        return new RecoveredState { HardState = _hardState, Snapshot = _snapshot?.Id, Bootstrap = bootstrap, Base = _base, Entries = [.. _entries] };
    }

    public void Persist(List<PersistOp> ops, List<OutboundMessage> released)
    {
        for (int i = 0; i < ops.Count; i++)
        {
            if (_crashAfter == 0) throw new SimulatedCrash();
            if (_crashAfter > 0) _crashAfter--;
            Apply(ops[i]);
        }
        if (_crashAfter == 0) throw new SimulatedCrash(); // written, but nobody was told
        foreach (PersistOp op in ops) released.AddRange(op.MarkDurable());
    }

    public void CompactTo(EntryId upTo)
    {
        if (upTo.Index <= _base.Index) return;
        _entries.RemoveRange(0, (int)(upTo.Index - _base.Index));
        _base = upTo;
    }

    public void ResetTo(EntryId snapshotLast, HardState hardState)
    {
        _entries.Clear();
        (_base, _hardState) = (snapshotLast, hardState);
    }

    public bool SaveSnapshot(SnapshotId id, byte[] state)
    {
        if (_snapshot is null || _snapshot.Id.Last.Index < id.Last.Index) _snapshot = new TransferredSnapshot(id, state, null);
        return true;
    }

    public void DropSnapshots() => _snapshot = null;

    public TransferredSnapshot? ReadSnapshot() => _snapshot;

    public byte[]? ReceiveSnapshot(TransferredSnapshot snapshot)
    {
        SaveSnapshot(snapshot.Id, snapshot.Raw);
        return snapshot.Raw;
    }

    public bool MayRepair => true;

    public void ArmTear(bool armed)
    {
    }

    public void ArmError(bool sync, int after)
    {
    }

    public void Fill(int? bytes)
    {
    }

    public bool Lie(Strike how) => false;

    public bool Flip(StrikeKind what, int amount) => false;

    public int PairsLost => 0;

    public bool IsLogEndWhole => true;

    public EntryId LostAtOpening => EntryId.Zero;

    public void Heal() => _crashAfter = -1;

    public void ArmCrash(int? steps) => _crashAfter = steps ?? -1;

    public void Crash(bool powerCut) => _crashAfter = -1;

    private void Apply(PersistOp op)
    {
        if (op.TruncateFrom is { } from)
        {
            int keep = (int)(from - _base.Index) - 1;
            if (keep < _entries.Count) _entries.RemoveRange(keep, _entries.Count - keep);
        }
        foreach (ref readonly Entry entry in op.Entries.Span) _entries.Add(entry);
        _hardState = op.HardState ?? _hardState;
    }
}
