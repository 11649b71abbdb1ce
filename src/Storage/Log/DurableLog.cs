using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>The replicated log on disk. Acknowledged operations survive any crash; a log that has lost some does not open.</summary>
/// <remarks>
/// <para>One thread at a time. File formats, recovery decisions and the reasons: docs/protocol/storage-format.md.</para>
/// <para>The first failed write or sync ends the life of the object: what the disk holds is unknown from then on, and so is
/// what the kernel would show. The process has to exit and open the log again, which reads what really arrived.</para>
/// </remarks>
public sealed partial class DurableLog : IDisposable
{
    private readonly LogFiles _names;
    private readonly DurableLogOptions _options;
    private readonly IDisposable _lock;
    private readonly SuperblockFile _superblock;
    private readonly SparePool _spares;
    private readonly List<Segment> _older = []; // live segments before the active one, oldest first
    private readonly TermRuns _runs;
    private readonly BatchEncoder _encoder = new();

    private ActiveSegment _active;
    private LogIndex _highestInActive;
    private HardState _hardState;
    private ulong _batch;
    private uint _chain;
    private Exception? _poison;
    private bool _closed;
    private bool _isIncomplete; // there is a LostEnd
    private bool _wasEmptied;

    private DurableLog(LogFiles names, DurableLogOptions options, IDisposable @lock, LogRecovery found)
    {
        (_names, _options, _lock, _superblock) = (names, options, @lock, found.Superblock);
        (_hardState, _batch, _chain) = (found.HardState, found.LastBatch, found.Replay.Chain);
        _isIncomplete = found.LostEnd != EntryId.Zero;
        (Findings, BootNonce) = (found.Findings, options.BootNonce == Guid.Empty ? Guid.NewGuid() : options.BootNonce);
        _runs = new TermRuns(found.Replay.Base);
        _spares = new SparePool(names, options);
        _spares.Adopt(found.Recyclable);
        if (found.Decision.Log == LogOutcome.Repair)
        {
            _active = WriteAnew(found.Replay.Base, found.Replay.Entries);
            DeleteDamaged(found.Damaged);
            ReserveAhead();
            return;
        }
        foreach (Entry entry in found.Replay.Entries)
            _runs.Append(entry.Id);
        if (found.Active is { } active)
        {
            _active = active;
            _older.AddRange(found.Segments);
            _highestInActive = _older[^1].Highest;
            _older.RemoveAt(_older.Count - 1);
        }
        else
            _active = BeginSegment(0, _runs.Last, _hardState, isReset: false);
        ReserveAhead();
    }

    public StorageIdentity Identity => _superblock.Current.Identity;

    public HardState HardState => _hardState;

    /// <inheritdoc cref="RecoveredLog.Boot"/>
    public ulong Boot => _superblock.Current.Boot;

    /// <inheritdoc cref="RecoveredLog.BootNonce"/>
    public Guid BootNonce { get; }

    /// <summary>What the log has lost and not reached again yet; zero when nothing is missing. See <see cref="RecoveredLog.LostEnd"/>.</summary>
    public EntryId LostEnd => _superblock.Current.LostEnd;

    /// <summary>The entry before the first one.</summary>
    public EntryId Base => _runs.Base;

    /// <summary>The last durable entry, or <see cref="Base"/>.</summary>
    public EntryId Last => _runs.Last;

    /// <summary>Bytes that the files of the log take at most; those not yet written to may take less.</summary>
    public long DiskBytes
    {
        get
        {
            long bytes = SuperblockFile.FileBytes + _active.Header.SegmentBytes + _spares.Bytes;
            foreach (Segment segment in _older)
                bytes += segment.Bytes;
            return bytes;
        }
    }

    /// <summary>
    /// The disk was full when space was to be set aside for the next segment. The rest of the active one can still be written: enough to tell the
    /// cluster. Known as soon as a segment is begun, and until <see cref="TryReserve"/> or <see cref="Prepare"/> finds room.
    /// </summary>
    public bool IsSpaceLow { get; private set; }

    /// <summary>A write or a sync has failed; every call from now on throws.</summary>
    public bool IsPoisoned => _poison is not null;

    /// <summary>What was found when it was opened.</summary>
    internal RecoveryFindings Findings { get; }

    /// <summary>Opens the log in the directory, or formats the directory if it is empty.</summary>
    /// <param name="files">Where the directory is.</param>
    /// <param name="directory">Created if missing. Snapshots may live in it too; other files are left alone.</param>
    /// <param name="options">Whose log it must be, and how it is laid out. The layout of existing segments is in their headers.</param>
    /// <param name="recovered">What the log holds.</param>
    /// <remarks>Every successful opening raises <see cref="Boot"/> durably before it returns.</remarks>
    /// <exception cref="ArgumentException">The options have problems.</exception>
    /// <exception cref="StorageException">
    /// The directory is locked, belongs to somebody else, cannot be written, or does not hold everything that was acknowledged and may not be repaired
    /// (<see cref="DurableLogOptions.AllowRepair"/>), or not with certainty.
    /// </exception>
    public static DurableLog Open(IFileSystem files, string directory, DurableLogOptions options, out RecoveredLog recovered)
    {
        if (string.Join(' ', options.Problems()) is { Length: > 0 } problems)
            throw new ArgumentException(problems, nameof(options));
        var names = new LogFiles(files, directory);
        LogRecovery? recovery = null;
        IDisposable? @lock = null;
        try
        {
            files.CreateDirectory(directory);
            @lock = files.Lock(names.PathOf(LogFiles.LockName));
            recovery = new LogRecovery(names, options);
            recovery.Run();
            var log = new DurableLog(names, options, @lock, recovery);
            recovered = new RecoveredLog
            {
                Identity = log.Identity,
                Fresh = recovery.Fresh,
                Bootstrap = recovery.Superblock.Current.Bootstrap,
                HardState = log.HardState,
                Base = log.Base,
                Entries = recovery.Replay.Entries,
                ClosedCleanly = recovery.Replay.Closed && recovery.Decision.Log == LogOutcome.Start,
                LostEnd = log.LostEnd,
                Boot = log.Boot,
                BootNonce = log.BootNonce,
                Notes = recovery.Notes,
            };
            return log;
        }
        catch (Exception failure)
        {
            recovery?.Active?.Dispose();
            recovery?.Superblock?.Dispose();
            @lock?.Dispose();
            if (failure is FileSystemException known)
                throw StorageException.From(known);
            throw;
        }
    }

    /// <summary>Marks the log as closed in order and releases the directory. Never throws for a failing disk.</summary>
    public void Dispose()
    {
        if (_closed)
            return;
        _closed = true;
        try
        {
            if (!IsPoisoned && _active.Fits(Sectors.Bytes)) // not worth a new segment
                WriteBatch([], BatchHeader.ClosedFlag);
        }
        catch (FileSystemException)
        {
            // The mark only helps the next start to tell damage from a torn batch. Everything acknowledged is durable without it.
        }
        _active.Dispose();
        _spares.Dispose();
        _superblock.Dispose();
        _lock.Dispose();
    }

    private void RequireUsable()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (_poison is not null)
            throw Poisoned(_poison);
    }

    private StorageException Poison(FileSystemException failure)
    {
        _poison ??= failure;
        return Poisoned(failure);
    }

    private StorageException Poisoned(Exception cause) => new(StorageErrorKind.Poisoned, (cause as FileSystemException)?.Path ?? _names.Directory, null,
        $"The log stopped after a failure: {cause.Message}", "Stop the node, check the disk, then start it again: it reads what really arrived.", cause);
}
