namespace Conclave.Raft.Tests;

/// <summary>What must hold whatever happens: one leader per term, one history, and reads that see it.</summary>
internal sealed class SafetyCheck
{
    private readonly Dictionary<Term, NodeId> _leaders = [];

    /// <summary>The history; entry i is at index i + 1.</summary>
    public List<Entry> Committed { get; } = [];

    public void OnCommitted(TestNode node, Entry entry)
    {
        int at = (int)entry.Index.Value - 1;
        if (at < Committed.Count)
        {
            if (Committed[at].Term != entry.Term || !Committed[at].Payload.Span.SequenceEqual(entry.Payload.Span))
                throw new UnsafeException($"{node.Id} commits {entry}, where {Committed[at]} was committed before.");
        }
        else if (at == Committed.Count) Committed.Add(entry);
        else throw new UnsafeException($"{node.Id} commits {entry} before what comes before it.");
    }

    public void OnRead(TestNode node, LogIndex index, ulong least)
    {
        if (index.Value < least) throw new UnsafeException($"{node.Id} reads at {index} what should show {least}.");
    }

    public void OnState(TestNode node)
    {
        if (node.Core.Role != RaftRole.Leader || !_leaders.TryAdd(node.Core.Term, node.Id))
        {
            if (node.Core.Role == RaftRole.Leader && _leaders[node.Core.Term] != node.Id)
                throw new UnsafeException($"{node.Id} leads term {node.Core.Term}, which {_leaders[node.Core.Term]} led.");
            return;
        }
        foreach (Entry entry in Committed)
        {
            if (entry.Term > node.Core.Term || entry.Index < node.Core.LogBase.Index) continue;
            if (!node.Core.Log.Contains(entry.Id)) throw new UnsafeException($"{node.Id} leads term {node.Core.Term} without the committed {entry}.");
        }
    }

    /// <summary>The committed membership as of an index; <paramref name="start"/> when no entry says.</summary>
    public Membership? MembershipAt(LogIndex index, Membership? start)
    {
        for (int i = (int)index.Value - 1; i >= 0; i--)
            if (Committed[i].Kind == EntryKind.Membership && Membership.TryDecode(Committed[i].Payload.Span, out Membership? membership)) return membership;
        return start;
    }
}

/// <summary>Something happened that must never happen.</summary>
internal sealed class UnsafeException(string message) : Exception(message);
