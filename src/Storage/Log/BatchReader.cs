using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>How the body of a batch reads, once its header is good.</summary>
internal enum BatchBodyCheck
{
    Good,

    /// <summary>Sectors are missing (all zeros), or the end is: the crash came while it was written, before anybody was told it was durable.</summary>
    Torn,

    /// <summary>Wrong bytes where no sector is missing, or where one flipped bit explains them. A power cut does not do that.</summary>
    Damaged,
}

/// <summary>Checks the records of a batch and walks over them.</summary>
internal static class BatchReader
{
    /// <summary>About a second of checksums.</summary>
    private const long TriedBytesMax = 1L << 30;

    /// <summary>Total over any bytes.</summary>
    /// <param name="content">The batch from its header to its trailer.</param>
    /// <param name="header">Its header, already checked.</param>
    /// <param name="seed">Of the segment.</param>
    /// <param name="offset">Where in the batch it goes wrong.</param>
    /// <param name="problem">What is wrong there, for people.</param>
    internal static BatchBodyCheck Check(ReadOnlySpan<byte> content, in BatchHeader header, uint seed, out int offset, out string problem)
    {
        problem = FindProblem(content, header, seed, out offset);
        if (problem.Length == 0)
            return BatchBodyCheck.Good;
        bool torn = BatchTrailer.IsMissing(content[^BatchTrailer.Bytes..]) || Sectors.CountEmpty(content) > header.SparseSectors
            || (Sectors.CountSparse(content) is int sparse && sparse > header.SparseSectors
                && (sparse > header.SparseSectors + 1 || !MayBeOneFlippedBit(content, header, seed)));
        return torn ? BatchBodyCheck.Torn : BatchBodyCheck.Damaged;
    }

    /// <summary>
    /// Whether a sector of two bits, of which one was lost, can be what makes one sector too many look sparse. It is tried: the bit is put back wherever it can have been.
    /// What would take too long to try is taken for damage, which refuses and loses nothing.
    /// </summary>
    private static bool MayBeOneFlippedBit(ReadOnlySpan<byte> content, in BatchHeader header, uint seed)
    {
        byte[] tried = content.ToArray();
        long bytesLeft = TriedBytesMax;
        for (int sector = Sectors.Bytes; sector < tried.Length; sector += Sectors.Bytes)
        {
            int end = Math.Min(sector + Sectors.Bytes, tried.Length);
            if (!Sectors.HasOneBit(content[sector..end]))
                continue;
            for (int bit = sector * 8; bit < end * 8; bit++)
            {
                if ((bytesLeft -= tried.Length) < 0)
                    return true;
                byte mask = (byte)(1 << (bit & 7));
                tried[bit >> 3] ^= mask;
                if (FindProblem(tried, header, seed, out _).Length == 0)
                    return true;
                tried[bit >> 3] ^= mask;
            }
        }
        return false;
    }

    /// <summary>The next record; moves <paramref name="offset"/>, which starts at <see cref="BatchHeader.Bytes"/>. Only after a good <see cref="Check"/>.</summary>
    internal static RecordHeader Next(ReadOnlySpan<byte> content, uint seed, ref int offset, out ReadOnlySpan<byte> payload)
    {
        Invariant.Holds(RecordHeader.TryRead(content[offset..], seed, out RecordHeader record), "The batch was checked.");
        payload = content.Slice(offset + RecordHeader.Bytes, record.PayloadBytes);
        offset += (int)RecordHeader.SizeOf(record.PayloadBytes);
        return record;
    }

    private static string FindProblem(ReadOnlySpan<byte> content, in BatchHeader header, uint seed, out int offset)
    {
        offset = BatchHeader.Bytes;
        uint checksum = 0;
        for (int i = 0; i < header.Records; i++)
        {
            if (!RecordHeader.TryRead(content[offset..], seed, out RecordHeader record))
                return $"Record {i + 1} of {header.Records} in batch {header.Number} has a damaged header.";
            long end = offset + RecordHeader.SizeOf(record.PayloadBytes);
            if (end > content.Length - BatchTrailer.Bytes)
                return $"Record {i + 1} of {header.Records} in batch {header.Number} ends beyond the batch.";
            if (Crc32C.Append(seed, content.Slice(offset + RecordHeader.Bytes, record.PayloadBytes)) != record.PayloadChecksum)
                return $"The payload of entry {record.Id} ({record.PayloadBytes} bytes) is damaged.";
            checksum = Crc32C.Append(checksum, content.Slice(offset, RecordHeader.Bytes));
            offset = (int)end;
        }
        if (checksum != header.RecordsChecksum || offset != content.Length - BatchTrailer.Bytes)
            return $"The records of batch {header.Number} are not those that its header describes.";
        return "";
    }
}
