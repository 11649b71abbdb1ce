using Conclave.Raft;

namespace Conclave.Exhaustive;

/// <summary>An entry that some node reported as committed.</summary>
/// <param name="Entry">The entry.</param>
/// <param name="Mark">The same, for comparing.</param>
/// <param name="InTerm">Term of the node that reported it first.</param>
internal readonly record struct CommittedEntry(Entry Entry, EntryMark Mark, ulong InTerm);

/// <summary>
/// What has happened on the way to a state and what no node need remember, but later states are measured by. Part of the state: two ways to the same nodes with
/// different histories are not the same.
/// </summary>
internal sealed class History
{
    public required int Id { get; init; }

    /// <summary>One per renaming, ready to be added to those of the other parts of a state.</summary>
    public required Hash128[] Hashes { get; init; }

    /// <summary>Who led, by term; 0 for nobody.</summary>
    public required byte[] Leaders { get; init; }

    /// <summary>Who was voted for, by term and slot; 0 for nobody.</summary>
    public required byte[,] Votes { get; init; }

    /// <summary>In order, from index 1.</summary>
    public required CommittedEntry[] Committed { get; init; }

    /// <summary>The least index a read may be served at, by number of the read; -1 when it was not asked or is answered.</summary>
    public required int[] Reads { get; init; }
}

/// <summary>All histories that occurred, each with a small number; and the checks of what adds to one.</summary>
internal sealed class HistoryTable(int nodes, int termsMax, int readsMax, Renaming[] renamings)
{
    private readonly Dictionary<Hash128, History> _byHash = [];
    private readonly List<History> _all = [];
    private readonly TokenList _tokens = new();

    public int Count => _all.Count;
    public History this[int id] => _all[id];

    public History Empty() => Intern(new byte[termsMax + 1], new byte[termsMax + 1, nodes], [], [.. Enumerable.Repeat(-1, readsMax)]);

    /// <summary>The history after a transition of a node.</summary>
    /// <param name="before">The history so far.</param>
    /// <param name="node">The node as it is after the transition.</param>
    /// <param name="transition">What came out.</param>
    /// <param name="read">Number of the read that it began with, or -1.</param>
    /// <param name="after">The history then; <paramref name="before"/> itself when nothing was added.</param>
    /// <returns>What is wrong with it; null when nothing is.</returns>
    public string? After(History before, NodeState node, NodeTransition transition, int read, out History after)
    {
        after = before;
        bool adds = transition.Committed.Length > 0 || transition.StartsToLead || transition.Votes.Length > 0 || transition.Reads.Length > 0 || read >= 0;
        if (!adds) return null;
        byte[] leaders = [.. before.Leaders];
        var votes = (byte[,])before.Votes.Clone();
        int[] reads = [.. before.Reads];
        CommittedEntry[] committed = before.Committed;
        // A read must see every write that was answered before it began, and none is answered before it is committed.
        if (read >= 0 && read < reads.Length) reads[read] = before.Committed.Length;
        string? problem = AddVotes(votes, node, transition) ?? AddLeader(leaders, votes, node, transition)
            ?? AddCommitted(ref committed, node, transition) ?? EndReads(reads, node, transition);
        if (problem is null) after = Intern(leaders, votes, committed, reads);
        return problem;
    }

    private static string? AddVotes(byte[,] votes, NodeState node, NodeTransition transition)
    {
        foreach ((ulong term, NodeId candidate) in transition.Votes)
        {
            ref byte vote = ref votes[term, node.Slot];
            if (vote != 0 && vote != candidate.Value) return $"I2: n{node.Node} votes for n{candidate} in term {term} after voting for n{vote}";
            vote = (byte)candidate.Value;
        }
        return null;
    }

    private static string? AddLeader(byte[] leaders, byte[,] votes, NodeState node, NodeTransition transition)
    {
        if (!transition.StartsToLead) return null;
        ref byte leader = ref leaders[node.Term];
        if (leader != 0 && leader != node.Node.Value) return $"I1: n{node.Node} leads term {node.Term}, which n{leader} led";
        leader = (byte)node.Node.Value;
        ulong inFavour = 0;
        for (int slot = 0; slot < votes.GetLength(1); slot++)
            if (votes[node.Term, slot] == node.Node.Value) inFavour |= 2UL << slot;
        bool elected = Quorum.HasMajority(node.Voters, inFavour) && Quorum.HasMajority(node.VotersOutgoing, inFavour);
        return elected ? null : $"I1: n{node.Node} leads term {node.Term} without the votes of a majority";
    }

    private static string? AddCommitted(ref CommittedEntry[] committed, NodeState node, NodeTransition transition)
    {
        var all = new List<CommittedEntry>(committed);
        foreach ((Entry entry, _, _) in transition.Committed)
        {
            EntryMark mark = EntryMark.Of(in entry);
            int at = (int)entry.Index.Value - 1;
            if (at > all.Count) return $"I4: n{node.Node} commits {entry.Id} after index {all.Count}";
            if (at == all.Count) all.Add(new CommittedEntry(entry, mark, node.Term));
            else if (all[at].Mark != mark) return $"I4: n{node.Node} commits {entry} where {all[at].Entry} was committed";
        }
        if (all.Count > committed.Length) committed = [.. all];
        return null;
    }

    private static string? EndReads(int[] reads, NodeState node, NodeTransition transition)
    {
        foreach (ReadVerdict verdict in transition.Reads)
        {
            if (verdict.ReadId >= (ulong)reads.Length) continue; // of a prologue
            ref int least = ref reads[verdict.ReadId];
            if (verdict.Outcome == ReadOutcome.Ready && least >= 0 && verdict.Index.Value < (ulong)least)
                return $"I14: n{node.Node} serves a read at {verdict.Index} that began when {least} was committed";
            least = -1;
        }
        return null;
    }

    private History Intern(byte[] leaders, byte[,] votes, CommittedEntry[] committed, int[] reads)
    {
        _tokens.Clear();
        foreach (byte leader in leaders) _tokens.Node(new NodeId(leader));
        _tokens.Bag();
        for (int slot = 0; slot < nodes; slot++)
        {
            _tokens.Item();
            _tokens.Node(new NodeId((ulong)slot + 1));
            for (int term = 1; term <= termsMax; term++) _tokens.Node(new NodeId(votes[term, slot]));
        }
        _tokens.EndOfBag();
        var entries = new CoreTokens(_tokens);
        foreach (CommittedEntry entry in committed)
        {
            entries.Write(entry.Entry);
            _tokens.Number(entry.InTerm);
        }
        foreach (int read in reads) _tokens.Number(unchecked((ulong)read));
        Hash128 hash = _tokens.Hash(renamings[0]);
        if (_byHash.TryGetValue(hash, out History? known)) return known;
        known = new History { Id = _all.Count, Hashes = [.. renamings.Select(r => _tokens.Hash(r).Then(3))], Leaders = leaders, Votes = votes, Committed = committed, Reads = reads };
        _byHash.Add(hash, known);
        _all.Add(known);
        return known;
    }
}
