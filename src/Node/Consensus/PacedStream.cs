namespace Conclave.Node.Consensus;

/// <summary>Writes on to another stream, and rests: so that whoever shares the disk and the processors with a long write finds them free for most of the time.</summary>
/// <remarks>
/// After each piece it rests three times as long as the piece took, so it takes a quarter of what it would, as long as a piece takes no longer than 33 ms. Without that, writes of clients
/// beside a snapshot of 200 MiB took ten times as long.
/// </remarks>
/// <param name="inner">Not disposed with this one.</param>
/// <param name="isStopping">True when nobody waits for the rest.</param>
/// <param name="mayRest">False when there is no time for it.</param>
/// <param name="rest">How it rests.</param>
/// <param name="clock">For how long a piece took.</param>
internal sealed class PacedStream(Stream inner, Func<bool> isStopping, Func<bool> mayRest, Action<TimeSpan> rest, TimeProvider clock) : Stream
{
    internal const int PieceBytes = 1 << 20, RestFactor = 3;

    /// <summary>A disk that stalls is not the doing of this one, and waiting longer does not help it.</summary>
    internal static readonly TimeSpan RestMax = TimeSpan.FromMilliseconds(100);

    private long _since = clock.GetTimestamp();
    private int _bytes;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => inner.Length;

    public override long Position { get => inner.Position; set => throw new NotSupportedException(); }

    /// <exception cref="AbandonedException">It is no longer wanted.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (isStopping()) throw new AbandonedException();
        inner.Write(buffer);
        _bytes += buffer.Length;
        if (_bytes < PieceBytes) return;
        _bytes = 0;
        TimeSpan pause = RestFactor * clock.GetElapsedTime(_since);
        if (pause > TimeSpan.Zero && mayRest()) rest(pause < RestMax ? pause : RestMax);
        _since = clock.GetTimestamp();
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Ends a long write whose result nobody needs any more.</summary>
    internal sealed class AbandonedException() : Exception("The rest is no longer wanted.");
}
