namespace Conclave.Raft;

/// <summary>What the cluster knows of a member beside its vote: in practice, where it listens. Opaque to the core.</summary>
/// <param name="Node">The member.</param>
/// <param name="Bytes">Never changes after creation.</param>
public readonly record struct MemberInfo(NodeId Node, ReadOnlyMemory<byte> Bytes)
{
    public bool Equals(MemberInfo other) => Node == other.Node && Bytes.Span.SequenceEqual(other.Bytes.Span);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(Node);
        hash.AddBytes(Bytes.Span);
        return hash.ToHashCode();
    }
}
