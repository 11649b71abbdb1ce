namespace Conclave.Client.Routing;

/// <summary>Waits between attempts: doubling, bounded, and drawn from the upper half so that clients do not return in step.</summary>
internal struct Backoff(TimeSpan first, TimeSpan longest)
{
    private int _attempts;

    /// <summary>For unary calls: short at first, since an election takes a fraction of a second.</summary>
    public static Backoff ForCalls => new(TimeSpan.FromMilliseconds(25), TimeSpan.FromMilliseconds(400));

    /// <summary>For streams that reconnect for as long as it takes.</summary>
    public static Backoff ForStreams => new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(2));

    /// <param name="draw">Uniform in [0, 1).</param>
    public TimeSpan Next(double draw)
    {
        double longestMilliseconds = Math.Min(longest.TotalMilliseconds, first.TotalMilliseconds * Math.Pow(2, Math.Min(_attempts++, 30)));
        return TimeSpan.FromMilliseconds(longestMilliseconds * (0.5 + draw / 2));
    }

    public void Reset() => _attempts = 0;
}
