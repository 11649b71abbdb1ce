namespace Conclave.Raft;

/// <summary>Where each term begins in the log: few entries however long the log, so two logs find their common part in few steps.</summary>
internal sealed class TermRuns
{
    private readonly List<(LogIndex First, Term Term)> _runs = [];

    public void Append(LogIndex index, Term term)
    {
        if (_runs.Count == 0 || _runs[^1].Term != term) _runs.Add((index, term));
    }

    public void TruncateFrom(LogIndex from)
    {
        while (_runs.Count > 0 && _runs[^1].First >= from) _runs.RemoveAt(_runs.Count - 1);
    }

    public void CompactTo(LogIndex upTo)
    {
        int gone = 0;
        while (gone + 1 < _runs.Count && _runs[gone + 1].First <= upTo.Next) gone++;
        if (gone > 0) _runs.RemoveRange(0, gone);
    }

    public void Clear() => _runs.Clear();

    public void Save(ref FieldWriter writer)
    {
        writer.Varint((ulong)_runs.Count);
        foreach ((LogIndex first, Term term) in _runs)
        {
            writer.Index(first);
            writer.Varint(term.Value);
        }
    }

    /// <summary>
    /// Read as they were rather than found again from the entries: the first run may begin before the first entry, at one that is compacted away. The others, and
    /// the terms, have to be those of the entries.
    /// </summary>
    public void Load(ref FieldReader reader, TermRuns ofEntries, LogIndex compacted)
    {
        int count = reader.Count(bytesMin: 2), before = count - ofEntries._runs.Count;
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            var run = (First: reader.Index(), Term: new Term(reader.Varint()));
            bool isNew = i == 0 || (run.First > _runs[^1].First && run.Term > _runs[^1].Term);
            bool fits = i < before ? run.First <= compacted
                : run.Term == ofEntries._runs[i - before].Term && (run.First == ofEntries._runs[i - before].First || (i == 0 && run.First <= compacted));
            reader.Expect(isNew && fits);
            _runs.Add(run);
        }
        reader.Expect(before is 0 or 1);
    }

    /// <summary>Last index at or before <paramref name="index"/> whose term is at most <paramref name="term"/>; <paramref name="floor"/> when no run has one.</summary>
    public LogIndex LastNotAbove(LogIndex index, Term term, LogIndex floor)
    {
        int low = 0, high = _runs.Count; // first run that is too late or of too high a term
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_runs[middle].First <= index && _runs[middle].Term <= term) low = middle + 1;
            else high = middle;
        }
        LogIndex end = low < _runs.Count && _runs[low].First <= index ? _runs[low].First.Previous : index;
        return low == 0 ? floor : LogIndex.Max(floor, end);
    }
}
