namespace Conclave.Raft;

/// <summary>Names an entry: no two different entries ever have the same index and term.</summary>
/// <remarks>
/// The order is Raft's "more up to date": by term first, then by index. Comparing the two fields side by side instead
/// lets a longer log of an old term win an election.
/// </remarks>
public readonly record struct EntryId(LogIndex Index, Term Term) : IComparable<EntryId>
{
    /// <summary>The place before the first entry of every log.</summary>
    public static EntryId Zero => default;

    public int CompareTo(EntryId other) => Term != other.Term ? Term.CompareTo(other.Term) : Index.CompareTo(other.Index);
    public static bool operator <(EntryId a, EntryId b) => a.CompareTo(b) < 0;
    public static bool operator <=(EntryId a, EntryId b) => a.CompareTo(b) <= 0;
    public static bool operator >(EntryId a, EntryId b) => a.CompareTo(b) > 0;
    public static bool operator >=(EntryId a, EntryId b) => a.CompareTo(b) >= 0;
    public override string ToString() => $"{Index}@{Term}";
}
