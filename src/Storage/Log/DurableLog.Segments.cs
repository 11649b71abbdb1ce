using Conclave.Raft;

namespace Conclave.Storage;

public sealed partial class DurableLog
{
    private const long BatchContentBytesMax = 1 << 30;

    /// <summary>Zeros written, at least, before the first batch of a new segment: the rest follows in steps.</summary>
    private const int FirstFillBytes = 256 << 10;

    /// <summary>
    /// One bounded step of work ahead: fills the next part of the active segment, or of the spare one, with zeros and syncs it
    /// (1 MiB by default, some 2 ms). For idle moments of the thread that persists; without it the same work is done when it cannot wait any longer.
    /// </summary>
    /// <returns>Whether there is more to do.</returns>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Poisoned"/>. A full disk is not an error here: see <see cref="IsSpaceLow"/>.</exception>
    public bool Prepare()
    {
        RequireUsable();
        try
        {
            bool reserved = ReserveAhead();
            return PrepareActive() || (reserved && _active.Position >= _active.Header.SegmentBytes / 4 && _spares.Prepare());
        }
        catch (FileSystemException failure) when (failure.Error == FileError.NoSpace)
        {
            IsSpaceLow = true; // nothing was lost: only zeros could not be written
            return false;
        }
        catch (FileSystemException failure)
        {
            throw Poison(failure);
        }
    }

    /// <summary>Sets space aside for what is left of the active segment and for a whole spare one, as it is done with every new segment.</summary>
    /// <returns>False on a full disk: then <see cref="IsSpaceLow"/>.</returns>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Poisoned"/>.</exception>
    public bool TryReserve()
    {
        RequireUsable();
        try
        {
            return ReserveAhead();
        }
        catch (FileSystemException failure)
        {
            throw Poison(failure);
        }
    }

    private bool ReserveAhead() => ReserveSpace(_options.SegmentBytes);

    /// <summary>A full disk shows here, while nothing depends on it: with a segment in hand that has all its space.</summary>
    private bool ReserveSpace(long spareBytes)
    {
        try
        {
            _active.Reserve();
            _spares.Reserve(spareBytes);
            IsSpaceLow = false;
        }
        catch (FileSystemException failure) when (failure.Error == FileError.NoSpace)
        {
            IsSpaceLow = true;
        }
        return !IsSpaceLow;
    }

    /// <summary>Whether a batch of this size can be written into space that was set aside, or can be now.</summary>
    private bool HasRoomFor(int batchBytes)
    {
        if (!_active.Fits(batchBytes))
            return ReserveSpace(SegmentBytesFor(batchBytes));
        return _active.IsReserved || ReserveAhead() || _active.IsReserved;
    }

    private long SegmentBytesFor(long batchBytes) => Math.Max(_options.SegmentBytes, Sectors.RoundUp(SegmentHeader.ContentOffset + batchBytes, 4096));

    private bool PrepareActive()
    {
        if (_active.Prepared >= Math.Min(_active.Position + _options.ZeroFillBytes, _active.Header.SegmentBytes))
            return false;
        _active.Prepare(_options.ZeroFillBytes);
        _active.File.Sync();
        return true;
    }

    /// <summary>Everything in the active segment is synced. The new one counts from the moment its name is durable.</summary>
    private void RollOver(int batchBytes)
    {
        ActiveSegment full = _active;
        ActiveSegment next = BeginSegment(batchBytes, _runs.Last, _hardState, isReset: false);
        _older.Add(new Segment(full.Header.Sequence, full.Header.SegmentBytes, _highestInActive));
        (_active, _highestInActive) = (next, LogIndex.Zero);
        full.Dispose();
        ReserveAhead();
    }

    /// <summary>Creates the next segment; the superblock knows it afterwards, unless it is a reset.</summary>
    private ActiveSegment BeginSegment(long batchBytes, EntryId previous, HardState hardState, bool isReset)
    {
        long bytes = SegmentBytesFor(batchBytes);
        SparePool.Spare spare = _spares.Take(bytes);
        var header = new SegmentHeader
        {
            Identity = Identity,
            Sequence = _superblock.Current.NewestSegment + 1,
            SegmentBytes = bytes,
            Alignment = _options.BatchAlignmentBytes,
            PreviousBatch = _batch,
            PreviousChain = _chain,
            PreviousEntry = previous,
            HardState = hardState,
            IsReset = isReset && !Has(StorageFaults.ResetCountsAtOnce),
            IsUnseeded = Has(StorageFaults.RecycleUnclean),
        };
        string path = _names.SegmentPath(header.Sequence);
        long prepared = spare.Prepared;
        if (prepared < SegmentHeader.ContentOffset)
        {
            prepared = Math.Min(Math.Min(_options.ZeroFillBytes, FirstFillBytes), bytes);
            Zeros.Write(spare.File, 0, prepared);
        }
        Span<byte> sector = stackalloc byte[SegmentHeader.Bytes];
        header.Write(sector);
        spare.File.Write(0, sector);
        spare.File.Sync();
        spare.File.Dispose();
        _names.Files.Rename(spare.Path, path);
        if (!Has(StorageFaults.SkipDirectorySync))
            _names.Files.SyncDirectory(_names.Directory);
        // Opened again under its name, so that an error of the disk is reported for the file that people find.
        var segment = new ActiveSegment(path, _names.Files.Open(path), header, SegmentHeader.ContentOffset) { Prepared = prepared };
        segment.Reserve();
        if (!isReset)
            _superblock.Update(_superblock.Current with { NewestSegment = header.Sequence, HardState = hardState });
        return segment;
    }

    private void Recycle(ulong sequence) => _spares.Adopt(_names.SegmentPath(sequence));
}
