namespace Conclave.Raft;

/// <summary>
/// Number of a persist operation. It rises with every operation of a process and is never used twice, so a completion
/// names what became durable without comparing contents: entries that were written, overwritten and written again
/// cannot be confused with each other.
/// </summary>
public readonly record struct IoTicket(ulong Sequence) : IComparable<IoTicket>
{
    public static IoTicket None => default;
    public IoTicket Next => new(checked(Sequence + 1));
    public int CompareTo(IoTicket other) => Sequence.CompareTo(other.Sequence);
    public static bool operator <(IoTicket a, IoTicket b) => a.Sequence < b.Sequence;
    public static bool operator <=(IoTicket a, IoTicket b) => a.Sequence <= b.Sequence;
    public static bool operator >(IoTicket a, IoTicket b) => a.Sequence > b.Sequence;
    public static bool operator >=(IoTicket a, IoTicket b) => a.Sequence >= b.Sequence;
}
