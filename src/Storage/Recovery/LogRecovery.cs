using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>A segment that is part of the log.</summary>
/// <param name="Sequence">Its number.</param>
/// <param name="Bytes">Length of the file.</param>
/// <param name="Highest">Highest index written in it, also if it was truncated later.</param>
internal readonly record struct Segment(ulong Sequence, long Bytes, LogIndex Highest);

/// <summary>Opens the files of a log, finds out what they hold, and carries out what <see cref="RecoveryDecision"/> makes of it.</summary>
/// <remarks>Changes nothing until it has decided that the log can be used: a refused directory is left as it was.</remarks>
internal sealed class LogRecovery(LogFiles names, DurableLogOptions options)
{
    private readonly List<string> _leftovers = [];
    private StorageException? _problem; // the first that was found
    private string? _data; // a segment or a snapshot
    private SegmentsOnDisk? _segments;

    internal SuperblockFile Superblock { get; private set; } = null!; // set first thing in Run, which throws otherwise

    internal RecoveryFindings Findings { get; private set; }

    internal RecoveryDecision Decision { get; private set; }

    /// <summary>What the segments hold, up to the damage if there is any.</summary>
    internal LogReplay Replay => _segments?.Replay ?? new LogReplay(EntryId.Zero);

    internal bool Fresh { get; private set; }

    internal List<string> Notes { get; } = [];

    /// <summary>The live segments, oldest first; the last one is <see cref="Active"/>. Empty if none was begun yet, and in a repair.</summary>
    internal IReadOnlyList<Segment> Segments => _segments?.Live ?? [];

    /// <summary>The segment to go on with; null when there is none.</summary>
    internal ActiveSegment? Active => _segments?.Active;

    /// <summary>Spare segments, and those that are not part of the log any more.</summary>
    internal List<string> Recyclable { get; } = [];

    /// <summary>In a repair: the segments that count until the log was written anew.</summary>
    internal List<string> Damaged { get; } = [];

    internal HardState HardState { get; private set; }

    /// <summary>What the log must reach again; zero when nothing is missing.</summary>
    internal EntryId LostEnd { get; private set; }

    /// <summary>Batches after the recovery have higher numbers than this.</summary>
    internal ulong LastBatch { get; private set; }

    /// <exception cref="StorageException">The directory cannot be used; see <see cref="StorageException.Kind"/>.</exception>
    internal void Run()
    {
        List<ulong> found = Classify();
        SuperblockReading reading = SuperblockReading.Of(names, tolerant: options.AllowRepair);
        Superblock = reading.File!; // null only when the decision below is to refuse or to format
        _problem = reading.Finding == SuperblockFinding.Missing && _data is not null
            ? StorageException.Corrupt(names.PathOf(LogFiles.SuperblockName), null, $"The superblock is missing, but {_data} is there.") : reading.Problem;
        Findings = Findings with { Superblock = reading.Finding, CanFormat = options.ClusterId != 0 && options.NodeId != 0, AllowRepair = options.AllowRepair };
        if (reading.File is not null && MayRead(reading))
            ReadSegments(found, Superblock.Current);
        Decision = RecoveryDecision.Of(Findings);
        switch (Decision.Log)
        {
            case LogOutcome.Refuse:
                throw Refusal();
            case LogOutcome.Format:
                Format();
                break;
            default:
                Superblock.Faults = options.Faults;
                GoOn(reading);
                break;
        }
    }

    private List<ulong> Classify()
    {
        var found = new List<ulong>();
        // What a killed process created or renamed is visible but perhaps not durable; nothing may be built on it before it is.
        names.Files.SyncDirectory(names.Directory);
        foreach (string name in names.Files.List(names.Directory))
        {
            if (LogFiles.TryParseSegment(name, out ulong sequence))
                found.Add(sequence);
            else if (LogFiles.TryParseSpare(name, out _))
                Recyclable.Add(names.PathOf(name));
            else if (name == LogFiles.SuperblockName + LogFiles.TemporarySuffix)
                _leftovers.Add(names.PathOf(name));
            // Formatting makes the superblock durable before it creates any of these.
            if (LogFiles.TryParseSegment(name, out _) || LogFiles.TryParseSpare(name, out _) || name.StartsWith(SnapshotName.Prefix, StringComparison.Ordinal))
            {
                Findings = Findings with { HasData = true };
                _data ??= name;
            }
        }
        found.Sort();
        return found;
    }

    private bool MayRead(SuperblockReading reading)
    {
        if (reading.Finding is not (SuperblockFinding.Whole or SuperblockFinding.CopyDamaged or SuperblockFinding.PairDamaged))
            return false;
        SuperblockFinding identity = IdentityCheck.Of(options, Superblock.Current.Identity, names.PathOf(LogFiles.SuperblockName), out StorageException? problem);
        if (problem is not null)
        {
            (_problem, Findings) = (problem, Findings with { Superblock = identity });
            return false;
        }
        return reading.Finding != SuperblockFinding.PairDamaged || options.AllowRepair;
    }

    private void ReadSegments(List<ulong> found, SuperblockContent known)
    {
        _segments = new SegmentsOnDisk(names, options, known, found);
        _segments.Read();
        bool damaged = _segments.Finding == SegmentsFinding.Damaged || _segments.LogEnd == LogEndFinding.Behind;
        bool isNewestVoteInSuperblock = Findings.Superblock is SuperblockFinding.Whole or SuperblockFinding.CopyDamaged && !known.IsOldFormat;
        Findings = Findings with
        {
            Segments = _segments.Finding,
            LogEnd = _segments.LogEnd,
            NextSegment = _segments.Next,
            HardStateKnown = isNewestVoteInSuperblock || !damaged || (_segments.Survey.EndIsKnown && (options.Faults & StorageFaults.DoubtEveryEnd) == 0),
        };
        _problem = _segments.Problem ?? _problem;
    }

    private StorageException Refusal()
    {
        if (Decision.Refusal == StorageErrorKind.NotFormatted)
            return new StorageException(StorageErrorKind.NotFormatted, names.Directory, null, "The directory holds no log.", "Say which cluster and member it is for.");
        Invariant.Holds(_problem is not null, "Whatever is refused was noted when it was found.");
        return Decision.IsVoteLost
            ? new StorageException(_problem.Kind, _problem.File, _problem.Offset, $"{_problem.Problem} {Decision.Reason}", _problem.Remedy, _problem) { IsVoteLost = true }
            : _problem;
    }

    private void Format()
    {
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
            Boot = 1,
        });
        Superblock.Faults = options.Faults;
        Fresh = true;
    }

    private void GoOn(SuperblockReading reading)
    {
        SegmentsOnDisk segments = _segments!; // read, or it would have been refused
        SuperblockContent known = Superblock.Current;
        Fresh = known.NewestSegment == 0;
        Recyclable.AddRange(segments.Recyclable);
        Notes.AddRange(segments.Notes);
        if (Decision.NextSegment == NextSegmentOutcome.Delete)
            _leftovers.Add(names.SegmentPath(known.NewestSegment + 1));
        HardState = segments.HardStateWith(known.HardState);
        (LostEnd, LastBatch) = (StillLost(known.LostEnd), segments.LastBatch);
        string superblock = names.PathOf(LogFiles.SuperblockName);
        if (Findings.Superblock == SuperblockFinding.PairDamaged)
            Notes.Add($"{reading.Problem!.Message} It was written again from the other pair."); // said when it was found
        else if (reading.BadCopies > 0)
            Notes.Add($"{superblock}: {reading.BadCopies} of {SuperblockFile.Slots} copies were damaged or older than their twin and have been written again.");

        if (Findings.Superblock == SuperblockFinding.PairDamaged)
            Quarantine(superblock);
        if (Decision.Log == LogOutcome.Repair)
            PrepareRepair(segments);

        // The first change, in all four copies before anything else is touched: from here on the boot counts, and what is lost stays known.
        Superblock.RestoreLength();
        if (reading.BadCopies > 0)
            Superblock.EqualizeCopies();
        Superblock.Update(known with
        {
            NewestSegment = Decision.NextSegment == NextSegmentOutcome.Adopt ? known.NewestSegment + 1 : known.NewestSegment,
            HardState = HardState,
            LostEnd = (options.Faults & StorageFaults.ForgetLostEnd) == 0 ? LostEnd : EntryId.Zero,
            Boot = known.Boot + (Findings.Superblock == SuperblockFinding.PairDamaged ? 2UL : 1UL), // the lost pair may have held one more
        });
        if ((options.Faults & StorageFaults.KeepTornTail) == 0)
            Active?.Wipe();
        DeleteLeftovers();
    }

    private void PrepareRepair(SegmentsOnDisk segments)
    {
        DamageSurvey survey = segments.Survey;
        bool isCut = Findings.Segments == SegmentsFinding.Damaged || Findings.LogEnd == LogEndFinding.Behind;
        EntryId reached = !isCut ? EntryId.Zero : survey.EndIsKnown ? survey.Newest : new EntryId(new LogIndex(ulong.MaxValue), HardState.Term);
        LostEnd = StillLost(reached > Superblock.Current.LostEnd ? reached : Superblock.Current.LostEnd);
        Notes.Add($"{_problem!.FullProblem} The log was cut after entry {segments.Last} and written anew."); // whatever is repaired was noted
        if (LostEnd != EntryId.Zero)
            Notes.Add(LostEnd.Index.Value == ulong.MaxValue
                ? $"How far the log reached is not known, only that its last term was at most {LostEnd.Term}. The node takes no part in elections until the other members have brought an entry of a later term."
                : $"The log may have reached entry {LostEnd}. The node campaigns again when the other members have brought the entries that are missing.");
        foreach (string path in segments.Unusable)
            Quarantine(path);
        Damaged.AddRange(segments.Files);
        segments.CloseActive();
    }

    private EntryId StillLost(EntryId lostEnd) => _segments!.Last >= lostEnd ? EntryId.Zero : lostEnd; // read, see the callers

    private void Quarantine(string path)
    {
        if (Storage.Quarantine.Keep(names.Files, names.Directory, path, Superblock.Current.Boot, options.Faults) is { } note)
            Notes.Add(note);
    }

    private void DeleteLeftovers()
    {
        foreach (string path in _leftovers)
            names.Files.Delete(path);
        _leftovers.Clear();
    }
}
