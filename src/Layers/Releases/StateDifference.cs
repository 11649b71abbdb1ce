using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>What differs between two states, found by looking at all of both: for states whose history is not kept.</summary>
public static class StateDifference
{
    /// <summary>The edits that lead from one state to exactly the content of another, one per address.</summary>
    public static ImmutableArray<Edit> EditsTo(this ConfigState from, ConfigState to)
    {
        var edits = ImmutableArray.CreateBuilder<Edit>();
        (Dimensions old, Dimensions next) = (from.Dimensions, to.Dimensions);
        if (old.NodeDimension != next.NodeDimension || !old.List.AsSpan().SequenceEqual(next.List.AsSpan())) edits.Add(new DimensionsEdit(next.List, next.NodeDimension));
        foreach ((string Dimension, string Value) at in Keys(old.Weights, next.Weights))
        {
            int? before = old.Weights.TryGetValue(at, out int b) ? b : null, after = next.Weights.TryGetValue(at, out int a) ? a : null;
            if (before != after) edits.Add(new WeightEdit(at.Dimension, at.Value, after));
        }

        foreach (string node in Keys(from.Nodes, to.Nodes))
        {
            Assignment? after = to.Nodes.GetValueOrDefault(node);
            if (!Equals(from.Nodes.GetValueOrDefault(node), after)) edits.Add(new NodeEdit(node, after));
        }

        foreach (string document in Keys(from.Documents, to.Documents)) AddDocument(edits, document, from.Document(document), to.Document(document));
        return edits.ToImmutable();
    }

    private static void AddDocument(ImmutableArray<Edit>.Builder edits, string name, DocumentState from, DocumentState to)
    {
        if (ReferenceEquals(from, to)) return;
        foreach (string key in Keys(from.Schemas, to.Schemas))
        {
            KeySchema? after = to.Schemas.GetValueOrDefault(key);
            if (!Equals(from.Schemas.GetValueOrDefault(key), after)) edits.Add(new SchemaEdit(name, key, after));
        }

        foreach (Scope scope in Keys(from.Scopes, to.Scopes))
        {
            ImmutableSortedDictionary<string, Entry> before = from.Scopes.GetValueOrDefault(scope) ?? DocumentState.NoEntries, after = to.Scopes.GetValueOrDefault(scope) ?? DocumentState.NoEntries;
            foreach (string key in Keys(before, after))
            {
                Entry? entry = after.GetValueOrDefault(key);
                if (before.GetValueOrDefault(key) != entry) edits.Add(new EntryEdit(name, scope, key, entry));
            }
        }
    }

    /// <summary>The keys of both in order; none where both are one object.</summary>
    private static IEnumerable<TKey> Keys<TKey, TValue>(ImmutableSortedDictionary<TKey, TValue> a, ImmutableSortedDictionary<TKey, TValue> b) where TKey : notnull =>
        ReferenceEquals(a, b) ? [] : a.Keys.Concat(b.Keys.Where(k => !a.ContainsKey(k))).Order(a.KeyComparer);
}
