namespace Conclave.Raft;

/// <summary>Raft's logical clock. Every election raises it; 0 means "before the first election".</summary>
public readonly record struct Term(ulong Value) : IComparable<Term>
{
    public static Term Zero => default;

    /// <exception cref="OverflowException">The counter is exhausted, which no real cluster reaches.</exception>
    public Term Next => new(checked(Value + 1));

    public int CompareTo(Term other) => Value.CompareTo(other.Value);
    public static bool operator <(Term a, Term b) => a.Value < b.Value;
    public static bool operator <=(Term a, Term b) => a.Value <= b.Value;
    public static bool operator >(Term a, Term b) => a.Value > b.Value;
    public static bool operator >=(Term a, Term b) => a.Value >= b.Value;
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
