using Conclave.Raft;

namespace Conclave.Storage;

public sealed partial class DurableLog
{
    /// <summary>
    /// Cuts a damaged log by writing what is left of it into one new segment. The segment is flagged as a reset and does not count before the superblock says so: a crash
    /// leaves the damaged log, which knows what it lost since the superblock's first update, or the new one.
    /// </summary>
    private ActiveSegment WriteAnew(EntryId baseEntry, IReadOnlyList<Entry> entries)
    {
        List<int> groups = GroupForBatches(entries, out long bytes);
        ActiveSegment segment = BeginSegment(bytes, baseEntry, _hardState, isReset: true);
        int at = 0;
        foreach (int count in groups)
        {
            LogIndex watermark = _runs.Last.Index;
            _encoder.Begin(segment.Seed, (int)ContentBytesOf(entries, at, count));
            for (int last = at + count; at < last; at++)
            {
                _runs.Append(entries[at].Id);
                _encoder.AddEntry(entries[at]);
            }
            segment.Write(_encoder.Finish(_batch + 1, _hardState, watermark, _chain, flags: 0, out uint chain));
            (_batch, _chain) = (_batch + 1, chain);
        }
        segment.File.Sync();
        _highestInActive = _runs.Last.Index;
        _superblock.Update(_superblock.Current with { OldestSegment = segment.Header.Sequence, NewestSegment = segment.Header.Sequence, HardState = _hardState });
        return segment;
    }

    /// <summary>How many entries go into each batch, and how much room the batches take.</summary>
    private List<int> GroupForBatches(IReadOnlyList<Entry> entries, out long bytes)
    {
        var groups = new List<int>();
        bytes = 0;
        for (int at = 0; at < entries.Count;)
        {
            int count = 1;
            long content = ContentBytesOf(entries, at, 1);
            while (at + count < entries.Count && content + RecordHeader.SizeOf(entries[at + count].Payload.Length) is var larger && larger <= _options.BatchBytesMax)
                (content, count) = (larger, count + 1);
            groups.Add(count);
            bytes += Sectors.RoundUp(content, _options.BatchAlignmentBytes);
            at += count;
        }
        return groups;
    }

    private static long ContentBytesOf(IReadOnlyList<Entry> entries, int from, int count)
    {
        long bytes = BatchHeader.Bytes + BatchTrailer.Bytes;
        for (int i = from; i < from + count; i++)
            bytes += RecordHeader.SizeOf(entries[i].Payload.Length);
        return bytes;
    }

    /// <summary>Not recycled: what lies on a damaged place of the disk is not written to again if it can be helped.</summary>
    private void DeleteDamaged(IReadOnlyList<string> paths)
    {
        foreach (string path in paths)
            _names.Files.Delete(path);
    }
}
