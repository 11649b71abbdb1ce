using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>Reads the segments of a log, oldest first, up to the end or to the first damage, and surveys what lies behind the damage.</summary>
internal sealed class SegmentsOnDisk(LogFiles names, DurableLogOptions options, SuperblockContent known, List<ulong> found)
{
    private ulong _newest; // last segment that counts
    private long _endOfLast; // where the batches of the segment read last end

    internal LogReplay Replay { get; } = new(known.Base);

    internal SegmentsFinding Finding { get; private set; } = SegmentsFinding.Whole;

    internal LogEndFinding LogEnd { get; private set; } = LogEndFinding.NotRead;

    internal NextSegmentFinding Next { get; private set; }

    /// <summary>What lies behind the damage. Empty when there is none.</summary>
    internal DamageSurvey Survey { get; private set; } = new(known.Identity, 0);

    internal StorageException? Problem { get; private set; }

    internal List<Segment> Live { get; } = [];

    internal ActiveSegment? Active { get; private set; }

    internal List<string> Recyclable { get; } = [];

    internal List<string> Notes { get; } = [];

    /// <summary>Files that cannot be read as they should; kept for inspection before a repair.</summary>
    internal List<string> Unusable { get; } = [];

    /// <summary>All segments that count and are there.</summary>
    internal IEnumerable<string> Files => found.Where(sequence => sequence >= known.OldestSegment && sequence <= _newest).Select(names.SegmentPath);

    /// <summary>The last entry that can be used.</summary>
    internal EntryId Last => Replay.Entries.Count > 0 ? Replay.Entries[^1].Id : known.Base;

    internal ulong LastBatch => Math.Max(Replay.Batch, Survey.LastBatch);

    internal void Read()
    {
        foreach (ulong sequence in found)
            if (sequence < known.OldestSegment)
                Recyclable.Add(names.SegmentPath(sequence)); // freed by a compaction or a reset that was interrupted after it counted
            else if (sequence > known.NewestSegment + 1)
                Fail(SegmentsFinding.BeyondSuperblock, StorageException.Corrupt(names.SegmentPath(sequence), 0,
                    $"The superblock knows no segment after {known.NewestSegment}. Was it restored from an older copy?"));
        if (Finding != SegmentsFinding.Whole || !LookAtNext())
            return;
        _newest = known.NewestSegment + (Next == NextSegmentFinding.RollOver ? 1UL : 0);
        if (_newest == 0)
        {
            Finding = SegmentsFinding.None; // formatting was interrupted before the first segment: nothing was ever acknowledged
            return;
        }
        ulong sequenceOfDamage = 0;
        long damageFrom = 0;
        for (ulong sequence = known.OldestSegment; sequence <= _newest && Finding == SegmentsFinding.Whole; sequence++)
            (sequenceOfDamage, damageFrom) = ReadSegment(sequence, isLast: sequence == _newest);
        if (Finding == SegmentsFinding.Whole && Live.Count == 0)
            Fail(SegmentsFinding.Contradictory, StorageException.Corrupt(names.PathOf(LogFiles.SuperblockName), null, $"The superblock counts segments from {known.OldestSegment} to {known.NewestSegment}."));
        if (Finding == SegmentsFinding.Whole)
            CheckEnd();
        if (Finding == SegmentsFinding.Damaged)
            SurveyFrom(sequenceOfDamage, damageFrom);
        if ((Finding == SegmentsFinding.Damaged || LogEnd == LogEndFinding.Behind) && !Replay.SawBase)
            Replay.Entries.Clear(); // the damage lies before the base, which a snapshot covers
    }

    /// <summary>The newest term and vote of all that was read, and of this.</summary>
    internal HardState HardStateWith(HardState superblock)
    {
        Survey.See(superblock);
        Survey.See(Replay.HardState);
        return Survey.HardState;
    }

    internal void CloseActive()
    {
        Active?.Dispose();
        Active = null;
        Live.Clear();
    }

    /// <summary>One segment more than the superblock knows may have been begun before the power went. False when it is somebody else's.</summary>
    private bool LookAtNext()
    {
        ulong next = known.NewestSegment + 1;
        if (!found.Contains(next))
            return true;
        using IStorageFile file = names.Files.Open(names.SegmentPath(next));
        SegmentsFinding header = ReadHeader(file, next, out SegmentHeader read, out _, out StorageException? problem);
        if (header is not (SegmentsFinding.Whole or SegmentsFinding.Damaged))
        {
            Fail(header, problem!); // whatever is not whole has a problem
            return false;
        }
        // The log is replaced when the superblock says so, not before: until then the old log counts, whole. The file is deleted and not
        // recycled: if the deletion is lost in another crash, an intact header must say again that it does not count.
        Next = header == SegmentsFinding.Damaged ? NextSegmentFinding.Unreadable : read.IsReset ? NextSegmentFinding.Reset : NextSegmentFinding.RollOver;
        if (header == SegmentsFinding.Damaged)
        {
            Problem = problem;
            Unusable.Add(names.SegmentPath(next));
        }
        return true;
    }

    /// <summary>Reads one segment into the replay. Where the damage begins, if it is damaged: at its own beginning, or behind the last good batch, which may be in the segment before.</summary>
    private (ulong Sequence, long From) ReadSegment(ulong sequence, bool isLast)
    {
        string path = names.SegmentPath(sequence);
        if (!found.Contains(sequence))
        {
            Fail(SegmentsFinding.Damaged, StorageException.Corrupt(path, null, "The segment is missing."));
            return (sequence, SegmentHeader.ContentOffset);
        }
        IStorageFile file = names.Files.Open(path);
        try
        {
            if (isLast)
            {
                // Bytes that a killed process wrote, or that a failed sync left behind in the cache, must be on the disk before they count.
                file.Sync();
                file.DropCache();
            }
            SegmentsFinding header = ReadHeader(file, sequence, out SegmentHeader read, out SegmentReader reader, out StorageException? problem);
            if (header != SegmentsFinding.Whole)
            {
                Fail(header, problem!, path); // whatever is not whole has a problem
                return (sequence, SegmentHeader.ContentOffset);
            }
            if (Live.Count == 0)
                Replay.StartAt(read);
            else if (Replay.ProblemWithNext(read) is { Length: > 0 } gap)
            {
                string before = names.SegmentPath(sequence - 1);
                Fail(SegmentsFinding.Damaged, StorageException.Corrupt(before, null, gap), before);
                return (sequence - 1, _endOfLast);
            }
            return (sequence, ReadBatches(path, file, reader, read, isLast));
        }
        finally
        {
            if (Active?.File != file)
                file.Dispose();
        }
    }

    private long ReadBatches(string path, IStorageFile file, SegmentReader reader, SegmentHeader header, bool isLast)
    {
        var scan = new SegmentScan(path, reader, header, options.Faults);
        scan.Run(Replay);
        if (scan is { Damage: null, Contradiction: null } && isLast)
            scan.CheckTail(Replay);
        if (scan.Contradiction is not null)
            Fail(SegmentsFinding.Contradictory, scan.Contradiction);
        else if (scan.Damage is not null)
            Fail(SegmentsFinding.Damaged, scan.Damage, path);
        else if (!isLast && scan.TornTail is not null)
            Fail(SegmentsFinding.Damaged, StorageException.Corrupt(path, scan.End, $"Batch {Replay.Batch + 1} is incomplete, but segment {header.Sequence + 1} follows it."), path);
        else if (isLast)
        {
            Active = new ActiveSegment(path, file, header, scan.End) { WipeTo = scan.ZeroFrom };
            LogEnd = scan.TornTail is null ? LogEndFinding.Clean : LogEndFinding.Torn;
            if (scan.TornTail is { } note)
                Notes.Add(note);
        }
        Live.Add(new Segment(header.Sequence, header.SegmentBytes, Replay.HighestInSegment));
        return _endOfLast = scan.End;
    }

    private void CheckEnd()
    {
        string path = names.SegmentPath(Live[^1].Sequence);
        HardState read = Replay.HardState, seen = known.HardState;
        if (Replay.ProblemAtEnd(seen.Term, out bool endIsMissing) is { Length: > 0 } problem)
        {
            if (endIsMissing)
                EndIsBehind(StorageException.Corrupt(path, Active?.Position, problem));
            else
                Fail(SegmentsFinding.Contradictory, StorageException.Corrupt(path, Active?.Position, problem));
        }
        else if (read.Term < seen.Term)
            EndIsBehind(StorageException.Corrupt(path, Active?.Position, $"The log ends in term {read.Term}, but the superblock has seen term {seen.Term}."));
        else if (read.Term == seen.Term && seen.VotedFor != NodeId.None && read.VotedFor != seen.VotedFor)
            EndIsBehind(StorageException.Corrupt(path, Active?.Position, $"The superblock knows the vote of term {seen.Term}, and the log does not."));
    }

    private void EndIsBehind(StorageException problem)
    {
        (LogEnd, Problem) = (LogEndFinding.Behind, problem);
        Unusable.Add(problem.File);
        Notes.Clear(); // a torn tail is not the story any more
    }

    private void SurveyFrom(ulong sequence, long from)
    {
        Notes.Clear();
        Survey = new DamageSurvey(known.Identity, Replay.Batch);
        ulong expected = sequence;
        // Over what is there, not over what the superblock says: a number that nobody wrote must not be counted up to.
        foreach (ulong next in found.Where(next => next >= sequence && next <= _newest).Order())
        {
            if (next != expected)
                Survey.AddMissing();
            expected = next + 1;
            if (next != sequence)
                from = SegmentHeader.ContentOffset;
            using IStorageFile file = names.Files.Open(names.SegmentPath(next));
            bool whole = ReadHeader(file, next, out SegmentHeader header, out SegmentReader reader, out _) == SegmentsFinding.Whole;
            if (whole && from == SegmentHeader.ContentOffset)
                Survey.AddHeader(header);
            else
                Survey.AddMissing();
            Survey.Add(next, reader, from, whole);
        }
        if (expected <= _newest)
            Survey.AddMissing();
    }

    private SegmentsFinding ReadHeader(IStorageFile file, ulong sequence, out SegmentHeader header, out SegmentReader reader, out StorageException? problem)
    {
        string path = names.SegmentPath(sequence);
        reader = new SegmentReader(file, file.Length, tolerant: options.AllowRepair);
        HeaderCheck check = SegmentHeader.TryRead(reader.Slice(0, (int)Math.Min(SegmentHeader.Bytes, reader.Length)), out header, out string found);
        problem = check switch
        {
            HeaderCheck.OtherFormat => new StorageException(StorageErrorKind.WrongFormat, path, 12, found, "Start the version that wrote it."),
            HeaderCheck.Damaged => StorageException.Corrupt(path, 0, found),
            _ => null,
        };
        if (problem is not null)
            return check == HeaderCheck.OtherFormat ? SegmentsFinding.OtherFormat : SegmentsFinding.Damaged;
        header = header with { IsUnseeded = (options.Faults & StorageFaults.RecycleUnclean) != 0 };
        SuperblockFinding identity = IdentityCheck.Of(options, header.Identity, path, out problem);
        if (problem is not null)
            return identity == SuperblockFinding.OtherCluster ? SegmentsFinding.OtherCluster : SegmentsFinding.OtherMember;
        if (header.Identity != known.Identity)
        {
            problem = StorageException.Corrupt(path, 16, "The segment belongs to another data directory than the superblock.");
            return SegmentsFinding.OtherDirectory;
        }
        if (header.Sequence != sequence)
            problem = StorageException.Corrupt(path, 48, $"The file holds segment {header.Sequence}. Was it renamed?");
        else if (header.SegmentBytes != reader.Length)
            problem = StorageException.Corrupt(path, Math.Min(reader.Length, header.SegmentBytes), $"The file has {reader.Length} bytes instead of {header.SegmentBytes}.");
        return problem is null ? SegmentsFinding.Whole : SegmentsFinding.Damaged;
    }

    private void Fail(SegmentsFinding finding, StorageException problem, string? unusable = null)
    {
        (Finding, Problem) = (finding, problem);
        if (unusable is not null)
            Unusable.Add(unusable);
    }
}
