using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>A key of a document.</summary>
public readonly record struct KeyAddress(string Document, string Key) : IComparable<KeyAddress>
{
    public int CompareTo(KeyAddress other)
    {
        int order = string.CompareOrdinal(Document, other.Document);
        return order != 0 ? order : string.CompareOrdinal(Key, other.Key);
    }

    public override string ToString() => $"{Document} {Key}";
}

/// <summary>Who refers to what: key to the keys whose entries, in any scope, name it; and the same by node.</summary>
internal sealed class ReferenceIndex
{
    public static readonly ReferenceIndex Empty = new(ImmutableDictionary<KeyAddress, ImmutableDictionary<KeyAddress, int>>.Empty,
        ImmutableDictionary.Create<string, ImmutableDictionary<KeyAddress, int>>(StringComparer.Ordinal));

    private readonly ImmutableDictionary<KeyAddress, ImmutableDictionary<KeyAddress, int>> _byKey;
    private readonly ImmutableDictionary<string, ImmutableDictionary<KeyAddress, int>> _byNode;

    private ReferenceIndex(ImmutableDictionary<KeyAddress, ImmutableDictionary<KeyAddress, int>> byKey, ImmutableDictionary<string, ImmutableDictionary<KeyAddress, int>> byNode)
    {
        (_byKey, _byNode) = (byKey, byNode);
    }

    public static ReferenceIndex Of(ConfigState state)
    {
        var byKey = Empty._byKey.ToBuilder();
        var byNode = Empty._byNode.ToBuilder();
        foreach ((string document, DocumentState content) in state.Documents)
        {
            foreach (ImmutableSortedDictionary<string, Entry> entries in content.Scopes.Values)
            {
                foreach ((string key, Entry entry) in entries)
                    Count(byKey, byNode, new(document, key), entry, 1);
            }
        }
        return new(byKey.ToImmutable(), byNode.ToImmutable());
    }

    public ReferenceIndex Advance(ConfigState before, ConfigState after, IEnumerable<EntryEdit> edits)
    {
        var byKey = _byKey.ToBuilder();
        var byNode = _byNode.ToBuilder();
        foreach (EntryEdit edit in edits.DistinctBy(Editing.AddressOf))
        {
            if (before.Document(edit.Document).EntryOf(edit.Scope, edit.Key) is { } old)
                Count(byKey, byNode, new(edit.Document, edit.Key), old, -1);
            if (after.Document(edit.Document).EntryOf(edit.Scope, edit.Key) is { } now)
                Count(byKey, byNode, new(edit.Document, edit.Key), now, 1);
        }
        return new(byKey.ToImmutable(), byNode.ToImmutable());
    }

    /// <summary>Keys whose entries name this key, in order.</summary>
    public IEnumerable<KeyAddress> HoldersOf(KeyAddress key) => _byKey.TryGetValue(key, out ImmutableDictionary<KeyAddress, int>? holders) ? holders.Keys.Order() : [];

    /// <summary>Keys whose entries name a key of this node.</summary>
    public IEnumerable<KeyAddress> HoldersOfNode(string node) => _byNode.TryGetValue(node, out ImmutableDictionary<KeyAddress, int>? holders) ? holders.Keys.Order() : [];

    /// <summary>Whether any entry names a node.</summary>
    public bool NamesNodes => !_byNode.IsEmpty;

    /// <summary>These keys and whatever refers to them, directly or not.</summary>
    public SortedSet<KeyAddress> Closure(IEnumerable<KeyAddress> keys)
    {
        var closure = new SortedSet<KeyAddress>();
        var queue = new Queue<KeyAddress>(keys);
        while (queue.TryDequeue(out KeyAddress key))
        {
            if (!closure.Add(key))
                continue;
            foreach (KeyAddress holder in HoldersOf(key))
                queue.Enqueue(holder);
        }
        return closure;
    }

    private static void Count(ImmutableDictionary<KeyAddress, ImmutableDictionary<KeyAddress, int>>.Builder byKey,
        ImmutableDictionary<string, ImmutableDictionary<KeyAddress, int>>.Builder byNode, KeyAddress holder, Entry entry, int by)
    {
        foreach (Reference reference in Template.ReferencesOf(entry.Value))
        {
            if (reference.Kind is not (ReferenceKind.Key or ReferenceKind.Document or ReferenceKind.Node))
                continue;
            Count(byKey, new KeyAddress(reference.Document ?? holder.Document, reference.Name), holder, by);
            if (reference.Node is { } node)
                Count(byNode, node, holder, by);
        }
    }

    private static void Count<T>(ImmutableDictionary<T, ImmutableDictionary<KeyAddress, int>>.Builder index, T target, KeyAddress holder, int by) where T : notnull
    {
        ImmutableDictionary<KeyAddress, int> holders = index.TryGetValue(target, out ImmutableDictionary<KeyAddress, int>? known) ? known : ImmutableDictionary<KeyAddress, int>.Empty;
        int count = holders.GetValueOrDefault(holder) + by;
        holders = count == 0 ? holders.Remove(holder) : holders.SetItem(holder, count);
        if (holders.IsEmpty)
            index.Remove(target);
        else
            index[target] = holders;
    }
}
