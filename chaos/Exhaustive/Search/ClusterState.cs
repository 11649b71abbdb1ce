namespace Conclave.Exhaustive;

/// <summary>A state of the whole cluster as numbers of parts that are known elsewhere.</summary>
internal sealed class ClusterState(int nodes)
{
    /// <summary>By slot.</summary>
    public NodeState[] Nodes { get; } = new NodeState[nodes];

    /// <summary>Messages under way. Any of them may arrive next, and none has to.</summary>
    public List<KnownMessage> Messages { get; } = [];

    /// <summary>Set before anything else is done with a state.</summary>
    public History History { get; set; } = null!;

    /// <summary>See <see cref="Budgets"/>.</summary>
    public ulong Spent { get; set; }

    public void CopyFrom(ClusterState other)
    {
        other.Nodes.CopyTo(Nodes, 0);
        Messages.Clear();
        Messages.AddRange(other.Messages);
        (History, Spent) = (other.History, other.Spent);
    }

    /// <summary>The sums of the hashes of all parts, one per renaming.</summary>
    public void Sum(Span<Hash128> sums)
    {
        for (int renaming = 0; renaming < sums.Length; renaming++)
        {
            Hash128 sum = History.Hashes[renaming];
            foreach (NodeState node in Nodes) sum += node.Hashes[renaming];
            foreach (KnownMessage message in Messages) sum += message.Hashes[renaming];
            sums[renaming] = sum;
        }
    }

    /// <summary>The least of the sums over all renamings: the same for all states that differ by names only.</summary>
    public static Hash128 Key(ReadOnlySpan<Hash128> sums, ulong spent)
    {
        Hash128 least = sums[0];
        foreach (Hash128 sum in sums)
            if (sum.IsBelow(least)) least = sum;
        return least.Then(spent);
    }
}
