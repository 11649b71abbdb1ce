namespace Conclave.Storage;

/// <summary>Reads the batches of one segment into a <see cref="LogReplay"/> and decides what its end means.</summary>
/// <remarks>
/// The facts behind the decisions: a segment is zeros where nothing was written; a batch is written only after the one before it was synced; its
/// header lies within one sector, which is on the disk whole or not at all. So the power can leave only one batch incomplete, the last one,
/// and only by missing sectors. Everything else is damage to acknowledged bytes, and is refused.
/// </remarks>
internal sealed class SegmentScan(string path, SegmentReader reader, SegmentHeader header)
{
    private readonly uint _seed = header.Seed;

    /// <summary>Where the next batch goes.</summary>
    internal long End { get; private set; } = SegmentHeader.ContentOffset;

    /// <summary>What was cut off, in words; null when the segment ended cleanly.</summary>
    internal string? TornTail { get; private set; }

    /// <summary>After <see cref="End"/>, everything from here on is zeros. Larger than <see cref="End"/> when remains must be wiped.</summary>
    internal long ZeroFrom { get; private set; }

    /// <exception cref="StorageException">Damage.</exception>
    internal void Run(LogReplay replay)
    {
        replay.StartSegment();
        while (End + Sectors.Bytes <= reader.Length)
        {
            BatchHeaderCheck check = BatchHeader.TryRead(reader.Slice(End, Sectors.Bytes), _seed, out BatchHeader batch, out uint chain);
            if (check == BatchHeaderCheck.Empty)
                break;
            if (check == BatchHeaderCheck.Damaged)
                throw Corrupt(End, $"The header of batch {replay.Batch + 1} is damaged.");
            if (End + batch.ContentBytes > reader.Length)
                throw Corrupt(End, $"Batch {batch.Number} ends beyond the file.");
            if (replay.ProblemWithNext(batch) is { Length: > 0 } problem)
                throw Corrupt(End, problem);

            ReadOnlySpan<byte> content = reader.Slice(End, batch.ContentBytes);
            BatchBodyCheck body = BatchReader.Check(content, batch, _seed, out int at, out problem);
            if (body == BatchBodyCheck.Damaged)
                throw Corrupt(End + at, problem);
            if (body == BatchBodyCheck.Torn)
            {
                TornTail = $"{path}, byte {End}: batch {batch.Number} was still being written when the power went ({problem}) It was never acknowledged and has been cut.";
                break;
            }
            if (replay.Apply(content, batch, chain, _seed) is { Length: > 0 } misfit)
                throw Corrupt(End, misfit);
            End = Sectors.RoundUp(End + batch.ContentBytes, header.Alignment);
        }
    }

    /// <summary>Looks at everything after <see cref="End"/>. Only for the last segment: in all others the next one says where they end.</summary>
    /// <exception cref="StorageException">A valid batch lies there: the one at <see cref="End"/> was acknowledged.</exception>
    internal void CheckTail(LogReplay replay)
    {
        ZeroFrom = End;
        for (long at = End; at < reader.Length; at += Sectors.Bytes)
        {
            ReadOnlySpan<byte> sector = reader.Slice(at, (int)Math.Min(Sectors.Bytes, reader.Length - at));
            if (!sector.ContainsAnyExcept((byte)0))
                continue;
            bool batchMayBegin = at > End && at % header.Alignment == 0;
            if (batchMayBegin && BatchHeader.TryRead(sector, _seed, out BatchHeader later, out _) == BatchHeaderCheck.Good)
                throw Corrupt(End, $"Batch {replay.Batch + 1} is missing or incomplete, but batch {later.Number} follows it at byte {at}.");
            ZeroFrom = at + sector.Length;
        }
        if (ZeroFrom > End)
            TornTail ??= $"{path}, byte {End}: the remains of a batch that was still being written when the power went. It was never acknowledged and has been cut.";
    }

    private StorageException Corrupt(long offset, string problem) => StorageException.Corrupt(path, offset, problem);
}
