using Conclave.Raft;

namespace Conclave.Storage;

/// <summary>Reads a segment through a window, so that a few large files do not have to fit into memory at once.</summary>
internal sealed class SegmentReader(IStorageFile file, long length, int windowBytes = SegmentReader.WindowBytes, bool tolerant = false)
{
    private const int WindowBytes = 1 << 20;

    private byte[] _window = new byte[(int)Math.Min(length, windowBytes)];
    private long _start;
    private int _filled;

    internal long Length { get; } = length;

    /// <summary>The bytes from <paramref name="offset"/> on, which must lie within the file. Valid until the next call.</summary>
    internal ReadOnlySpan<byte> Slice(long offset, int bytes)
    {
        Invariant.Holds(offset >= 0 && bytes >= 0 && offset + bytes <= Length, "The caller checks lengths before it trusts them.");
        if (offset < _start || offset + bytes > _start + _filled)
            Fill(offset, bytes);
        return _window.AsSpan((int)(offset - _start), bytes);
    }

    private void Fill(long offset, int bytes)
    {
        if (bytes > _window.Length)
            _window = new byte[bytes];
        int wanted = (int)Math.Min(_window.Length, Length - offset);
        Span<byte> target = _window.AsSpan(0, wanted);
        (_start, _filled) = (offset, tolerant ? TolerantReading.Read(file, offset, target) : file.Read(offset, target));
        Invariant.Holds(_filled == wanted, "The length of the file was checked, and the directory is locked.");
    }
}
