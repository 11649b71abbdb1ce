namespace Conclave.Raft;

/// <summary>Position in the replicated log. The first entry is 1; 0 means "before the log".</summary>
public readonly record struct LogIndex(ulong Value) : IComparable<LogIndex>
{
    public static LogIndex Zero => default;

    /// <exception cref="OverflowException">The counter is exhausted, which no real log reaches.</exception>
    public LogIndex Next => new(checked(Value + 1));

    /// <exception cref="OverflowException">This is <see cref="Zero"/>.</exception>
    public LogIndex Previous => new(checked(Value - 1));

    public static LogIndex Min(LogIndex a, LogIndex b) => a < b ? a : b;
    public static LogIndex Max(LogIndex a, LogIndex b) => a > b ? a : b;

    public int CompareTo(LogIndex other) => Value.CompareTo(other.Value);
    public static bool operator <(LogIndex a, LogIndex b) => a.Value < b.Value;
    public static bool operator <=(LogIndex a, LogIndex b) => a.Value <= b.Value;
    public static bool operator >(LogIndex a, LogIndex b) => a.Value > b.Value;
    public static bool operator >=(LogIndex a, LogIndex b) => a.Value >= b.Value;
    public static LogIndex operator +(LogIndex index, int entries) => new(checked(index.Value + (ulong)entries));

    /// <summary>How many entries lie after <paramref name="b"/> up to and including <paramref name="a"/>.</summary>
    public static long operator -(LogIndex a, LogIndex b) => checked((long)a.Value - (long)b.Value);

    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
