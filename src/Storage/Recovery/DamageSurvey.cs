using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>Reads what is left after a damaged place, to learn how far the log may have reached and which term and vote it ended with.</summary>
/// <remarks>
/// Nothing of it is used as log: only the names of entries, terms and votes, each of which has a checksum of its own. Too high a result is safe (the
/// node waits longer before it votes and campaigns as before); too low a one is not, so every doubt ends in "unknown".
/// </remarks>
internal sealed class DamageSurvey(StorageIdentity identity, ulong lastBatch)
{
    private ulong _named = lastBatch; // number of the last batch whose records were all read or named

    /// <summary>The newest entry, in Raft's order, that is named after the damage. Zero if none is.</summary>
    internal EntryId Newest { get; private set; }

    /// <summary>The newest term, and the vote in it, after the damage.</summary>
    internal HardState HardState { get; private set; }

    /// <summary>The last batch that was written can be read, as far as its header and the names of its entries go, and nothing but zeros follows.</summary>
    internal bool EndIsKnown { get; private set; }

    /// <summary>The highest number of a batch.</summary>
    internal ulong LastBatch { get; private set; } = lastBatch;

    /// <summary>A file that is not there, or whose header cannot be used: what it held is anybody's guess, unless a later one says more.</summary>
    internal void AddMissing() => EndIsKnown = false;

    /// <summary>Surveys a segment from the offset on, in order.</summary>
    /// <param name="sequence">Which it should be.</param>
    /// <param name="reader">The file.</param>
    /// <param name="from">Where the damage begins, or the beginning of the content.</param>
    /// <param name="isWholeFile">The file has the length that its header, which is good, tells.</param>
    internal void Add(ulong sequence, SegmentReader reader, long from, bool isWholeFile)
    {
        uint seed = SegmentHeader.SeedOf(identity, sequence);
        bool known = isWholeFile && from == SegmentHeader.ContentOffset && EndIsKnown;
        for (long at = Sectors.RoundUp(from, Sectors.Bytes); at < reader.Length;)
        {
            ReadOnlySpan<byte> sector = reader.Slice(at, (int)Math.Min(Sectors.Bytes, reader.Length - at));
            if (BatchHeader.TryRead(sector, seed, out BatchHeader batch, out _) == BatchHeaderCheck.Good)
            {
                known = NameEntries(reader, at, batch, seed, out long end) && isWholeFile;
                at = Sectors.RoundUp(end, Sectors.Bytes);
                continue;
            }
            if (sector.ContainsAnyExcept((byte)0))
                known = false;
            at += Sectors.Bytes;
        }
        EndIsKnown = known;
    }

    /// <summary>The header of a segment after the damage names the entry, term and vote before it.</summary>
    internal void AddHeader(in SegmentHeader header)
    {
        See(header.HardState);
        See(header.PreviousEntry);
        (_named, LastBatch, EndIsKnown) = (header.PreviousBatch, Math.Max(LastBatch, header.PreviousBatch), true);
    }

    internal void See(HardState state)
    {
        bool newer = state.Term > HardState.Term || (state.Term == HardState.Term && HardState.VotedFor == NodeId.None);
        if (newer)
            HardState = state;
    }

    private void See(EntryId entry)
    {
        if (entry > Newest)
            Newest = entry;
    }

    /// <summary>False when a record's header is damaged: the rest of the batch has no names then.</summary>
    private bool NameEntries(SegmentReader reader, long start, in BatchHeader batch, uint seed, out long end)
    {
        See(batch.HardState);
        // Batches between that cannot be read: the log ended with the watermark after them, in this batch's term at the latest.
        if (batch.Number != _named + 1 && batch.Watermark != LogIndex.Zero)
            See(new EntryId(batch.Watermark, batch.HardState.Term));
        LastBatch = Math.Max(LastBatch, batch.Number);
        long at = start + BatchHeader.Bytes, limit = Math.Min(start + batch.ContentBytes, reader.Length);
        end = start + BatchHeader.Bytes;
        for (int i = 0; i < batch.Records; i++)
        {
            if (at + RecordHeader.Bytes > limit || !RecordHeader.TryRead(reader.Slice(at, RecordHeader.Bytes), seed, out RecordHeader record))
                return false;
            if (record.Kind != RecordHeader.TruncateKind)
                See(record.Id);
            at += RecordHeader.SizeOf(record.PayloadBytes);
        }
        _named = batch.Number;
        end = Math.Max(end, limit);
        return at + BatchTrailer.Bytes == start + batch.ContentBytes;
    }
}
