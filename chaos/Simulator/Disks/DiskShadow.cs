using Conclave.Raft;

namespace Conclave.Simulator;

/// <summary>What must be on a node's disk: everything that was reported durable, nothing lost, nothing invented.</summary>
internal sealed class DiskShadow
{
    private readonly List<EntryId> _entries = [];
    private List<PersistOp> _writing = [];
    private EntryId? _compacting;
    private (EntryId Last, HardState HardState)? _resetting;
    private List<DiskShadow>? _former; // as it was before each cut, from when its disk began to lie

    public HardState HardState { get; private set; }
    public EntryId Base { get; private set; }
    public EntryId Last => _entries.Count == 0 ? Base : _entries[^1];

    /// <summary>Of a disk that is not being written to.</summary>
    public DiskShadow Clone()
    {
        var copy = new DiskShadow { HardState = HardState, Base = Base };
        copy._entries.AddRange(_entries);
        return copy;
    }

    /// <summary>From now on the disk may keep what it was told to replace, see <see cref="WasOnce"/>.</summary>
    public void RememberCuts() => _former = [];

    public void ForgetCuts() => _former = null;

    public void Begin(List<PersistOp> ops) => _writing = ops;
    public void BeginCompaction(EntryId upTo) => _compacting = upTo;
    public void BeginReset(EntryId last, HardState hardState) => _resetting = (last, hardState);

    /// <summary>What was begun is durable.</summary>
    public void Done()
    {
        foreach (PersistOp op in _writing) Apply(op);
        _writing = [];
        if (_compacting is { } upTo) Compact(upTo);
        _compacting = null;
        if (_resetting is { } reset) Reset(reset.Last, reset.HardState);
        _resetting = null;
    }

    public bool Contains(EntryId id) => id == Base || TermAt(id.Index) == id.Term;

    /// <summary>The last entry of an earlier term.</summary>
    public EntryId LastBefore(Term term)
    {
        for (int i = _entries.Count - 1; i >= 0; i--)
            if (_entries[i].Term < term) return _entries[i];
        return Base.Term < term ? Base : EntryId.Zero;
    }

    public Term? TermAt(LogIndex index)
    {
        if (index == Base.Index) return Base.Term;
        long at = index - Base.Index - 1;
        return at >= 0 && at < _entries.Count ? _entries[(int)at].Term : null;
    }

    /// <summary>
    /// After damage: a beginning of what was there, and the end that it may have reached is known, so that nothing is promised twice. Term and vote are never lost.
    /// </summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? AdoptRepaired(RecoveredState found)
    {
        EntryId reached = Last;
        // A write that was under way may have been durable, and was never spoken of.
        (_writing, _compacting, _resetting) = ([], null, null);
        if (found.HardState.Term < HardState.Term || (found.HardState.Term == HardState.Term && HardState.VotedFor != NodeId.None && found.HardState.VotedFor != HardState.VotedFor))
            return $"{found.HardState} is on a damaged disk that held {HardState}.";
        EntryId last = found.Entries.Count == 0 ? found.Base : found.Entries[^1].Id;
        if (last < reached && found.LostEnd < reached && found.LostEnd.Index.Value != ulong.MaxValue)
            return $"A damaged log that reached {reached} ends at {last}, and takes {found.LostEnd} for what it lost.";
        _entries.Clear();
        foreach (Entry entry in found.Entries) _entries.Add(entry.Id);
        (Base, HardState) = (found.Base, found.HardState);
        return null;
    }

    /// <summary>
    /// Whether this is the log as it was at some earlier time: a beginning of it, with a term and vote that may be older. The last write may be what is missing, and it may have cut
    /// the log before it added to it: then what was cut is there again. The same goes for the end that a repair says the log had.
    /// </summary>
    public bool WasOnce(RecoveredState found)
    {
        DiskShadow next = Clone();
        List<DiskShadow> versions = [.. _former ?? [], next];
        next._former = versions;
        for (int done = 0; ; done++)
        {
            if (found.HardState.Term <= next.HardState.Term && versions.Exists(version => version.HasBeginning(found))) return true;
            if (done < _writing.Count) next.Apply(_writing[done]);
            else if (_resetting is { } reset && next.Base != reset.Last) next.Reset(reset.Last, reset.HardState);
            else return false;
        }
    }

    private bool HasBeginning(RecoveredState found)
    {
        foreach (Entry entry in found.Entries)
            if (entry.Index > Base.Index && !Contains(entry.Id)) return false;
        return found.LostEnd == EntryId.Zero || Contains(found.LostEnd);
    }

    /// <summary>After a crash: what was begun may have happened, an operation as a whole or not at all. Adopts what is found.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? Adopt(RecoveredState found, SnapshotId? snapshot)
    {
        (List<PersistOp> writing, EntryId? compacting, var resetting) = (_writing, _compacting, _resetting);
        (_writing, _compacting, _resetting) = ([], null, null);
        string expected = "";
        for (int done = 0; ; done++)
        {
            if (Matches(found) || MatchesAfterReset(found, snapshot)) return null;
            expected += $" [{HardState}, {Base}..{Last}]";
            if (done < writing.Count) Apply(writing[done]);
            else if (compacting is { } upTo && upTo.Index > Base.Index) Compact(upTo);
            else if (resetting is { } reset && Base != reset.Last) Reset(reset.Last, reset.HardState);
            else return $"The disk holds [{found.HardState}, {found.Base}..{(found.Entries.Count == 0 ? found.Base : found.Entries[^1].Id)}], expected one of{expected}.";
        }
    }

    /// <summary>The driver resets a log that lacks the snapshot, as soon as it opens it.</summary>
    private bool MatchesAfterReset(RecoveredState found, SnapshotId? snapshot)
    {
        if (snapshot is null || Contains(snapshot.Last) || found.HardState != HardState || found.Base != snapshot.Last || found.Entries.Count > 0) return false;
        Reset(snapshot.Last, HardState);
        return true;
    }

    public bool Matches(RecoveredState found)
    {
        if (found.HardState != HardState || found.Base != Base || found.Entries.Count != _entries.Count) return false;
        for (int i = 0; i < _entries.Count; i++)
            if (found.Entries[i].Id != _entries[i]) return false;
        return true;
    }

    private void Apply(PersistOp op)
    {
        if (op.TruncateFrom is { } from)
        {
            int keep = (int)(from - Base.Index) - 1;
            if (keep < _entries.Count) _former?.Add(Clone());
            if (keep < _entries.Count) _entries.RemoveRange(keep, _entries.Count - keep);
        }
        foreach (ref readonly Entry entry in op.Entries.Span) _entries.Add(entry.Id);
        HardState = op.HardState ?? HardState;
    }

    private void Compact(EntryId upTo)
    {
        if (upTo.Index <= Base.Index) return;
        _entries.RemoveRange(0, (int)(upTo.Index - Base.Index));
        Base = upTo;
    }

    private void Reset(EntryId last, HardState hardState)
    {
        _former?.Add(Clone());
        _entries.Clear();
        (Base, HardState) = (last, hardState);
    }
}
