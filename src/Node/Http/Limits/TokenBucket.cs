namespace Conclave.Node.Http.Limits;

/// <summary>Lets so much through in a second, and what was saved up in the second before at once.</summary>
/// <remarks>What is taken may be more than there is: the debt is paid off before anything else passes. Thread safe.</remarks>
internal sealed class TokenBucket(long perSecond, TimeProvider time)
{
    private readonly Lock _lock = new();
    private double _tokens = perSecond;   // this and the next under _lock
    private long _filledAt = time.GetTimestamp();

    /// <summary>Nothing has been taken for a second, so that forgetting it changes nothing.</summary>
    public bool IsFull
    {
        get
        {
            lock (_lock) return FillUnderLock() >= perSecond;
        }
    }

    /// <param name="amount">0 only asks.</param>
    /// <param name="retryAfter">When it is refused: time until something passes again.</param>
    public bool TryTake(long amount, out TimeSpan retryAfter)
    {
        lock (_lock)
        {
            double tokens = FillUnderLock();
            if (tokens < Math.Min(1, perSecond))
            {
                retryAfter = TimeSpan.FromSeconds((1 - tokens) / perSecond);
                return false;
            }

            _tokens -= amount;
        }

        retryAfter = TimeSpan.Zero;
        return true;
    }

    /// <summary>Takes it, whether it is there or not.</summary>
    public void Take(long amount)
    {
        lock (_lock) _tokens = FillUnderLock() - amount;
    }

    private double FillUnderLock()
    {
        long now = time.GetTimestamp();
        _tokens = Math.Min(perSecond, _tokens + time.GetElapsedTime(_filledAt, now).TotalSeconds * perSecond);
        _filledAt = now;
        return _tokens;
    }
}
