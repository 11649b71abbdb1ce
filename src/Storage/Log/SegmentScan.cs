namespace Conclave.Storage;

/// <summary>Reads the batches of one segment into a <see cref="LogReplay"/> and finds out what its end means.</summary>
/// <remarks>
/// The facts behind the decisions: a segment is zeros where nothing was written; a batch is written only after the one before it was synced; its
/// header lies within one sector, which is on the disk whole or not at all. So the power can leave only one batch incomplete, the last one,
/// and only by missing sectors. Everything else is damage to acknowledged bytes.
/// </remarks>
internal sealed class SegmentScan(string path, SegmentReader reader, SegmentHeader header, StorageFaults faults = StorageFaults.None)
{
    private readonly uint _seed = header.Seed;

    /// <summary>Where the next batch goes, or where the damage begins.</summary>
    internal long End { get; private set; } = SegmentHeader.ContentOffset;

    /// <summary>What was cut off, in words; null when the segment ended cleanly.</summary>
    internal string? TornTail { get; private set; }

    /// <summary>After <see cref="End"/>, everything from here on is zeros. Larger than <see cref="End"/> when remains must be wiped.</summary>
    internal long ZeroFrom { get; private set; }

    /// <summary>What is damaged at or after <see cref="End"/>; the replay holds everything before it. Null when nothing is.</summary>
    internal StorageException? Damage { get; private set; }

    /// <summary>The checksums of a batch are right and its records do not fit the log: the replay is not to be used. Null when all fit.</summary>
    internal StorageException? Contradiction { get; private set; }

    internal void Run(LogReplay replay)
    {
        replay.StartSegment();
        while (End + Sectors.Bytes <= reader.Length)
        {
            ReadOnlySpan<byte> sector = reader.Slice(End, Sectors.Bytes);
            BatchHeaderCheck check = BatchHeader.TryRead(sector, _seed, out BatchHeader batch, out uint chain);
            if (check == BatchHeaderCheck.Empty && BatchHeader.MayBeRemainsOf(replay.Batch + 1, sector))
                break;
            if (check != BatchHeaderCheck.Good)
                Damage = Corrupt(End, $"The header of batch {replay.Batch + 1} is damaged.");
            else if (End + batch.ContentBytes > reader.Length)
                Damage = Corrupt(End, $"Batch {batch.Number} ends beyond the file.");
            else if ((faults & StorageFaults.SkipContinuityCheck) == 0 && replay.ProblemWithNext(batch) is { Length: > 0 } problem)
                Damage = Corrupt(End, problem);
            if (Damage is not null)
                break;

            ReadOnlySpan<byte> content = reader.Slice(End, batch.ContentBytes);
            BatchBodyCheck body = BatchReader.Check(content, batch, _seed, out int at, out string found);
            if (body == BatchBodyCheck.Damaged)
                Damage = Corrupt(End + at, found);
            else if (body == BatchBodyCheck.Torn)
                TornTail = $"{path}, byte {End}: batch {batch.Number} was still being written when the power went ({found}) It was never acknowledged and has been cut.";
            else if (replay.Apply(content, batch, chain, _seed) is { Length: > 0 } misfit)
                Contradiction = Corrupt(End, misfit);
            if (body != BatchBodyCheck.Good || Contradiction is not null)
                break;
            End = Sectors.RoundUp(End + batch.ContentBytes, header.Alignment);
        }
    }

    /// <summary>Looks at everything after <see cref="End"/>. Only for the last segment: in all others the next one says where they end.</summary>
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
            {
                Damage = Corrupt(End, $"Batch {replay.Batch + 1} is missing or incomplete, but batch {later.Number} follows it at byte {at}.");
                return;
            }
            ZeroFrom = at + sector.Length;
        }
        if (ZeroFrom > End)
            TornTail ??= $"{path}, byte {End}: the remains of a batch that was still being written when the power went. It was never acknowledged and has been cut.";
    }

    private StorageException Corrupt(long offset, string problem) => StorageException.Corrupt(path, offset, problem);
}
