namespace Conclave.Raft;

/// <summary>A read that waits for an index. <see cref="From"/> is None for this node's own.</summary>
internal readonly record struct PendingRead(ulong Id, NodeId From, long SinceTick);

/// <summary>Reads that share one confirmation.</summary>
internal sealed class ReadBatch
{
    public List<PendingRead> Reads { get; } = [];

    /// <summary>Leader: the epoch of the round. Follower: the id of the request.</summary>
    public ulong Key { get; set; }

    /// <summary>Leader: the commit index when the round began.</summary>
    public LogIndex Index { get; set; }

    public long SentTick { get; set; }
}

/// <summary>Where the waiting reads are: not asked for yet, or in one of the outstanding batches (oldest first).</summary>
internal sealed class ReadTracker
{
    private readonly Stack<ReadBatch> _spare = new();

    public List<PendingRead> Waiting { get; } = [];
    public List<ReadBatch> Outstanding { get; } = [];

    /// <summary>Reads in both places.</summary>
    public int Count { get; private set; }

    public void Add(PendingRead read)
    {
        Waiting.Add(read);
        Count++;
    }

    /// <summary>Makes one batch of everything that waits.</summary>
    public ReadBatch StartBatch(ulong key, LogIndex index, long tick)
    {
        ReadBatch batch = _spare.TryPop(out ReadBatch? spare) ? spare : new ReadBatch();
        (batch.Key, batch.Index, batch.SentTick) = (key, index, tick);
        batch.Reads.AddRange(Waiting);
        Waiting.Clear();
        Outstanding.Add(batch);
        return batch;
    }

    /// <summary>Gives back a batch whose reads have been answered.</summary>
    public void Finish(int position)
    {
        ReadBatch batch = Outstanding[position];
        Outstanding.RemoveAt(position);
        Count -= batch.Reads.Count;
        batch.Reads.Clear();
        _spare.Push(batch);
    }

    /// <summary>
    /// Puts own outstanding reads back to wait for whoever leads now; a later index serves them as well. Other nodes' are
    /// dropped: they ask the new leader themselves.
    /// </summary>
    public void Requeue()
    {
        if (Outstanding.Count == 0 && Waiting.TrueForAll(static read => read.From == NodeId.None)) return;
        List<PendingRead> later = [.. Waiting];
        Waiting.Clear();
        Count = 0;
        foreach (ReadBatch batch in Outstanding)
        {
            AddOwn(batch.Reads);
            batch.Reads.Clear();
            _spare.Push(batch);
        }
        Outstanding.Clear();
        AddOwn(later);
    }

    /// <summary>Removes the waiting reads older than <paramref name="beforeTick"/> into <paramref name="expired"/>.</summary>
    public void Expire(long beforeTick, List<PendingRead> expired)
    {
        int count = 0;
        while (count < Waiting.Count && Waiting[count].SinceTick < beforeTick) count++;
        if (count > 0)
        {
            expired.AddRange(Waiting.GetRange(0, count));
            Waiting.RemoveRange(0, count);
            Count -= count;
        }
        for (int i = Outstanding.Count - 1; i >= 0; i--)
        {
            if (Outstanding[i].Reads[0].SinceTick >= beforeTick) continue;
            expired.AddRange(Outstanding[i].Reads);
            Finish(i);
        }
    }

    public void Save(ref FieldWriter writer)
    {
        Save(ref writer, Waiting);
        writer.Varint((ulong)Outstanding.Count);
        foreach (ReadBatch batch in Outstanding)
        {
            writer.Varint(batch.Key);
            writer.Index(batch.Index);
            writer.Long(batch.SentTick);
            Save(ref writer, batch.Reads);
        }
    }

    public void Load(ref FieldReader reader)
    {
        Load(ref reader, Waiting);
        int batches = reader.Count(bytesMin: 4);
        for (int i = 0; i < batches && !reader.Failed; i++)
        {
            var batch = new ReadBatch { Key = reader.Varint(), Index = reader.Index(), SentTick = reader.Long() };
            Load(ref reader, batch.Reads);
            reader.Expect(batch.Reads.Count > 0);
            Outstanding.Add(batch);
        }
    }

    private static void Save(ref FieldWriter writer, List<PendingRead> reads)
    {
        writer.Varint((ulong)reads.Count);
        foreach (PendingRead read in reads)
        {
            writer.Varint(read.Id);
            writer.Varint(read.From.Value);
            writer.Long(read.SinceTick);
        }
    }

    private void Load(ref FieldReader reader, List<PendingRead> reads)
    {
        int count = reader.Count(bytesMin: 3);
        for (int i = 0; i < count && !reader.Failed; i++) reads.Add(new PendingRead(reader.Varint(), new NodeId(reader.Varint()), reader.Long()));
        Count += reads.Count;
    }

    private void AddOwn(List<PendingRead> reads)
    {
        foreach (PendingRead read in reads)
            if (read.From == NodeId.None) Add(read);
    }
}
