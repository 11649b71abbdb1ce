using System.Runtime.InteropServices;
using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>Rebuilds the log from its batches, oldest first.</summary>
/// <remarks>
/// The oldest segment may begin before <see cref="Base"/>: what lies there is covered by a snapshot, is followed only to check that nothing is
/// missing, and is not kept.
/// </remarks>
internal sealed class LogReplay(EntryId baseEntry)
{
    private LogIndex _last;
    private EntryId? _inPlaceOfBase; // what was read last at the base's index

    internal EntryId Base { get; } = baseEntry;

    /// <summary>The base was read, so that <see cref="Entries"/> follow it.</summary>
    internal bool SawBase => _inPlaceOfBase == Base;

    internal List<Entry> Entries { get; } = [];

    internal HardState HardState { get; private set; }

    internal ulong Batch { get; private set; }

    internal uint Chain { get; private set; }

    /// <summary>The last batch says that the log was closed in order.</summary>
    internal bool Closed { get; private set; }

    /// <summary>Highest index written in the current segment, also if it was truncated later.</summary>
    internal LogIndex HighestInSegment { get; private set; }

    /// <summary>The state that the oldest segment starts from.</summary>
    internal void StartAt(in SegmentHeader header)
    {
        _last = header.PreviousEntry.Index;
        _inPlaceOfBase = _last == Base.Index ? header.PreviousEntry : null;
        (HardState, Batch, Chain) = (header.HardState, header.PreviousBatch, header.PreviousChain);
    }

    internal void StartSegment() => HighestInSegment = LogIndex.Zero;

    /// <summary>What keeps the segment from following what was read so far; empty if nothing does.</summary>
    internal string ProblemWithNext(in SegmentHeader header)
    {
        if (header.PreviousBatch != Batch || header.PreviousChain != Chain)
            return $"Segment {header.Sequence} follows batch {header.PreviousBatch}, but the segments before it end with batch {Batch}.";
        if (header.PreviousEntry.Index != _last)
            return $"Segment {header.Sequence} follows entry {header.PreviousEntry}, but the segments before it end with entry {_last}.";
        return header.HardState != HardState ? $"Segment {header.Sequence} starts with another term or vote than the segments before it end with." : "";
    }

    /// <summary>What keeps the batch from following what was read so far; empty if nothing does.</summary>
    internal string ProblemWithNext(in BatchHeader header)
    {
        if (header.Number != Batch + 1 || header.PreviousChain != Chain)
            return $"Batch {header.Number} does not follow batch {Batch}.";
        if (header.Watermark != _last)
            return $"Batch {header.Number} follows entry {header.Watermark}, but the log ends with entry {_last}.";
        return header.HardState.Term < HardState.Term ? $"Batch {header.Number} goes back from term {HardState.Term} to {header.HardState.Term}." : "";
    }

    /// <summary>Applies a batch that was checked. The problem, if its records do not fit the log; then the state is not to be used.</summary>
    internal string Apply(ReadOnlySpan<byte> content, in BatchHeader header, uint chain, uint seed)
    {
        int offset = BatchHeader.Bytes;
        for (int i = 0; i < header.Records; i++)
        {
            RecordHeader record = BatchReader.Next(content, seed, ref offset, out ReadOnlySpan<byte> payload);
            string problem = record.Kind == RecordHeader.TruncateKind ? Truncate(record.Id.Index) : Append(record, payload);
            if (problem.Length > 0)
                return $"Batch {header.Number}: {problem}";
        }
        (HardState, Batch, Chain) = (header.HardState, header.Number, chain);
        Closed = (header.Flags & BatchHeader.ClosedFlag) != 0;
        return "";
    }

    /// <summary>What is wrong at the end; empty if nothing is.</summary>
    /// <param name="newestTerm">The superblock, which knows the base, knows no later term.</param>
    /// <param name="endIsMissing">The batches that brought the base are gone from the end, and what was read is the log as it was before them. Otherwise no such batches can have been.</param>
    internal string ProblemAtEnd(Term newestTerm, out bool endIsMissing)
    {
        endIsMissing = _last < Base.Index || (_inPlaceOfBase is { } found && MayHaveBeenReplaced(found, newestTerm));
        if (_last < Base.Index)
            return $"The log ends with entry {_last}, before its base {Base}.";
        return SawBase ? "" : $"The log does not contain its base {Base}{(_inPlaceOfBase is { } other ? $", but {other} in its place" : "")}.";
    }

    /// <summary>
    /// Whether a leader that this member heard of can have put the base in the place of an entry. Its term is later than that entry's and not before the base's;
    /// the base itself may be the older of the two, since a leader replaces what others appended by what it has.
    /// </summary>
    private bool MayHaveBeenReplaced(EntryId found, Term newestTerm) =>
        found.Term != Base.Term && Base.Term <= newestTerm && (found.Term < Base.Term || found.Term < newestTerm);

    private string Truncate(LogIndex from)
    {
        if (from == LogIndex.Zero || from > _last)
            return $"it truncates from entry {from}, but the log ends with entry {_last}.";
        if (from <= Base.Index)
        {
            // Before the base was established, so whatever was read since the base's index is history as well.
            _inPlaceOfBase = null;
            Entries.Clear();
        }
        else
        {
            int kept = (int)(from - Base.Index - 1);
            CollectionsMarshal.SetCount(Entries, Math.Min(kept, Entries.Count));
        }
        _last = from.Previous;
        return "";
    }

    private string Append(in RecordHeader record, ReadOnlySpan<byte> payload)
    {
        if (record.Id.Index.Value != _last.Value + 1)
            return $"entry {record.Id} follows entry {_last}.";
        _last = record.Id.Index;
        HighestInSegment = LogIndex.Max(HighestInSegment, _last);
        if (_last > Base.Index)
            Entries.Add(new Entry(_last, record.Id.Term, (EntryKind)record.Kind, payload.ToArray()));
        else if (_last == Base.Index)
            _inPlaceOfBase = record.Id;
        return "";
    }
}
