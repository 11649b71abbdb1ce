using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>The term of every entry in the log, as runs of equal terms: a few numbers however long the log is.</summary>
internal sealed class TermRuns
{
    private readonly List<EntryId> _firsts = []; // the first entry of each run, ascending
    private EntryId _base;

    internal TermRuns(EntryId baseEntry) => Reset(baseEntry);

    internal EntryId Base => _base;

    internal EntryId Last { get; private set; }

    /// <summary>Starts over with an empty log after this entry.</summary>
    internal void Reset(EntryId baseEntry)
    {
        (_base, Last) = (baseEntry, baseEntry);
        _firsts.Clear();
    }

    internal void Append(EntryId entry)
    {
        Invariant.Holds(entry.Index == Last.Index.Next, "Entries are appended without a gap.");
        if (_firsts.Count == 0 || _firsts[^1].Term != entry.Term)
            _firsts.Add(entry);
        Last = entry;
    }

    /// <summary>The term of an entry from <see cref="Base"/> to <see cref="Last"/>.</summary>
    internal Term TermAt(LogIndex index)
    {
        Invariant.Holds(index >= _base.Index && index <= Last.Index, "Only entries in the log have a known term.");
        for (int run = _firsts.Count - 1; run >= 0; run--)
            if (_firsts[run].Index <= index)
                return _firsts[run].Term;
        return _base.Term;
    }

    internal void TruncateFrom(LogIndex from)
    {
        Invariant.Holds(from > _base.Index, "What a snapshot covers is committed and never truncated.");
        if (from > Last.Index)
            return;
        LogIndex last = from.Previous;
        Last = new EntryId(last, TermAt(last));
        while (_firsts.Count > 0 && _firsts[^1].Index > last)
            _firsts.RemoveAt(_firsts.Count - 1);
    }

    /// <summary>Moves <see cref="Base"/> up.</summary>
    internal void CompactTo(EntryId upTo)
    {
        Invariant.Holds(TermAt(upTo.Index) == upTo.Term, "A log is compacted to an entry that it holds.");
        LogIndex next = upTo.Index.Next;
        int dropped = 0;
        while (dropped + 1 < _firsts.Count && _firsts[dropped + 1].Index <= next)
            dropped++;
        _firsts.RemoveRange(0, dropped);
        if (_firsts.Count > 0 && _firsts[0].Index <= upTo.Index)
            _firsts[0] = new EntryId(next, _firsts[0].Term);
        if (next > Last.Index)
            _firsts.Clear();
        _base = upTo;
    }
}
