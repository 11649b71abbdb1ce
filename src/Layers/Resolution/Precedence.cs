namespace Conclave.Layers;

/// <summary>The one rule of precedence.</summary>
/// <remarks>
/// A scope's rank is the positions of its dimensions, sorted descending. Ranks compare element by element; on a common prefix the longer wins:
/// <c>host</c> over <c>role;region</c> over <c>role</c> over <c>region</c> over everything. Scopes of equal rank name the same dimensions; where both match
/// one node they differ in values of multi-valued dimensions, and the values' weights decide, most specific dimension first.
/// Names come last: they give lists a stable order and never choose a winner.
/// </remarks>
public static class Precedence
{
    /// <returns>Negative when <paramref name="a"/> is less specific; 0 only for scopes that rank and weigh the same.</returns>
    public static int Compare(Scope a, Scope b, Dimensions dimensions)
    {
        int order = CompareRanks(a, b, dimensions);
        return order != 0 ? order : CompareWeights(a, b, dimensions);
    }

    /// <summary>As <see cref="Compare"/>, and then by names: total.</summary>
    public static int CompareTotally(Scope a, Scope b, Dimensions dimensions)
    {
        int order = Compare(a, b, dimensions);
        return order != 0 ? order : a.CompareTo(b);
    }

    public static int CompareRanks(Scope a, Scope b, Dimensions dimensions)
    {
        Span<int> ranksA = stackalloc int[Limits.DimensionsMax], ranksB = stackalloc int[Limits.DimensionsMax];
        ReadOnlySpan<int> rankA = Rank(a, dimensions, ranksA), rankB = Rank(b, dimensions, ranksB);
        return rankA.SequenceCompareTo(rankB);   // on a common prefix the longer is greater
    }

    private static int CompareWeights(Scope a, Scope b, Dimensions dimensions)
    {
        Span<int> buffer = stackalloc int[Limits.DimensionsMax];
        foreach (int position in Rank(a, dimensions, buffer))
        {
            Dimension dimension = dimensions[position];
            if (!dimension.IsMultiValued)
                continue;
            int order = WeightOf(a, dimension.Name, dimensions).CompareTo(WeightOf(b, dimension.Name, dimensions));
            if (order != 0)
                return order;
        }
        return 0;
    }

    private static int WeightOf(Scope scope, string dimension, Dimensions dimensions) => scope.ValueOf(dimension) is { } value ? dimensions.WeightOf(dimension, value) : 0;

    private static ReadOnlySpan<int> Rank(Scope scope, Dimensions dimensions, Span<int> buffer)
    {
        int length = 0;
        foreach (ScopePair pair in scope.Pairs)
            buffer[length++] = dimensions.PositionOf(pair.Dimension);
        buffer = buffer[..length];
        buffer.Sort(static (x, y) => y.CompareTo(x));
        return buffer;
    }
}
