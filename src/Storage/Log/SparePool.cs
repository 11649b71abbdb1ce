namespace Conclave.Storage;

/// <summary>Segment files that wait for their turn: new ones, and old ones whose contents are not needed any more.</summary>
/// <remarks>
/// The first spare is reserved as soon as there is one, so that the log finds out that the disk is full while it has a whole segment left.
/// One that is filled with zeros before it is needed also spares every sync a journal commit. The old bytes of a recycled file are cut off at once.
/// </remarks>
internal sealed class SparePool(LogFiles names, DurableLogOptions options) : IDisposable
{
    private readonly List<Spare> _spares = [];
    private ulong _nextNumber = 1;

    internal long Bytes
    {
        get
        {
            long bytes = 0;
            foreach (Spare spare in _spares)
                bytes += spare.Bytes;
            return bytes;
        }
    }

    /// <summary>Takes over files that are no longer part of the log; deletes those beyond the limit, and those of unusual size.</summary>
    internal void Adopt(IReadOnlyList<string> paths)
    {
        foreach (string path in paths)
            if (LogFiles.TryParseSpare(Path.GetFileName(path), out ulong number))
                _nextNumber = Math.Max(_nextNumber, number + 1);
        foreach (string path in paths)
            Adopt(path);
    }

    internal void Adopt(string path)
    {
        if (_spares.Count >= options.SpareSegmentsMax)
        {
            names.Files.Delete(path);
            return;
        }
        IStorageFile file = names.Files.Open(path);
        if (file.Length != options.SegmentBytes)
        {
            file.Dispose();
            names.Files.Delete(path);
            return;
        }
        if (!LogFiles.TryParseSpare(Path.GetFileName(path), out _))
        {
            string spare = names.SparePath(_nextNumber++);
            names.Files.Rename(path, spare);
            path = spare;
        }
        if ((options.Faults & StorageFaults.RecycleUnclean) == 0)
        {
            file.SetLength(0);
            file.SetLength(options.SegmentBytes);
        }
        _spares.Add(new Spare(path, file, options.SegmentBytes));
    }

    /// <summary>Makes sure that there is a spare, and that this much of it has its place on the disk.</summary>
    /// <exception cref="FileSystemException"><see cref="FileError.NoSpace"/>. What was reserved before still is.</exception>
    internal void Reserve(long bytes)
    {
        if (_spares.Count == 0)
            _spares.Add(CreateSpare());
        Spare spare = _spares[0];
        if (spare.Reserved >= bytes)
            return;
        try
        {
            _ = spare.File.Reserve(bytes); // where that is not possible, zeros are written ahead and nothing else is done
            spare.Reserved = bytes;
        }
        catch (FileSystemException)
        {
            Abandon(spare);
            throw;
        }
    }

    /// <summary>A part may have been reserved: on a full disk others can use it better, for example to delete something.</summary>
    private void Abandon(Spare spare)
    {
        if (spare.Reserved > 0)
        {
            spare.File.SetLength(spare.Reserved);
            return;
        }
        _spares.Remove(spare);
        spare.File.Dispose();
        names.Files.Delete(spare.Path);
    }

    /// <summary>One bounded step towards a spare that is ready: creates it, or fills the next part with zeros. False when there is nothing left to do.</summary>
    internal bool Prepare()
    {
        if (_spares.Count == 0)
        {
            _spares.Add(CreateSpare());
            return true;
        }
        Spare spare = _spares[0];
        if (spare.Prepared >= spare.Bytes)
            return false;
        long end = Math.Min(spare.Prepared + options.ZeroFillBytes, spare.Bytes);
        Zeros.Write(spare.File, spare.Prepared, end);
        spare.File.Sync();
        spare.Prepared = end;
        return true;
    }

    /// <summary>A file of that length with its place on the disk, zeros from end to end, not synced yet; in the first <c>Prepared</c> bytes they were written.</summary>
    /// <exception cref="FileSystemException"><see cref="FileError.NoSpace"/>, unless that much was reserved before.</exception>
    internal Spare Take(long bytes)
    {
        Reserve(bytes);
        Spare spare = _spares[0];
        _spares.RemoveAt(0);
        if (spare.File.Length != bytes)
            spare.File.SetLength(bytes);
        return spare;
    }

    public void Dispose()
    {
        foreach (Spare spare in _spares)
            spare.File.Dispose();
        _spares.Clear();
    }

    private Spare CreateSpare()
    {
        string path = names.SparePath(_nextNumber++);
        IStorageFile file = names.Files.Create(path);
        try
        {
            file.SetLength(options.SegmentBytes);
        }
        catch (FileSystemException)
        {
            // On a full disk this is tried again and again, and must not leave a file behind each time.
            file.Dispose();
            names.Files.Delete(path);
            throw;
        }
        return new Spare(path, file, options.SegmentBytes);
    }

    internal sealed class Spare(string path, IStorageFile file, long bytes)
    {
        internal string Path { get; } = path;

        internal IStorageFile File { get; } = file;

        internal long Bytes { get; } = bytes;

        /// <summary>Up to here it has its place on the disk, as far as the file system can promise.</summary>
        internal long Reserved { get; set; }

        /// <summary>Zeros were written up to here.</summary>
        internal long Prepared { get; set; }
    }
}
