using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>The invariants that need more than one node to be seen. Each pair of node states is looked at once, however many clusters it is part of.</summary>
internal sealed class ClusterChecks
{
    private readonly HashSet<long> _pairs = [];
    private readonly HashSet<long> _histories = [];

    /// <summary>Comparisons that were asked for, whether looked up or made.</summary>
    public long Checked { get; private set; }

    /// <param name="nodes">The cluster.</param>
    /// <param name="history">Of this cluster.</param>
    /// <param name="changed">Slot of the node that differs from the state before, which was checked.</param>
    /// <param name="historyChanged">Whether the history differs from that before.</param>
    /// <returns>What is wrong; null when nothing is.</returns>
    public string? Problem(ReadOnlySpan<NodeState> nodes, History history, int changed, bool historyChanged)
    {
        NodeState node = nodes[changed];
        foreach (NodeState other in nodes)
        {
            if (other == node) continue;
            Checked++;
            if (!_pairs.Add((long)Math.Min(node.Id, other.Id) << 32 | (long)Math.Max(node.Id, other.Id))) continue;
            string? problem = LogsMatch(node, other) ?? BeliefsAreTrue(node, other) ?? BeliefsAreTrue(other, node);
            if (problem is not null) return problem;
        }
        for (int slot = 0; slot < nodes.Length; slot++)
        {
            if (slot != changed && !historyChanged) continue;
            Checked++;
            if (!_histories.Add((long)nodes[slot].Id << 32 | (long)history.Id)) continue;
            string? problem = HoldsWhatIsCommitted(nodes[slot], history);
            if (problem is not null) return problem;
        }
        return null;
    }

    /// <summary>I7: what becomes committed now is on the disks of a majority of those who decide.</summary>
    /// <param name="nodes">After the step.</param>
    /// <param name="committed">By it.</param>
    /// <param name="known">How many entries were committed before, and may have been known elsewhere.</param>
    public static string? DurableOnMajority(ReadOnlySpan<NodeState> nodes, Commitment[] committed, int known)
    {
        foreach ((Entry entry, ulong voters, ulong outgoing) in committed)
        {
            int at = (int)entry.Index.Value - 1;
            if (at < known) continue;
            ulong holders = 0;
            foreach (NodeState node in nodes)
                if (at < node.DurableLog.Length && node.DurableLog[at] == EntryMark.Of(in entry)) holders |= 2UL << node.Slot;
            if (!Quorum.HasMajority(voters, holders) || !Quorum.HasMajority(outgoing, holders)) return $"I7: {entry} is committed, and a majority does not have it on its disks";
        }
        return null;
    }

    /// <summary>I3: from the last entry with equal index and term on backwards everything is equal, in memory and on disk.</summary>
    private static string? LogsMatch(NodeState a, NodeState b) =>
        (Mismatch(a.Log, b.Log) ?? Mismatch(a.Log, b.DurableLog) ?? Mismatch(a.DurableLog, b.Log) ?? Mismatch(a.DurableLog, b.DurableLog)) is { } where
            ? $"I3: n{a.Node} and n{b.Node} have {where}" : null;

    private static string? Mismatch(EntryMark[] a, EntryMark[] b)
    {
        bool mustBeEqual = false;
        for (int at = Math.Min(a.Length, b.Length) - 1; at >= 0; at--)
        {
            mustBeEqual |= a[at].Term == b[at].Term;
            if (mustBeEqual && a[at] != b[at]) return $"different entries at {at + 1}, of terms {a[at].Term} and {b[at].Term}, and an equal term at or after that";
        }
        return null;
    }

    /// <summary>I11: what a leader believes to be on a peer's disk is there, as long as the peer has not heard of a later term.</summary>
    private static string? BeliefsAreTrue(NodeState leader, NodeState peer)
    {
        if (leader.Role != RaftRole.Leader || peer.DurableTerm > leader.Term) return null;
        int match = leader.Matches[peer.Slot];
        if (match == 0) return null;
        bool holds = match <= peer.DurableLog.Length && peer.DurableLog[match - 1] == leader.Log[match - 1];
        return holds ? null : $"I11: n{leader.Node} believes that n{peer.Node} holds its entry {match}, and that is not on the disk there";
    }

    /// <summary>I5: a leader has everything that was committed before its term. I4: what a node takes for committed is what was committed.</summary>
    private static string? HoldsWhatIsCommitted(NodeState node, History history)
    {
        for (int at = 0; at < history.Committed.Length; at++)
        {
            CommittedEntry entry = history.Committed[at];
            bool has = at < node.Log.Length && node.Log[at] == entry.Mark;
            if (!has && node.Role == RaftRole.Leader && entry.InTerm < node.Term)
                return $"I5: n{node.Node} leads term {node.Term} without {entry.Entry}, which was committed in term {entry.InTerm}";
            if (!has && at < node.Commit) return $"I4: n{node.Node} has something else at {at + 1} than {entry.Entry}, which is committed";
        }
        return node.Commit > history.Committed.Length ? $"I4: n{node.Node} takes {node.Commit} for committed, and {history.Committed.Length} are" : null;
    }
}
