using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Simulator;

/// <summary>I23: how much a data directory may take, counted from what was written and is still needed.</summary>
internal sealed class DiskBudget(int segmentBytes)
{
    private const int BatchBytes = 1024;  // header and padding of a batch, at most
    private const int RecordBytes = 64;   // header and padding of an entry, at most
    public const int QuarantineFilesMax = 4;
    private const int SnapshotsMax = 3; // two, and the one that is being written

    private readonly Queue<(LogIndex Highest, long Bytes)> _written = new();
    private long _needed, _largestSnapshot, _largestBatch;

    /// <summary>Each opening may begin a segment.</summary>
    public void OnOpened() => Add(LogIndex.Zero, segmentBytes);

    public void OnWritten(List<PersistOp> ops)
    {
        long bytes = BatchBytes;
        LogIndex highest = LogIndex.Zero;
        foreach (PersistOp op in ops)
        {
            bytes += BatchBytes;
            foreach (ref readonly Entry entry in op.Entries.Span) (bytes, highest) = (bytes + entry.Payload.Length + RecordBytes, LogIndex.Max(highest, entry.Index));
        }
        _largestBatch = Math.Max(_largestBatch, bytes);
        Add(highest, bytes);
    }

    public void OnSnapshot(long bytes) => _largestSnapshot = Math.Max(_largestSnapshot, bytes);

    /// <summary>What ends here or before is not needed; a segment goes as a whole, and in order.</summary>
    public void OnCompacted(LogIndex upTo)
    {
        while (_written.TryPeek(out (LogIndex Highest, long Bytes) oldest) && oldest.Highest <= upTo) _needed -= _written.Dequeue().Bytes;
    }

    public void OnReset()
    {
        _written.Clear();
        _needed = 0;
    }

    /// <returns>Null, or what is too much.</returns>
    public string? Problem(DurableLog log, long usedBytes)
    {
        // A segment is left when a batch does not fit, so half of it may be empty; the active one, the oldest one in part, and a spare come on top.
        long segment = Math.Max(segmentBytes, 2 * _largestBatch);
        long forLog = 2 * _needed + 4 * segment;
        if (log.DiskBytes > forLog) return $"its log takes {log.DiskBytes} B, and what is needed is {_needed} B: at most {forLog}";
        long snapshot = 2 * _largestSnapshot + 16_384;
        long most = forLog + SnapshotsMax * snapshot + QuarantineFilesMax * Math.Max(segment, snapshot) + 65_536;
        return usedBytes > most ? $"its directory takes {usedBytes} B: at most {most}, of which {forLog} are for the log" : null;
    }

    public DiskBudget Clone()
    {
        var copy = new DiskBudget(segmentBytes) { _largestSnapshot = _largestSnapshot, _largestBatch = _largestBatch };
        foreach ((LogIndex highest, long bytes) in _written) copy.Add(highest, bytes);
        return copy;
    }

    private void Add(LogIndex highest, long bytes)
    {
        _written.Enqueue((highest, bytes));
        _needed += bytes;
    }
}
