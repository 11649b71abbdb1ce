namespace Conclave.Storage;

/// <summary>The segment that batches are written to.</summary>
internal sealed class ActiveSegment(string path, IStorageFile file, SegmentHeader header, long position) : IDisposable
{
    internal string Path { get; } = path;

    internal IStorageFile File { get; } = file;

    internal SegmentHeader Header { get; } = header;

    internal uint Seed { get; } = header.Seed;

    /// <summary>Where the next batch goes.</summary>
    internal long Position { get; private set; } = position;

    /// <summary>
    /// Up to here zeros were written, so that a batch needs no new blocks and its sync no journal commit. After a restart nobody knows how
    /// far that was, and filling starts at the position again.
    /// </summary>
    internal long Prepared { get; set; } = position;

    /// <summary>All of it has its place on the disk, as far as the file system can promise: writing to it needs no space.</summary>
    internal bool IsReserved { get; private set; }

    /// <summary>Remains of a torn batch end here; see <see cref="Wipe"/>.</summary>
    internal long WipeTo { get; init; }

    internal bool Fits(int batchBytes) => Position + batchBytes <= Header.SegmentBytes;

    /// <exception cref="FileSystemException"><see cref="FileError.NoSpace"/>.</exception>
    internal void Reserve()
    {
        if (!IsReserved)
            _ = File.Reserve(Header.SegmentBytes); // where that is not possible, zeros are written ahead and nothing else is done
        IsReserved = true;
    }

    internal void Write(ReadOnlySpan<byte> sectors)
    {
        File.Write(Position, sectors);
        Position = Math.Min(Sectors.RoundUp(Position + sectors.Length, Header.Alignment), Header.SegmentBytes);
    }

    /// <summary>Fills the next step with zeros, not synced. The places are zeros already; this gives them blocks.</summary>
    internal void Prepare(int bytes)
    {
        Prepared = Math.Max(Prepared, Position);
        long end = Math.Min(Prepared + bytes, Header.SegmentBytes);
        Zeros.Write(File, Prepared, end);
        Prepared = end;
    }

    /// <summary>
    /// Wipes what a torn batch left behind the end. The rule that unwritten places are zeros makes the next torn batch recognizable.
    /// Interrupted halfway it leaves a batch that is torn even more.
    /// </summary>
    internal void Wipe()
    {
        if (WipeTo <= Position)
            return;
        Zeros.Write(File, Position, WipeTo);
        File.Sync();
    }

    public void Dispose() => File.Dispose();
}

internal static class Zeros
{
    private static readonly byte[] Block = new byte[256 << 10];

    internal static void Write(IStorageFile file, long from, long to)
    {
        while (from < to)
        {
            int bytes = (int)Math.Min(Block.Length, to - from);
            file.Write(from, Block.AsSpan(0, bytes));
            from += bytes;
        }
    }
}
