namespace Conclave.Layers;

/// <summary>Gives equal contributions one <see cref="ResolvedKey"/>: classes mostly agree, so 200 classes share what one would need.</summary>
internal sealed class KeyPool
{
    private readonly Dictionary<Entry, List<ResolvedKey>> _byWinner = new(ReferenceEqualityComparer.Instance);

    public ResolvedKey Of(string key, ReadOnlySpan<Contribution> matching, ReadOnlySpan<int> levels, MergeKind merge)
    {
        Entry winner = matching[^1].Entry;
        bool alone = winner.Op is EntryOp.Set or EntryOp.Unset && (matching.Length == 1 || levels[^1] != levels[^2]);
        for (int i = 0; alone && i < matching.Length - 1; i++)
            alone = matching[i].Entry.Op != EntryOp.Final;
        if (alone)
        {
            matching = matching[^1..];   // everything below is hidden
            levels = levels[^1..];
        }
        if (_byWinner.TryGetValue(winner, out List<ResolvedKey>? known))
        {
            if (alone && known.Find(k => k.Parts.Length == 1 && k.Merge == merge && k.Blocked.IsEmpty && k.Ambiguity is null) is { } same)
                return same;
        }
        else
        {
            _byWinner[winner] = known = [];
        }
        ResolvedKey made = ResolvedKey.Of(key, matching, levels, merge);
        if (!alone && known.Find(made.Same) is { } equal)
            return equal;
        known.Add(made);
        return made;
    }
}
