namespace Conclave.Storage;

/// <summary>Checks a segment that is not written to any more: header, every batch, their order, and that it ends where the next one begins.</summary>
internal sealed class SegmentScrub : IScrub
{
    private const int WindowBytes = 64 << 10;

    private readonly string _path;
    private readonly IStorageFile _file;
    private readonly SegmentHeader _next;
    private readonly bool _isNextGood;
    private SegmentReader? _reader;
    private SegmentHeader _header;
    private ulong _batch;
    private uint _chain;
    private long _position;

    /// <exception cref="FileSystemException">One of the two cannot be opened.</exception>
    internal SegmentScrub(IFileSystem files, string path, string nextPath)
    {
        _path = path;
        using (IStorageFile next = files.Open(nextPath))
            _isNextGood = TryReadHeader(next, out _next);
        _file = files.Open(path);
        _file.DropCache(); // the disk is what is checked, not the memory
    }

    public (long Read, bool More, ScrubFinding? Finding) Step(long bytes)
    {
        long begin = _position;
        try
        {
            string problem = _reader is null ? Begin() : "";
            while (problem.Length == 0 && _position - begin < bytes)
            {
                problem = Check(out bool atEnd);
                if (atEnd)
                    return (_position - begin, false, problem.Length == 0 ? null : Finding(problem));
            }
            return (Math.Max(1, _position - begin), problem.Length == 0, problem.Length == 0 ? null : Finding(problem));
        }
        catch (FileSystemException failure)
        {
            return (Math.Max(1, _position - begin), false, Finding($"It cannot be read: {failure.Message}"));
        }
    }

    public void Dispose() => _file.Dispose();

    private string Begin()
    {
        if (!TryReadHeader(_file, out _header))
            return "The segment header is damaged.";
        if (_header.SegmentBytes != _file.Length)
            return $"The file has {_file.Length} bytes instead of {_header.SegmentBytes}.";
        _reader = new SegmentReader(_file, _file.Length, WindowBytes);
        (_batch, _chain, _position) = (_header.PreviousBatch, _header.PreviousChain, SegmentHeader.ContentOffset);
        return "";
    }

    /// <summary>Checks the next batch.</summary>
    private string Check(out bool atEnd)
    {
        SegmentReader reader = _reader!; // see the caller
        atEnd = _position + Sectors.Bytes > reader.Length;
        if (!atEnd)
        {
            BatchHeaderCheck check = BatchHeader.TryRead(reader.Slice(_position, Sectors.Bytes), _header.Seed, out BatchHeader batch, out uint chain);
            if (check == BatchHeaderCheck.Good)
            {
                if (_position + batch.ContentBytes > reader.Length)
                    return $"Batch {batch.Number} ends beyond the file.";
                if (batch.Number != _batch + 1 || batch.PreviousChain != _chain)
                    return $"Batch {batch.Number} does not follow batch {_batch}.";
                if (BatchReader.Check(reader.Slice(_position, batch.ContentBytes), batch, _header.Seed, out _, out string problem) != BatchBodyCheck.Good)
                    return problem;
                (_batch, _chain, _position) = (batch.Number, chain, Sectors.RoundUp(_position + batch.ContentBytes, _header.Alignment));
                return "";
            }
            if (check == BatchHeaderCheck.Damaged)
                return $"The header of batch {_batch + 1} is damaged.";
            atEnd = true;
        }
        return _isNextGood && (_next.PreviousBatch != _batch || _next.PreviousChain != _chain) && !_next.IsReset
            ? $"The segment ends with batch {_batch}, and the next one follows batch {_next.PreviousBatch}." : "";
    }

    private ScrubFinding Finding(string problem) => new(_path, _position, _header.PreviousEntry.Index.Next, _isNextGood ? _next.PreviousEntry : _header.PreviousEntry, problem,
        ScrubRemedy.SnapshotAndCompact);

    private static bool TryReadHeader(IStorageFile file, out SegmentHeader header)
    {
        byte[] sector = new byte[SegmentHeader.Bytes];
        int read = file.Read(0, sector);
        return SegmentHeader.TryRead(sector.AsSpan(0, read), out header, out _) == HeaderCheck.Good;
    }
}
