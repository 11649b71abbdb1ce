using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>A way in which nodes differ: site, role, host.</summary>
/// <param name="Name">Unique in the list.</param>
/// <param name="IsMultiValued">True when a node may have several values at once (aggregates, groups).</param>
public sealed record Dimension(string Name, bool IsMultiValued = false);

/// <summary>The dimensions of a space, low to high, and the weights that order values of the multi-valued ones.</summary>
public sealed class Dimensions
{
    /// <summary>No dimension but the node's own.</summary>
    public static readonly Dimensions Initial = new([new Dimension("host")], "host", ImmutableSortedDictionary.Create<(string, string), int>(WeightOrder.Instance));

    private readonly Dictionary<string, int> _positions;

    private Dimensions(ImmutableArray<Dimension> list, string nodeDimension, ImmutableSortedDictionary<(string Dimension, string Value), int> weights)
    {
        (List, NodeDimension, Weights) = (list, nodeDimension, weights);
        _positions = new(StringComparer.Ordinal);
        for (int i = 0; i < list.Length; i++)
            _positions[list[i].Name] = i;
    }

    /// <summary>Low to high: an entry of a later dimension is more specific.</summary>
    public ImmutableArray<Dimension> List { get; }

    /// <summary>The dimension whose one value is the node's name. It is never assigned.</summary>
    public string NodeDimension { get; }

    /// <summary>Weights of values of multi-valued dimensions; a heavier value wins over a lighter one, 0 where none is given.</summary>
    public ImmutableSortedDictionary<(string Dimension, string Value), int> Weights { get; }

    /// <exception cref="ArgumentException">A name is bad or twice, there are too many, or the node dimension is missing or multi-valued.</exception>
    public static Dimensions Create(IEnumerable<Dimension> list, string nodeDimension)
    {
        ImmutableArray<Dimension> dimensions = [.. list];
        if (dimensions.Length > Limits.DimensionsMax)
            throw new ArgumentException($"{dimensions.Length} dimensions; {Limits.DimensionsMax} are allowed.");
        foreach (Dimension dimension in dimensions)
        {
            if (ValueChecks.NameProblem("name of a dimension", dimension.Name, slashIsFine: false) is { } problem)
                throw new ArgumentException(problem);
            if (dimensions.Count(d => d.Name == dimension.Name) > 1)
                throw new ArgumentException($"Dimension {dimension.Name} is in the list twice.");
        }
        if (!dimensions.Any(d => d.Name == nodeDimension && !d.IsMultiValued))
            throw new ArgumentException($"The node dimension {nodeDimension} must be in the list, and single-valued.");
        return new(dimensions, nodeDimension, ImmutableSortedDictionary.Create<(string, string), int>(WeightOrder.Instance));
    }

    public bool Contains(string name) => _positions.ContainsKey(name);

    /// <summary>0 is the least specific; -1 when there is no such dimension.</summary>
    public int PositionOf(string name) => _positions.TryGetValue(name, out int position) ? position : -1;

    public Dimension this[int position] => List[position];

    public int WeightOf(string dimension, string value) => Weights.TryGetValue((dimension, value), out int weight) ? weight : 0;

    public Dimensions WithWeight(string dimension, string value, int? weight) => new(List, NodeDimension,
        weight is { } known ? Weights.SetItem((dimension, value), known) : Weights.Remove((dimension, value)));

    internal Dimensions WithWeightsOf(Dimensions other) => new(List, NodeDimension, other.Weights);

    /// <summary>Same list, order, kinds and node dimension. Weights are not looked at.</summary>
    public bool SameList(Dimensions other) => NodeDimension == other.NodeDimension && List.AsSpan().SequenceEqual(other.List.AsSpan());

    /// <summary>The canonical text: <c>role=compute;region=eu</c>, most specific dimension first; <c>*</c> for the empty scope.</summary>
    public string TextOf(Scope scope) => scope.IsEmpty ? "*"
        : string.Join(';', scope.Pairs.OrderByDescending(p => PositionOf(p.Dimension)).ThenBy(p => p.Dimension, StringComparer.Ordinal).Select(p => $"{p.Dimension}={p.Value}"));

    internal static int CompareWeighted((string Dimension, string Value) x, (string Dimension, string Value) y) => WeightOrder.Instance.Compare(x, y);

    private sealed class WeightOrder : IComparer<(string Dimension, string Value)>
    {
        public static readonly WeightOrder Instance = new();

        public int Compare((string Dimension, string Value) x, (string Dimension, string Value) y)
        {
            int order = string.CompareOrdinal(x.Dimension, y.Dimension);
            return order != 0 ? order : string.CompareOrdinal(x.Value, y.Value);
        }
    }
}
