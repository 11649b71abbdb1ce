using System.Buffers;

namespace Conclave.Node.Http;

/// <summary>
/// Collects one response. It keeps a small block between calls and rents larger ones, so a small answer allocates nothing
/// and a large one is never moved while it grows.
/// </summary>
internal sealed class PooledBuffer : IBufferWriter<byte>
{
    private const int FirstBlockBytes = 1024;
    private const int BlockBytesMax = 1024 * 1024;
    private const int CountedBlockBytes = 16 * 1024;

    private readonly byte[] _first = new byte[FirstBlockBytes];
    private readonly List<Block> _full = [];
    private byte[] _current;
    private int _used;
    private long _fullBytes;

    public PooledBuffer() => _current = _first;

    /// <summary>The call that is answered: asked for room as the answer gets larger.</summary>
    public ServerCall? Owner { get; set; }

    /// <summary>Bytes written since the last <see cref="Reset"/>.</summary>
    public long Length => _fullBytes + _used;

    /// <summary>There was no room for all that was written: it was counted and not kept. True until the next <see cref="Reset"/>.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Bytes of blocks that what was written takes at most.</summary>
    public long BytesNeeded => Length + Math.Min(4 * Length, BlockBytesMax);

    /// <summary>Number of blocks that hold them.</summary>
    public int BlockCount => _full.Count + 1;

    /// <param name="index">0 to <see cref="BlockCount"/> - 1.</param>
    public ReadOnlyMemory<byte> BlockAt(int index) => index < _full.Count
        ? _full[index].Bytes.AsMemory(0, _full[index].Used)
        : _current.AsMemory(0, _used);

    /// <summary>Everything written; valid until the next write or <see cref="Reset"/>.</summary>
    public ReadOnlySequence<byte> Written
    {
        get
        {
            if (_full.Count == 0)
                return new ReadOnlySequence<byte>(_current, 0, _used);
            var first = new Segment(BlockAt(0), null);
            Segment last = first;
            for (int i = 1; i < BlockCount; i++)
                last = new Segment(BlockAt(i), last);
            return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
        }
    }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_current.Length - _used), nameof(count));
        _used += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_current.Length - _used < Math.Max(sizeHint, 1))
            NextBlock(sizeHint);
        return _current.AsMemory(_used);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        if (_current.Length - _used < Math.Max(sizeHint, 1))
            NextBlock(sizeHint);
        return _current.AsSpan(_used);
    }

    /// <summary>Forgets what was written and gives the rented blocks back.</summary>
    public void Reset()
    {
        (_used, IsCut) = (0, false);
        if (ReferenceEquals(_current, _first))
            return;
        foreach (Block block in _full)
            Return(block.Bytes);
        Return(_current);
        _full.Clear();
        _fullBytes = 0;
        _current = _first;
    }

    private void NextBlock(int sizeHint)
    {
        int bytes = Math.Max(sizeHint, (int)Math.Min(_current.Length * 4L, BlockBytesMax));
        if (IsCut || Owner?.TryHoldAnswer(Length + bytes) == false)
        {
            CountOnly(sizeHint);
            return;
        }

        _full.Add(new Block(_current, _used));
        _fullBytes += _used;
        _current = ArrayPool<byte>.Shared.Rent(bytes);
        _used = 0;
    }

    /// <summary>What follows is written over what was there.</summary>
    private void CountOnly(int sizeHint)
    {
        IsCut = true;
        _fullBytes += _used;
        _used = 0;
        int bytes = Math.Max(sizeHint, CountedBlockBytes);
        if (_current.Length >= bytes)
            return;
        _full.Add(new Block(_current, 0));
        _current = ArrayPool<byte>.Shared.Rent(bytes);
    }

    private void Return(byte[] block)
    {
        if (!ReferenceEquals(block, _first))
            ArrayPool<byte>.Shared.Return(block);
    }

    private readonly record struct Block(byte[] Bytes, int Used);

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? previous)
        {
            Memory = memory;
            if (previous is null)
                return;
            RunningIndex = previous.RunningIndex + previous.Memory.Length;
            previous.Next = this;
        }
    }
}
