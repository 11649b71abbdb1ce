namespace Conclave.Raft;

/// <summary>Identity of a member, for ever: an id is never given to another machine or to an emptied disk.</summary>
public readonly record struct NodeId(ulong Value) : IComparable<NodeId>
{
    /// <summary>Nobody: no leader known, no vote cast.</summary>
    public static NodeId None => default;

    public int CompareTo(NodeId other) => Value.CompareTo(other.Value);

    /// <summary>Lower-case hex without leading zeros, the form in which members are shown to people.</summary>
    public override string ToString() => Value.ToString("x", System.Globalization.CultureInfo.InvariantCulture);
}
