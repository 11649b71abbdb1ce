namespace Conclave.Store.History;

/// <summary>One change of one key: what it became, and what it was before (null when it did not exist).</summary>
internal readonly struct Change(byte[] wire, byte[]? previous)
{
    public readonly byte[] Wire = wire;
    public readonly byte[]? Previous = previous;

    public long Revision => KeyValueWire.Mod(Wire);

    public bool IsDelete => KeyValueWire.IsTombstone(Wire);
}

/// <summary>All changes since the compacted revision, in the order they were applied. The writer's side.</summary>
/// <remarks>
/// Chunks of fixed size behind a directory. Both only grow at the end, so that a reader needs no more than the
/// directory as it was and the number of changes then; dropping old chunks makes a new directory.
/// </remarks>
internal sealed class ChangeLog
{
    internal const int ChunkChanges = 512;

    private Change[][] _chunks = new Change[4][];
    private long _dropped;   // changes in the chunks that went before the first of the directory

    /// <summary>Sequence number behind the last change; the first change ever has number 0.</summary>
    public long End { get; private set; }

    /// <summary>The oldest change still held.</summary>
    public long Start { get; private set; }

    public ChangeLogView View => new(_chunks, _dropped, Start, End);

    public void Append(byte[] wire, byte[]? previous)
    {
        int chunk = (int)((End - _dropped) / ChunkChanges), index = (int)((End - _dropped) % ChunkChanges);
        if (index == 0)
        {
            if (chunk == _chunks.Length)
                Array.Resize(ref _chunks, chunk * 2);
            _chunks[chunk] = new Change[ChunkChanges];
        }

        _chunks[chunk][index] = new Change(wire, previous);
        End++;
    }

    /// <summary>Forgets the changes before a sequence number; memory goes back a chunk at a time.</summary>
    public void DropBefore(long sequence)
    {
        Start = sequence;
        int chunks = (int)((sequence - _dropped) / ChunkChanges);
        if (chunks == 0)
            return;
        int used = (int)((End - _dropped + ChunkChanges - 1) / ChunkChanges);
        var directory = new Change[Math.Max(4, (used - chunks) * 2)][];
        _chunks.AsSpan(chunks, used - chunks).CopyTo(directory);
        _chunks = directory;
        _dropped += (long)chunks * ChunkChanges;
    }
}

/// <summary>The changes from <see cref="Start"/> to <see cref="End"/>, readable on any thread for as long as one likes.</summary>
internal readonly struct ChangeLogView(Change[][] chunks, long dropped, long start, long end)
{
    /// <summary>Sequence number of the first change held.</summary>
    public long Start { get; } = start;

    /// <summary>Sequence number behind the last change.</summary>
    public long End { get; } = end;

    public ref readonly Change this[long sequence] =>
        ref chunks[(sequence - dropped) / ChangeLog.ChunkChanges][(sequence - dropped) % ChangeLog.ChunkChanges];

    /// <summary>Sequence number of the first change at or above a revision; <see cref="End"/> when there is none.</summary>
    public long FirstAt(long revision)
    {
        long low = Start, high = End;
        while (low < high)
        {
            long middle = (low + high) >> 1;
            if (this[middle].Revision < revision)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
