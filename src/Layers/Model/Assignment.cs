using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>The dimensions' values that an operator gave a node. They choose its scopes; facts that the node reports never do.</summary>
public sealed class Assignment : IEquatable<Assignment>
{
    public static readonly Assignment None = new([]);

    private readonly int _hash;

    private Assignment(ImmutableArray<KeyValuePair<string, ImmutableArray<string>>> values)
    {
        Values = values;
        var hash = new HashCode();
        foreach (KeyValuePair<string, ImmutableArray<string>> pair in values)
        {
            hash.Add(pair.Key);
            foreach (string value in pair.Value)
                hash.Add(value);
        }
        _hash = hash.ToHashCode();
    }

    /// <summary>Dimension to values, both in ordinal order, none empty, no value twice.</summary>
    public ImmutableArray<KeyValuePair<string, ImmutableArray<string>>> Values { get; }

    public static Assignment Of(params IEnumerable<ScopePair> pairs)
    {
        ImmutableArray<KeyValuePair<string, ImmutableArray<string>>> values =
        [
            .. pairs.GroupBy(p => p.Dimension, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => KeyValuePair.Create<string, ImmutableArray<string>>(g.Key, [.. g.Select(p => p.Value).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)])),
        ];
        return values.IsEmpty ? None : new(values);
    }

    /// <summary>Values in a dimension; empty when none was given.</summary>
    public ImmutableArray<string> this[string dimension]
    {
        get
        {
            foreach (KeyValuePair<string, ImmutableArray<string>> pair in Values)
            {
                if (pair.Key == dimension)
                    return pair.Value;
            }
            return [];
        }
    }

    public IEnumerable<ScopePair> Pairs => Values.SelectMany(v => v.Value.Select(value => new ScopePair(v.Key, value)));

    public bool Equals(Assignment? other)
    {
        if (ReferenceEquals(this, other))
            return true;
        if (other is null || other._hash != _hash || other.Values.Length != Values.Length)
            return false;
        for (int i = 0; i < Values.Length; i++)
        {
            if (Values[i].Key != other.Values[i].Key || !Values[i].Value.AsSpan().SequenceEqual(other.Values[i].Value.AsSpan()))
                return false;
        }
        return true;
    }

    public override bool Equals(object? obj) => Equals(obj as Assignment);

    public override int GetHashCode() => _hash;

    public override string ToString() => string.Join(';', Pairs.Select(p => $"{p.Dimension}={p.Value}"));
}
