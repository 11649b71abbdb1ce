namespace Conclave.Node.Services;

/// <summary>How long a stream has held what it holds while its client took nothing of it. One writer; anybody may look, one at a time.</summary>
internal sealed class UnreadTime
{
    private const long Unseen = -1;

    private long _heldBytes, _seenHeldAt = Unseen;
    private long _seenPieces;   // of who looks

    public long HeldBytes => Volatile.Read(ref _heldBytes);

    public void Hold(long bytes)
    {
        Volatile.Write(ref _heldBytes, bytes);
        Volatile.Write(ref _seenHeldAt, Unseen);
    }

    /// <summary>Milliseconds since it was first seen to hold this, or to have had a piece of it taken; the clock is read by who looks and not for each message.</summary>
    /// <param name="piecesTaken">Changes with each piece: a large message on a slow line takes long, and is taken.</param>
    /// <param name="nowMilliseconds">Of a clock that does not go back.</param>
    public long Of(long piecesTaken, long nowMilliseconds)
    {
        if (HeldBytes == 0) return 0;
        long seen = Volatile.Read(ref _seenHeldAt);
        if (seen == Unseen || piecesTaken != _seenPieces) Volatile.Write(ref _seenHeldAt, seen = nowMilliseconds);
        _seenPieces = piecesTaken;
        return nowMilliseconds - seen;
    }
}
