namespace Conclave.Raft;

/// <summary>Append messages on their way to one peer, oldest first; bounds their number and their bytes together.</summary>
internal sealed class InflightWindow(int countMax, long bytesMax)
{
    private (LogIndex Last, ulong Sequence, long Bytes)[] _ring = new (LogIndex, ulong, long)[4];
    private int _head;

    public int Count { get; private set; }
    public long Bytes { get; private set; }

    /// <summary>The last message may exceed the byte bound, so that an entry larger than the bound still travels.</summary>
    public bool IsFull => Count >= countMax || Bytes >= bytesMax;

    /// <summary>Sequence of the oldest message; 0 when there is none.</summary>
    public ulong OldestSequence => Count == 0 ? 0 : _ring[_head].Sequence;

    public void Add(LogIndex last, ulong sequence, long bytes)
    {
        Invariant.Holds(!IsFull, "A full window sends nothing.");
        if (Count == _ring.Length) Grow();
        _ring[(_head + Count) % _ring.Length] = (last, sequence, bytes);
        Count++;
        Bytes += bytes;
    }

    /// <summary>Frees the messages whose entries are all acknowledged.</summary>
    public void FreeUpTo(LogIndex match)
    {
        while (Count > 0 && _ring[_head].Last <= match)
        {
            Bytes -= _ring[_head].Bytes;
            _head = (_head + 1) % _ring.Length;
            Count--;
        }
        Invariant.Holds(Count > 0 || Bytes == 0, "An empty window holds no bytes.");
    }

    /// <summary>Forgets everything. Count and bytes go together: a window that leaked bytes would stop sending for ever.</summary>
    public void Clear() => (_head, Count, Bytes) = (0, 0, 0);

    public void AddTo(ref StateHash hash, ulong newestSequence)
    {
        hash.Add((ulong)Count);
        for (int i = 0; i < Count; i++)
        {
            (LogIndex last, ulong sequence, long bytes) = _ring[(_head + i) % _ring.Length];
            hash.Add(last.Value);
            hash.Add(newestSequence - sequence);
            hash.Add(bytes);
        }
    }

    public void Save(ref FieldWriter writer)
    {
        writer.Varint((ulong)Count);
        for (int i = 0; i < Count; i++)
        {
            (LogIndex last, ulong sequence, long bytes) = _ring[(_head + i) % _ring.Length];
            writer.Index(last);
            writer.Varint(sequence);
            writer.Long(bytes);
        }
    }

    /// <summary>Into an empty window.</summary>
    public void Load(ref FieldReader reader)
    {
        int count = reader.Count(bytesMin: 3);
        for (int i = 0; i < count; i++)
        {
            (LogIndex last, ulong sequence, long bytes) = (reader.Index(), reader.Varint(), reader.Long());
            reader.Expect(!IsFull && bytes is >= 0 and < 1L << 40);
            if (reader.Failed) return;
            Add(last, sequence, bytes);
        }
    }

    private void Grow()
    {
        var larger = new (LogIndex, ulong, long)[_ring.Length * 2];
        for (int i = 0; i < Count; i++) larger[i] = _ring[(_head + i) % _ring.Length];
        (_ring, _head) = (larger, 0);
    }
}
