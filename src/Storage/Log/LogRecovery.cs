using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>A segment that is part of the log.</summary>
/// <param name="Sequence">Its number.</param>
/// <param name="Bytes">Length of the file.</param>
/// <param name="Highest">Highest index written in it, also if it was truncated later.</param>
internal readonly record struct Segment(ulong Sequence, long Bytes, LogIndex Highest);

/// <summary>Opens the files of a log and decides what they mean. The table of all cases is in docs/protocol/storage-format.md.</summary>
/// <remarks>Changes nothing until it has decided that the log can be used: a refused directory is left as it was.</remarks>
internal sealed class LogRecovery(LogFiles names, DurableLogOptions options)
{
    private readonly List<string> _leftovers = [];
    private readonly List<ulong> _found = [];

    internal SuperblockFile Superblock { get; private set; } = null!; // set first thing in Run

    internal LogReplay Replay { get; private set; } = null!;

    internal bool Fresh { get; private set; }

    internal List<string> Notes { get; } = [];

    /// <summary>The live segments, oldest first; the last one is <see cref="Active"/>. Empty if none was begun yet.</summary>
    internal List<Segment> Segments { get; } = [];

    /// <summary>The segment to go on with.</summary>
    internal ActiveSegment? Active { get; private set; }

    /// <summary>Segment files that are not part of the log any more.</summary>
    internal List<string> Recyclable { get; } = [];

    /// <exception cref="StorageException">The directory cannot be used; see <see cref="StorageException.Kind"/>.</exception>
    internal void Run()
    {
        Classify();
        bool hasSuperblock = OpenSuperblock();
        SuperblockContent known = Superblock.Current;
        CheckIdentity(known.Identity, names.PathOf(LogFiles.SuperblockName));
        Replay = new LogReplay(known.Base);
        ReadSegments(known);
        Fresh = !hasSuperblock || known.NewestSegment == 0;
        Repair();
    }

    private void Classify()
    {
        // What a killed process created or renamed is visible but perhaps not durable; nothing may be built on it before it is.
        names.Files.SyncDirectory(names.Directory);
        foreach (string name in names.Files.List(names.Directory))
        {
            if (LogFiles.TryParseSegment(name, out ulong sequence))
                _found.Add(sequence);
            else if (LogFiles.TryParseSpare(name, out _))
                Recyclable.Add(names.PathOf(name));
            else if (name == LogFiles.SuperblockName + LogFiles.TemporarySuffix)
                _leftovers.Add(names.PathOf(name));
        }
        _found.Sort();
    }

    private bool OpenSuperblock()
    {
        IReadOnlyList<string> present = names.Files.List(names.Directory);
        if (present.Contains(LogFiles.SuperblockName))
        {
            Superblock = SuperblockFile.Open(names);
            return true;
        }
        foreach (string name in present)
            if (LogFiles.TryParseSegment(name, out _) || name.StartsWith(SnapshotName.Prefix, StringComparison.Ordinal))
                throw StorageException.Corrupt(names.PathOf(LogFiles.SuperblockName), null, $"The superblock is missing, but {name} is there.");
        if (options.ClusterId == 0 || options.NodeId == 0)
            throw new StorageException(StorageErrorKind.NotFormatted, names.Directory, null, "The directory holds no log.", "Say which cluster and member it is for.");
        DeleteLeftovers();
        Superblock = SuperblockFile.Create(names, new SuperblockContent
        {
            Identity = new StorageIdentity(options.ClusterId, options.NodeId, options.Incarnation == Guid.Empty ? Guid.NewGuid() : options.Incarnation),
            Sequence = 1,
            ParentChecksum = 0,
            OldestSegment = 1,
            NewestSegment = 0,
            Base = EntryId.Zero,
            HardState = default,
            Bootstrap = options.Bootstrap,
        });
        return false;
    }

    private void CheckIdentity(StorageIdentity identity, string file)
    {
        if (options.ClusterId != 0 && identity.ClusterId != options.ClusterId)
            throw new StorageException(StorageErrorKind.WrongCluster, file, 16, $"It belongs to cluster {identity.ClusterId:x}, not to {options.ClusterId:x}.",
                "Check the data directory and the cluster token; a node never joins another cluster with old data.");
        if (options.NodeId != 0 && identity.NodeId != options.NodeId)
            throw new StorageException(StorageErrorKind.WrongMember, file, 24, $"It belongs to member {identity.NodeId:x}, not to {options.NodeId:x}.",
                "Check the data directory and the member's name; every member has a directory of its own.");
    }

    private void ReadSegments(SuperblockContent known)
    {
        foreach (ulong sequence in _found)
            if (sequence < known.OldestSegment)
                Recyclable.Add(names.SegmentPath(sequence)); // freed by a compaction or a reset that was interrupted after it counted
            else if (sequence > known.NewestSegment + 1)
                throw StorageException.Corrupt(names.SegmentPath(sequence), 0, $"The superblock knows no segment after {known.NewestSegment}. Was it restored from an older copy?");
        ulong newest = NewestThatCounts(known);
        for (ulong sequence = known.OldestSegment; sequence <= newest; sequence++)
            ReadSegment(sequence, known, isLast: sequence == newest);
        if (Segments.Count == 0)
            return; // formatting was interrupted before the first segment: nothing was ever acknowledged

        if (Replay.ProblemAtEnd() is { Length: > 0 } problem)
            throw StorageException.Corrupt(names.SegmentPath(Segments[^1].Sequence), Active?.Position, problem);
        if (Replay.HardState.Term < known.HardState.Term)
            throw StorageException.Corrupt(names.SegmentPath(Segments[^1].Sequence), Active?.Position,
                $"The log ends in term {Replay.HardState.Term}, but the superblock has seen term {known.HardState.Term}.");
    }

    /// <summary>One segment more than the superblock knows may have been begun before the power went.</summary>
    private ulong NewestThatCounts(SuperblockContent known)
    {
        ulong next = known.NewestSegment + 1;
        if (!_found.Contains(next))
            return known.NewestSegment;
        using IStorageFile file = names.Files.Open(names.SegmentPath(next));
        if (!ReadHeader(file, next, known, out _).IsReset)
            return next;
        // The log is replaced when the superblock says so, not before: until then the old log counts, whole. The file is deleted and not
        // recycled: if the deletion is lost in another crash, an intact header must say again that it does not count.
        _leftovers.Add(names.SegmentPath(next));
        return known.NewestSegment;
    }

    private void ReadSegment(ulong sequence, SuperblockContent known, bool isLast)
    {
        string path = names.SegmentPath(sequence);
        if (!_found.Contains(sequence))
            throw StorageException.Corrupt(path, null, "The segment is missing.");
        IStorageFile file = names.Files.Open(path);
        try
        {
            if (isLast)
            {
                // Bytes that a killed process wrote, or that a failed sync left behind in the cache, must be on the disk before they count.
                file.Sync();
                file.DropCache();
            }
            SegmentHeader header = ReadHeader(file, sequence, known, out SegmentReader reader);
            if (Segments.Count == 0)
                Replay.StartAt(header);
            else if (Replay.ProblemWithNext(header) is { Length: > 0 } problem)
                throw StorageException.Corrupt(names.SegmentPath(Segments[^1].Sequence), null, problem);

            var scan = new SegmentScan(path, reader, header);
            scan.Run(Replay);
            if (isLast)
            {
                scan.CheckTail(Replay);
                Active = new ActiveSegment(path, file, header, scan.End) { WipeTo = scan.ZeroFrom };
                if (scan.TornTail is { } note)
                    Notes.Add(note);
            }
            else if (scan.TornTail is not null)
                throw StorageException.Corrupt(path, scan.End, $"Batch {Replay.Batch + 1} is incomplete, but segment {sequence + 1} follows it.");
            Segments.Add(new Segment(sequence, header.SegmentBytes, Replay.HighestInSegment));
        }
        finally
        {
            if (Active?.File != file)
                file.Dispose();
        }
    }

    private SegmentHeader ReadHeader(IStorageFile file, ulong sequence, SuperblockContent known, out SegmentReader reader)
    {
        string path = names.SegmentPath(sequence);
        reader = new SegmentReader(file, file.Length);
        HeaderCheck check = SegmentHeader.TryRead(reader.Slice(0, (int)Math.Min(SegmentHeader.Bytes, reader.Length)), out SegmentHeader header, out string problem);
        if (check == HeaderCheck.OtherFormat)
            throw new StorageException(StorageErrorKind.WrongFormat, path, 12, problem, "Start the version that wrote it.");
        if (check == HeaderCheck.Damaged)
            throw StorageException.Corrupt(path, 0, problem);
        CheckIdentity(header.Identity, path);
        if (header.Identity != known.Identity)
            throw StorageException.Corrupt(path, 16, "The segment belongs to another data directory than the superblock.");
        if (header.Sequence != sequence)
            throw StorageException.Corrupt(path, 48, $"The file holds segment {header.Sequence}. Was it renamed?");
        if (header.SegmentBytes != reader.Length)
            throw StorageException.Corrupt(path, Math.Min(reader.Length, header.SegmentBytes), $"The file has {reader.Length} bytes instead of {header.SegmentBytes}.");
        return header;
    }

    /// <summary>The only changes of a recovery, each of them safe to repeat or to lose.</summary>
    private void Repair()
    {
        if (Superblock.Repair() is > 0 and var copies)
            Notes.Add($"{names.PathOf(LogFiles.SuperblockName)}: {copies} of {SuperblockFile.Slots} copies were damaged or older than their twin and have been written again.");
        Active?.Wipe();
        if (Active is not null && Segments[^1].Sequence != Superblock.Current.NewestSegment)
            Superblock.Update(Superblock.Current with { NewestSegment = Segments[^1].Sequence, HardState = Replay.HardState });
        DeleteLeftovers();
    }

    private void DeleteLeftovers()
    {
        foreach (string path in _leftovers)
            names.Files.Delete(path);
        _leftovers.Clear();
    }
}
