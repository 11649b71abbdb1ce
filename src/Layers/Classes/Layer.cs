using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>Numbers for a document's keys. A key keeps its number as long as the table is extended and not built anew, so arrays by number stay valid.</summary>
internal sealed class KeyTable
{
    public static readonly KeyTable Empty = new([], new(StringComparer.Ordinal));

    private readonly Dictionary<string, int> _numbers;

    private KeyTable(string[] names, Dictionary<string, int> numbers)
    {
        (Names, _numbers) = (names, numbers);
        InOrder = [.. Enumerable.Range(0, names.Length)];
        Array.Sort([.. names], InOrder, StringComparer.Ordinal);
    }

    /// <summary>Number to key.</summary>
    public string[] Names { get; }

    /// <summary>Numbers in ordinal order of their keys.</summary>
    public int[] InOrder { get; }

    public int this[string key] => _numbers.TryGetValue(key, out int number) ? number : -1;

    public KeyTable With(IEnumerable<string> keys)
    {
        string[] missing = [.. keys.Where(k => !_numbers.ContainsKey(k)).Distinct(StringComparer.Ordinal)];
        if (missing.Length == 0)
            return this;
        var numbers = new Dictionary<string, int>(_numbers, StringComparer.Ordinal);
        foreach (string key in missing)
            numbers.Add(key, numbers.Count);
        return new([.. Names, .. missing], numbers);
    }
}

/// <summary>One scope of a document with its entries, by key numbers: what classes and nodes are put together from. Shared by all that match.</summary>
internal sealed class Layer
{
    private readonly int[] _keys;
    private readonly Contribution[] _contributions;

    private Layer(Scope scope, int[] keys, Contribution[] contributions)
    {
        (Scope, _keys, _contributions) = (scope, keys, contributions);
    }

    public Scope Scope { get; }

    /// <summary>Numbers of the keys that the scope speaks of, rising.</summary>
    public ReadOnlySpan<int> Keys => _keys;

    public ReadOnlySpan<Contribution> Contributions => _contributions;

    public static Layer Of(Scope scope, ImmutableSortedDictionary<string, Entry> entries, KeyTable keys)
    {
        var numbers = new int[entries.Count];
        var contributions = new Contribution[entries.Count];
        int at = 0;
        foreach ((string key, Entry entry) in entries)
        {
            numbers[at] = keys[key];
            contributions[at++] = new(scope, entry);
        }
        Array.Sort(numbers, contributions);
        return new(scope, numbers, contributions);
    }

    public Contribution? Find(int key)
    {
        int at = Array.BinarySearch(_keys, key);
        return at < 0 ? null : _contributions[at];
    }

    /// <summary>The layer with some entries replaced, added or (null) taken away; null when nothing is left.</summary>
    public Layer? With(IReadOnlyDictionary<int, Entry?> changes)
    {
        var merged = new List<(int Key, Contribution Contribution)>(_keys.Length + changes.Count);
        for (int i = 0; i < _keys.Length; i++)
        {
            if (!changes.ContainsKey(_keys[i]))
                merged.Add((_keys[i], _contributions[i]));
        }
        foreach ((int key, Entry? entry) in changes)
        {
            if (entry is not null)
                merged.Add((key, new(Scope, entry)));
        }
        if (merged.Count == 0)
            return null;
        merged.Sort(static (a, b) => a.Key.CompareTo(b.Key));
        return new(Scope, [.. merged.Select(m => m.Key)], [.. merged.Select(m => m.Contribution)]);
    }
}

/// <summary>The layers that match something, in order of precedence.</summary>
internal sealed class LayerStack
{
    private LayerStack(Layer[] layers, int[] levels)
    {
        (Layers, Levels) = (layers, levels);
    }

    public Layer[] Layers { get; }

    /// <summary>For each layer its precedence; equal for those that rank and weigh the same.</summary>
    public int[] Levels { get; }

    public static LayerStack Of(IEnumerable<Layer> layers, Dimensions dimensions)
    {
        Layer[] sorted = [.. layers];
        Array.Sort(sorted, (a, b) => Precedence.CompareTotally(a.Scope, b.Scope, dimensions));
        var levels = new int[sorted.Length];
        for (int i = 1; i < sorted.Length; i++)
            levels[i] = levels[i - 1] + (Precedence.Compare(sorted[i - 1].Scope, sorted[i].Scope, dimensions) == 0 ? 0 : 1);
        return new(sorted, levels);
    }

    /// <summary>Every entry of a key, least specific first, with its level.</summary>
    public int Matching(int key, Span<Contribution> contributions, Span<int> levels)
    {
        int count = 0;
        for (int i = 0; i < Layers.Length; i++)
        {
            if (Layers[i].Find(key) is { } contribution)
            {
                contributions[count] = contribution;
                levels[count++] = Levels[i];
            }
        }
        return count;
    }
}
