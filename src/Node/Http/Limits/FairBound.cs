namespace Conclave.Node.Http.Limits;

/// <summary>
/// How much all clients together may hold of something. The last quarter is for those who hold less than a quarter: one client address can fill
/// three quarters, and then the others still find room.
/// </summary>
/// <remarks>Thread safe, without a lock.</remarks>
/// <param name="max">0 is no limit.</param>
internal sealed class FairBound(long max)
{
    private long _total;

    /// <summary>What is held now.</summary>
    public long Total => Interlocked.Read(ref _total);

    /// <summary>True when nothing is left for anybody.</summary>
    public bool IsFull => max > 0 && Total >= max;

    /// <summary>Takes some more, if it is there.</summary>
    /// <param name="own">What the client's address holds: a counter of its <see cref="ClientShare"/>.</param>
    /// <param name="amount">How much more.</param>
    /// <returns>False when it is not there; nothing has changed then.</returns>
    public bool TryTake(ref long own, long amount)
    {
        if (Take(ref own, amount)) return true;
        GiveBack(ref own, amount);
        return false;
    }

    /// <summary>Takes it in any case.</summary>
    /// <returns>Whether it was there.</returns>
    public bool Take(ref long own, long amount)
    {
        long mine = Interlocked.Add(ref own, amount), total = Interlocked.Add(ref _total, amount);
        return max == 0 || (total <= max && (total <= max - max / 4 || mine <= max / 4));
    }

    public void GiveBack(ref long own, long amount)
    {
        Interlocked.Add(ref own, -amount);
        Interlocked.Add(ref _total, -amount);
    }
}
