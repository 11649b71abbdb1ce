using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>What the scopes that match a node make of one key, before references are followed. Shared by every class and node with the same contributions.</summary>
internal sealed class ResolvedKey
{
    private ResolvedKey(string key, MergeKind merge, ImmutableArray<Contribution> parts, Value? constant, bool hasTemplate, Tie? tie, ImmutableArray<Contribution> blocked)
    {
        (Key, Merge, Parts, Constant, HasTemplate, Ambiguity, Blocked) = (key, merge, parts, constant, hasTemplate, tie, blocked);
    }

    public string Key { get; }

    public MergeKind Merge { get; }

    /// <summary>The entries that make the value, least specific first: from the last set, final or unset on.</summary>
    public ImmutableArray<Contribution> Parts { get; }

    /// <summary>The value when no reference is in it; null when there is none, or when it has to be evaluated.</summary>
    public Value? Constant { get; }

    public bool HasTemplate { get; }

    /// <summary>True when the key is left out: unset, or nothing but removals.</summary>
    public bool IsAbsent => Constant is null && !HasTemplate;

    public Tie? Ambiguity { get; }

    /// <summary>Entries that say something else than the final value below them.</summary>
    public ImmutableArray<Contribution> Blocked { get; }

    /// <summary>The entry whose value it is, or the most specific of those that were merged.</summary>
    public Contribution Winner => Parts[^1];

    /// <summary>Two entries of equal precedence that disagree.</summary>
    internal sealed record Tie(Contribution First, Contribution Second);

    /// <param name="key">The key.</param>
    /// <param name="matching">Every entry of the key whose scope matches, in total order of precedence, at least one.</param>
    /// <param name="levels">For each of them a number that rises with precedence; equal only for scopes that rank and weigh the same.</param>
    /// <param name="merge">How the key merges.</param>
    public static ResolvedKey Of(string key, ReadOnlySpan<Contribution> matching, ReadOnlySpan<int> levels, MergeKind merge)
    {
        // The least specific final value ends it: whatever comes above is blocked, and a publish that would cause this is refused.
        ImmutableArray<Contribution> blocked = [];
        for (int i = 0; i < matching.Length; i++)
        {
            if (matching[i].Entry.Op != EntryOp.Final)
                continue;
            int end = i + 1;
            while (end < matching.Length && levels[end] == levels[i])
                end++;   // of equal precedence: a tie, not an override
            if (end < matching.Length)
                blocked = [.. matching[end..]];
            matching = matching[..end];
            if (end > i + 1)   // the final value itself goes last, so that it wins whatever the others' names are
            {
                Contribution final = matching[i];
                matching = (Contribution[])[.. matching[..i], .. matching[(i + 1)..], final];
            }
            break;
        }

        int start = matching.Length - 1;
        while (start > 0 && matching[start].Entry.Op is EntryOp.Append or EntryOp.Remove)
            start--;
        Tie? tie = matching.Length > 1 ? FindTie(matching, levels, start, merge) : null;
        ReadOnlySpan<Contribution> parts = matching[start..];

        bool hasTemplate = false;
        foreach (Contribution part in parts)
            hasTemplate |= part.Entry.Value.HasTemplate;
        Value? constant = null;
        if (!hasTemplate)
        {
            foreach (Contribution part in parts)
                constant = Merging.Apply(constant, part.Entry.Op, part.Entry.Value, merge);
        }
        return new(key, merge, [.. parts], constant, hasTemplate, tie, blocked);
    }

    /// <summary>Nothing but these entries, without a tie and without anything blocked. Entries are compared as objects: a change makes new ones.</summary>
    public bool Same(ResolvedKey other)
    {
        if (other.Merge != Merge || other.Ambiguity is not null || Ambiguity is not null || !Blocked.IsEmpty || !other.Blocked.IsEmpty || other.Parts.Length != Parts.Length)
            return false;
        for (int i = 0; i < Parts.Length; i++)
        {
            if (!ReferenceEquals(other.Parts[i].Entry, Parts[i].Entry))
                return false;
        }
        return true;
    }

    private static Tie? FindTie(ReadOnlySpan<Contribution> matching, ReadOnlySpan<int> levels, int start, MergeKind merge)
    {
        // Everything from the lowest entry that ties with the start on can still show in the value.
        int from = start;
        while (from > 0 && levels[from - 1] == levels[start])
            from--;
        for (int i = from; i < matching.Length; i++)
        {
            for (int j = i + 1; j < matching.Length && levels[j] == levels[i]; j++)
            {
                int above = j + 1;
                while (above < matching.Length && levels[above] == levels[i])
                    above++;
                if (Disagree(matching[i].Entry, matching[j].Entry, merge, matching[above..]))
                    return new(matching[i], matching[j]);
            }
        }
        return null;
    }

    private static bool Disagree(Entry first, Entry second, MergeKind merge, ReadOnlySpan<Contribution> above)
    {
        bool firstResets = first.Op is EntryOp.Set or EntryOp.Final or EntryOp.Unset, secondResets = second.Op is EntryOp.Set or EntryOp.Final or EntryOp.Unset;
        if (firstResets != secondResets)
            return true;   // whether the other's elements survive would depend on names
        if (firstResets)
            return (first.Op == EntryOp.Unset) != (second.Op == EntryOp.Unset) || !first.Value.Equals(second.Value);
        if (first.Op != second.Op)
            return !Equals(first.Value, second.Value) ? Overlap(first.Value, second.Value) : true;   // one adds what the other takes away
        if (first.Op == EntryOp.Remove)
            return false;
        var values = new Value[above.Length];
        for (int i = 0; i < above.Length; i++)
            values[i] = above[i].Entry.Op == EntryOp.Append ? above[i].Entry.Value : Value.Null;
        return Merging.Conflict(first.Value, second.Value, merge, values);
    }

    private static bool Overlap(Value added, Value removed)
    {
        IEnumerable<Value> a = Names(added), b = Names(removed);
        return a.Intersect(b).Any();
    }

    private static IEnumerable<Value> Names(Value value) => value.Kind switch
    {
        ValueKind.List => value.Elements,
        ValueKind.Map => value.Members.Select(m => Value.Of(m.Key)),
        _ => [value],
    };
}
