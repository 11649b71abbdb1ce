namespace Conclave.Raft;

/// <summary>The log since the last compaction, in memory.</summary>
/// <remarks>
/// Entries live in chunks of fixed size. A slot is written once: cutting the log replaces the chunk it cuts through, so slices
/// handed to the disk, the network and the apply loop stay valid on any thread without a copy.
/// </remarks>
internal sealed class LogTail
{
    /// <summary>40 KB of entries: below the large object heap, above any usual batch.</summary>
    internal const int ChunkEntries = 1 << ChunkShift;
    private const int ChunkShift = 10;

    private readonly List<Entry[]> _chunks = [];
    private TermRuns _runs = new();
    private LogIndex _firstSlot; // index of slot 0 in chunk 0; at or below Base.Index + 1

    public LogTail(EntryId @base)
    {
        Base = Last = @base;
        _firstSlot = @base.Index.Next;
    }

    /// <summary>The entry before the first one here: compacted, but its name is known.</summary>
    public EntryId Base { get; private set; }

    public EntryId Last { get; private set; }

    /// <summary>Payload bytes of the entries after <see cref="Base"/>.</summary>
    public long PayloadBytes { get; private set; }

    public long Count => Last.Index - Base.Index;

    /// <summary>The entry at an index in (<see cref="Base"/>, <see cref="Last"/>].</summary>
    public ref readonly Entry this[LogIndex index]
    {
        get
        {
            Invariant.Holds(index > Base.Index && index <= Last.Index, "Only entries of the tail are read.");
            ulong slot = index.Value - _firstSlot.Value;
            return ref _chunks[(int)(slot >> ChunkShift)][(int)(slot & (ChunkEntries - 1))];
        }
    }

    public bool TryTermAt(LogIndex index, out Term term)
    {
        if (index == Base.Index)
        {
            term = Base.Term;
            return true;
        }
        if (index < Base.Index || index > Last.Index)
        {
            term = default;
            return false;
        }
        term = this[index].Term;
        return true;
    }

    public bool Contains(EntryId id) => TryTermAt(id.Index, out Term term) && term == id.Term;

    /// <summary>Name of an entry in [<see cref="Base"/>, <see cref="Last"/>].</summary>
    public EntryId IdAt(LogIndex index) => index == Base.Index ? Base : this[index].Id;

    public void Append(in Entry entry)
    {
        Invariant.Holds(entry.Index == Last.Index.Next, "The log has no gaps.");
        Invariant.Holds(entry.Term >= Last.Term, "Terms never fall along a log.");
        ulong slot = entry.Index.Value - _firstSlot.Value;
        int chunk = (int)(slot >> ChunkShift);
        if (chunk == _chunks.Count) _chunks.Add(new Entry[ChunkEntries]);
        _chunks[chunk][(int)(slot & (ChunkEntries - 1))] = entry;
        _runs.Append(entry.Index, entry.Term);
        PayloadBytes += entry.Payload.Length;
        Last = entry.Id;
    }

    /// <summary>Removes the entries at and after <paramref name="from"/>.</summary>
    public void TruncateFrom(LogIndex from)
    {
        Invariant.Holds(from > Base.Index && from <= Last.Index, "Only entries of the tail are cut.");
        for (LogIndex i = from; i <= Last.Index; i = i.Next) PayloadBytes -= this[i].Payload.Length;

        ulong slot = from.Value - _firstSlot.Value;
        int chunk = (int)(slot >> ChunkShift), kept = (int)(slot & (ChunkEntries - 1));
        if (chunk + 1 < _chunks.Count) _chunks.RemoveRange(chunk + 1, _chunks.Count - chunk - 1);
        // Others may still read the cut slots, so the survivors move and the old chunk is left alone.
        if (kept == 0) _chunks.RemoveAt(chunk);
        else
        {
            var replacement = new Entry[ChunkEntries];
            _chunks[chunk].AsSpan(0, kept).CopyTo(replacement);
            _chunks[chunk] = replacement;
        }
        _runs.TruncateFrom(from);
        Last = IdAt(from.Previous);
    }

    /// <summary>Forgets the entries up to and including <paramref name="upTo"/>, which must be here.</summary>
    public void CompactTo(LogIndex upTo)
    {
        Invariant.Holds(upTo > Base.Index && upTo <= Last.Index, "Only entries of the tail are compacted.");
        EntryId newBase = IdAt(upTo);
        for (LogIndex i = Base.Index.Next; i <= upTo; i = i.Next) PayloadBytes -= this[i].Payload.Length;
        Base = newBase;
        _runs.CompactTo(upTo);
        int whole = (int)((upTo.Next.Value - _firstSlot.Value) >> ChunkShift);
        if (whole > 0)
        {
            _chunks.RemoveRange(0, whole);
            _firstSlot += whole * ChunkEntries;
        }
    }

    /// <summary>Empties the log: it continues after <paramref name="newBase"/>.</summary>
    public void Reset(EntryId newBase)
    {
        _chunks.Clear();
        _runs.Clear();
        Base = Last = newBase;
        _firstSlot = newBase.Index.Next;
        PayloadBytes = 0;
    }

    /// <summary>
    /// The last entry at or before <paramref name="index"/> whose term is not above <paramref name="term"/>: where two logs
    /// may still agree. False when that lies before <see cref="Base"/>.
    /// </summary>
    public bool TryLastNotAbove(LogIndex index, Term term, out EntryId id)
    {
        id = default;
        if (index < Base.Index) return false;
        LogIndex at = _runs.LastNotAbove(LogIndex.Min(index, Last.Index), term, Base.Index);
        id = IdAt(at);
        return id.Term <= term;
    }

    /// <summary>As many entries from <paramref name="from"/> on as lie in one chunk and within both bounds, but at least one. No copy.</summary>
    public ReadOnlyMemory<Entry> Slice(LogIndex from, long bytesMax, out long bytes)
    {
        Invariant.Holds(from > Base.Index && from <= Last.Index, "Only entries of the tail are sent.");
        ulong slot = from.Value - _firstSlot.Value;
        Entry[] chunk = _chunks[(int)(slot >> ChunkShift)];
        int start = (int)(slot & (ChunkEntries - 1));
        int available = (int)Math.Min(ChunkEntries - start, Last.Index - from + 1);
        bytes = chunk[start].Payload.Length;
        int count = 1;
        while (count < available)
        {
            int next = chunk[start + count].Payload.Length;
            if (bytes + next > bytesMax) break;
            bytes += next;
            count++;
        }
        return chunk.AsMemory(start, count);
    }

    /// <summary>Adds the entries in [from, to] to <paramref name="runs"/>, one run per chunk. No copy.</summary>
    public void AddRuns(LogIndex from, LogIndex to, List<ReadOnlyMemory<Entry>> runs)
    {
        while (from <= to)
        {
            ReadOnlyMemory<Entry> run = Run(from, to);
            runs.Add(run);
            from += run.Length;
        }
    }

    /// <summary>The entries in [from, to]; a copy only when they lie in several chunks.</summary>
    public ReadOnlyMemory<Entry> Range(LogIndex from, LogIndex to)
    {
        ReadOnlyMemory<Entry> run = Run(from, to);
        int count = checked((int)(to - from) + 1);
        if (run.Length == count) return run;
        var copy = new Entry[count];
        for (int done = 0; done < count; done += run.Length)
        {
            run = Run(from + done, to);
            run.CopyTo(copy.AsMemory(done));
        }
        return copy;
    }

    /// <summary>All but the entries.</summary>
    public void Save(ref FieldWriter writer)
    {
        writer.Id(Base);
        // Messages end where a chunk ends, so where the first entry lies in its chunk is a part of what this node does.
        writer.Varint(Base.Index.Next.Value - _firstSlot.Value);
        writer.Varint((ulong)Count);
        _runs.Save(ref writer);
    }

    /// <param name="reader">What <see cref="Save"/> wrote.</param>
    /// <param name="entries">What <see cref="TailCodec"/> wrote, up to its end.</param>
    /// <param name="payloads">Whether they have their payloads.</param>
    public static LogTail Load(ref FieldReader reader, ref FieldReader entries, bool payloads)
    {
        EntryId compacted = reader.Id();
        reader.Expect(compacted.Index.Value < ulong.MaxValue);
        if (reader.Failed) return new LogTail(EntryId.Zero);
        var log = new LogTail(compacted);
        ulong before = reader.Varint(), count = reader.Varint();
        reader.Expect(before < ChunkEntries && before <= compacted.Index.Value);
        if (reader.Failed) return log;
        log._firstSlot = new LogIndex(compacted.Index.Next.Value - before);
        TailCodec.Read(ref entries, log, count, payloads);
        TermRuns found = log._runs;
        log._runs = new TermRuns();
        log._runs.Load(ref reader, found, compacted.Index);
        return log;
    }

    private ReadOnlyMemory<Entry> Run(LogIndex from, LogIndex to)
    {
        Invariant.Holds(from > Base.Index && to <= Last.Index && from <= to, "Only entries of the tail are read.");
        ulong slot = from.Value - _firstSlot.Value;
        int start = (int)(slot & (ChunkEntries - 1));
        int count = (int)Math.Min(ChunkEntries - start, to - from + 1);
        return _chunks[(int)(slot >> ChunkShift)].AsMemory(start, count);
    }
}
