namespace Conclave.Storage;

/// <summary>One file of the simulated disk: what programs see (the page cache), what the platter holds, and which pages wait between the two.</summary>
/// <remarks>
/// Pages are shared between the two lists while they are equal and copied at the first write after a sync. A missing page is a hole;
/// <see cref="ZeroPage"/> stands for an allocated page of zeros, so that zero-filling a segment costs no memory.
/// </remarks>
internal sealed class SimulatedInode
{
    internal const int PageBytes = 4096;
    private const int SectorBytes = 512, SectorsPerPage = PageBytes / SectorBytes;
    private static readonly byte[] ZeroPage = new byte[PageBytes];

    private readonly List<byte[]?> _cached = [];
    private readonly List<byte[]?> _durable = [];
    private readonly SortedSet<int> _dirty = [];
    private readonly HashSet<int> _lost = []; // pages whose last write the platter never gets
    private readonly Dictionary<int, byte[]?> _before = []; // pages of the last sync, as they were before it
    private readonly List<int> _reserved = []; // since the last sync
    private long _durableLength;
    private bool _lengthDirty;

    internal long Length { get; private set; }

    internal long AllocatedBytes
    {
        get
        {
            long pages = 0;
            foreach (byte[]? page in _cached)
                pages += page is null ? 0 : 1;
            return pages * PageBytes;
        }
    }

    /// <summary>Pages that wait for a sync.</summary>
    internal long DirtyBytes => (long)_dirty.Count * PageBytes;

    internal long BytesToAllocate(long offset, long bytes)
    {
        long missing = 0;
        for (long page = offset / PageBytes; page * PageBytes < offset + bytes; page++)
            if (page >= _cached.Count || _cached[(int)page] is null)
                missing += PageBytes;
        return missing;
    }

    internal void SetLength(long bytes)
    {
        if (bytes == Length)
            return;
        int pages = (int)((bytes + PageBytes - 1) / PageBytes);
        for (int page = pages; page < _cached.Count; page++)
        {
            if (_cached[page] is not null)
                _dirty.Add(page);
            _cached[page] = null;
        }
        int rest = (int)(bytes % PageBytes);
        if (bytes < Length && rest != 0 && _cached[pages - 1] is not null)
            Writable(pages - 1).AsSpan(rest).Clear();
        GrowTo(pages);
        (Length, _lengthDirty) = (bytes, true);
    }

    /// <summary>
    /// Allocates the holes. A hole and a page of zeros read the same, so nothing chooses between them page by page: the places are there after a sync, or a power cut after which all that was written is,
    /// and are lost together in one after which nothing is.
    /// </summary>
    internal void Reserve(long bytes)
    {
        if (bytes > Length)
            SetLength(bytes);
        for (int page = 0; page * (long)PageBytes < bytes; page++)
        {
            if (_cached[page] is not null)
                continue;
            _cached[page] = ZeroPage;
            if (_dirty.Contains(page)) // the platter holds something older
                continue;
            SetDurable(page, ZeroPage);
            _reserved.Add(page);
        }
    }

    internal void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        if (offset + bytes.Length > Length)
            SetLength(offset + bytes.Length);
        while (!bytes.IsEmpty)
        {
            int page = (int)(offset / PageBytes), from = (int)(offset % PageBytes);
            int count = Math.Min(bytes.Length, PageBytes - from);
            if (bytes[..count].ContainsAnyExcept((byte)0) || (_cached[page] is { } known && known != ZeroPage))
                bytes[..count].CopyTo(Writable(page).AsSpan(from));
            else if (_cached[page] is null)
            {
                _cached[page] = ZeroPage;
                _dirty.Add(page);
            }
            offset += count;
            bytes = bytes[count..];
        }
    }

    internal int Read(long offset, Span<byte> buffer)
    {
        int total = (int)Math.Clamp(Length - offset, 0, buffer.Length);
        for (int done = 0; done < total;)
        {
            int page = (int)((offset + done) / PageBytes), from = (int)((offset + done) % PageBytes);
            int count = Math.Min(total - done, PageBytes - from);
            if (_cached[page] is { } bytes)
                bytes.AsSpan(from, count).CopyTo(buffer[done..]);
            else
                buffer.Slice(done, count).Clear();
            done += count;
        }
        return total;
    }

    internal void Sync()
    {
        _before.Clear();
        foreach (int page in _dirty)
        {
            _before[page] = PageOf(_durable, page);
            if (!_lost.Contains(page))
                SetDurable(page, PageOf(_cached, page));
        }
        _dirty.Clear();
        _lost.Clear();
        _reserved.Clear();
        (_durableLength, _lengthDirty) = (Length, false);
    }

    /// <summary>A write that the cache shows and the platter never gets, unless the page is written again.</summary>
    internal void WriteToCacheOnly(long offset, ReadOnlySpan<byte> bytes)
    {
        Write(offset, bytes);
        for (long page = offset / PageBytes; page * PageBytes < offset + bytes.Length; page++)
            _lost.Add((int)page);
    }

    /// <summary>Reads what was there before the last sync.</summary>
    internal int ReadStale(long offset, Span<byte> buffer)
    {
        int total = Read(offset, buffer);
        foreach ((int page, byte[]? old) in _before)
        {
            long from = Math.Max(offset, (long)page * PageBytes), to = Math.Min(offset + total, (page + 1L) * PageBytes);
            if (from < to)
                (old ?? ZeroPage).AsSpan((int)(from % PageBytes), (int)(to - from)).CopyTo(buffer[(int)(from - offset)..]);
        }
        return total;
    }

    /// <summary>A sync that fails: some sectors arrive, and the kernel marks the rest clean although they did not.</summary>
    internal void FailSync(ref SimulatedRandom random)
    {
        foreach (int page in _dirty)
            SetDurable(page, Mixture(PageOf(_durable, page), PageOf(_cached, page), ref random));
        _dirty.Clear();
        if (_lengthDirty && random.Coin())
            _durableLength = Length;
        _lengthDirty = false;
    }

    internal void DropCache()
    {
        if (!_lengthDirty)
        {
            Length = _durableLength;
            int pages = (int)((Length + PageBytes - 1) / PageBytes);
            if (_cached.Count > pages)
                _cached.RemoveRange(pages, _cached.Count - pages);
            GrowTo(pages);
        }
        for (int page = 0; page < _cached.Count; page++)
            if (!_dirty.Contains(page))
                _cached[page] = PageOf(_durable, page);
    }

    /// <summary>What the platter holds after the power went: nothing, everything, the beginning, or chosen sector by sector.</summary>
    internal void PowerCut(ref SimulatedRandom random, bool inOrder)
    {
        _dirty.ExceptWith(_lost);
        _lost.Clear();
        _before.Clear();
        switch (inOrder ? 2 : random.Below(4))
        {
            case 0: // nothing arrived
                foreach (int page in _reserved)
                    if (PageOf(_durable, page) == ZeroPage)
                        SetDurable(page, null);
                break;
            case 1: // everything arrived
                Sync();
                break;
            case 2: // in order, up to a sector
                WriteOut(random.Below(_dirty.Count * SectorsPerPage + 1));
                break;
            default:
                foreach (int page in _dirty)
                    SetDurable(page, Mixture(PageOf(_durable, page), PageOf(_cached, page), ref random));
                if (_lengthDirty && random.Coin())
                    _durableLength = Length;
                break;
        }
        _dirty.Clear();
        _reserved.Clear();
        (Length, _lengthDirty) = (_durableLength, false);
        int pages = (int)((Length + PageBytes - 1) / PageBytes);
        _cached.Clear();
        for (int page = 0; page < pages; page++)
            _cached.Add(PageOf(_durable, page));
        if (_durable.Count > pages)
            _durable.RemoveRange(pages, _durable.Count - pages);
    }

    private void WriteOut(int sectors)
    {
        foreach (int page in _dirty)
        {
            int here = Math.Min(sectors, SectorsPerPage);
            sectors -= here;
            if (here == 0)
                continue;
            byte[] mixed = new byte[PageBytes];
            (PageOf(_durable, page) ?? ZeroPage).CopyTo(mixed, 0);
            (PageOf(_cached, page) ?? ZeroPage).AsSpan(0, here * SectorBytes).CopyTo(mixed);
            SetDurable(page, mixed);
        }
    }

    /// <summary>Changes cache and platter alike.</summary>
    internal void Overwrite(long offset, ReadOnlySpan<byte> bytes)
    {
        Sync();
        Write(offset, bytes);
        Sync();
    }

    internal SimulatedInode Copy()
    {
        var copy = new SimulatedInode { Length = Length, _durableLength = Length };
        foreach (byte[]? page in _cached)
        {
            byte[]? own = page is null || page == ZeroPage ? page : (byte[])page.Clone();
            copy._cached.Add(own);
            copy._durable.Add(own);
        }
        return copy;
    }

    private static byte[]? PageOf(List<byte[]?> pages, int page) => page < pages.Count ? pages[page] : null;

    private static byte[] Mixture(byte[]? old, byte[]? fresh, ref SimulatedRandom random)
    {
        byte[] page = new byte[PageBytes];
        for (int at = 0; at < PageBytes; at += SectorBytes)
            ((random.Coin() ? old : fresh) ?? ZeroPage).AsSpan(at, SectorBytes).CopyTo(page.AsSpan(at));
        return page;
    }

    private byte[] Writable(int page)
    {
        byte[]? current = _cached[page];
        if (_dirty.Add(page) || current is null || current == ZeroPage)
            _cached[page] = current is null || current == ZeroPage ? new byte[PageBytes] : (byte[])current.Clone();
        return _cached[page]!; // set just above, or written before
    }

    private void SetDurable(int page, byte[]? bytes)
    {
        while (_durable.Count <= page)
            _durable.Add(null);
        _durable[page] = bytes;
    }

    private void GrowTo(int pages)
    {
        while (_cached.Count < pages)
            _cached.Add(null);
    }
}
