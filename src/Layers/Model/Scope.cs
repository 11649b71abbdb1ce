using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Conclave.Layers;

/// <summary>One condition of a scope.</summary>
public readonly record struct ScopePair(string Dimension, string Value);

/// <summary>A set of nodes: those that have every named value. The empty scope is every node.</summary>
/// <remarks>
/// Identity does not depend on the order of dimensions: pairs are held in ordinal order of their names, each dimension once.
/// For people and for keys use <see cref="Dimensions.TextOf"/>.
/// </remarks>
public sealed class Scope : IEquatable<Scope>, IComparable<Scope>
{
    public static readonly Scope Everything = new([]);

    private readonly int _hash;

    private Scope(ImmutableArray<ScopePair> pairs)
    {
        Pairs = pairs;
        var hash = new HashCode();
        foreach (ScopePair pair in pairs)
            hash.Add(pair);
        _hash = hash.ToHashCode();
    }

    /// <summary>In ordinal order of the dimensions' names.</summary>
    public ImmutableArray<ScopePair> Pairs { get; }

    public bool IsEmpty => Pairs.IsEmpty;

    /// <exception cref="ArgumentException">A dimension is named twice.</exception>
    public static Scope Of(params IEnumerable<ScopePair> pairs)
    {
        ImmutableArray<ScopePair> sorted = [.. pairs.OrderBy(p => p.Dimension, StringComparer.Ordinal)];
        for (int i = 1; i < sorted.Length; i++)
        {
            if (sorted[i].Dimension == sorted[i - 1].Dimension)
                throw new ArgumentException($"The scope names {sorted[i].Dimension} twice.", nameof(pairs));
        }
        return sorted.IsEmpty ? Everything : new(sorted);
    }

    public static Scope Of(string dimension, string value) => new([new(dimension, value)]);

    /// <param name="text"><c>*</c>, or pairs joined by <c>;</c> (or <c>,</c>, as the command line writes them) in any order.</param>
    /// <param name="scope">The scope.</param>
    /// <param name="problem">What is wrong.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out Scope? scope, out string problem)
    {
        (scope, problem) = (null, "");
        if (text == "*")
        {
            scope = Everything;
            return true;
        }
        var pairs = new List<ScopePair>();
        foreach (string part in text.Split(';', ','))
        {
            int equals = part.IndexOf('=');
            if (equals <= 0 || equals == part.Length - 1)
            {
                problem = $"\"{ValueChecks.Shown(text)}\" is no scope. Write * or dimension=value;dimension=value.";
                return false;
            }
            pairs.Add(new(part[..equals], part[(equals + 1)..]));
        }
        if (pairs.Select(p => p.Dimension).Distinct(StringComparer.Ordinal).Count() != pairs.Count)
        {
            problem = $"\"{ValueChecks.Shown(text)}\" names one dimension twice. A scope holds each dimension once; write two entries.";
            return false;
        }
        scope = Of(pairs);
        return true;
    }

    public bool Names(string dimension) => Pairs.Any(p => p.Dimension == dimension);

    /// <summary>The value asked for in a dimension, or null.</summary>
    public string? ValueOf(string dimension)
    {
        foreach (ScopePair pair in Pairs)
        {
            if (pair.Dimension == dimension)
                return pair.Value;
        }
        return null;
    }

    public bool Equals(Scope? other) => ReferenceEquals(this, other) || (other is not null && other._hash == _hash && Pairs.AsSpan().SequenceEqual(other.Pairs.AsSpan()));

    public override bool Equals(object? obj) => Equals(obj as Scope);

    public override int GetHashCode() => _hash;

    /// <summary>The order of records: ordinal by pairs, shorter first. It says nothing about precedence.</summary>
    public int CompareTo(Scope? other)
    {
        if (other is null)
            return 1;
        for (int i = 0; i < Pairs.Length && i < other.Pairs.Length; i++)
        {
            int order = string.CompareOrdinal(Pairs[i].Dimension, other.Pairs[i].Dimension);
            if (order == 0)
                order = string.CompareOrdinal(Pairs[i].Value, other.Pairs[i].Value);
            if (order != 0)
                return order;
        }
        return Pairs.Length.CompareTo(other.Pairs.Length);
    }

    /// <summary>Pairs in order of their dimensions' names: for logs. The canonical text is <see cref="Dimensions.TextOf"/>.</summary>
    public override string ToString() => IsEmpty ? "*" : string.Join(';', Pairs.Select(p => $"{p.Dimension}={p.Value}"));
}
