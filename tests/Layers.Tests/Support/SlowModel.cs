using System.Globalization;
using System.Text;

namespace Conclave.Layers.Tests.Support;

/// <summary>The obvious resolver: looks at every entry for every question, and remembers nothing. What the fast one has to agree with.</summary>
internal sealed class SlowModel(ConfigState state, ResolutionInputs inputs)
{
    /// <summary>Key to text of the value, for every key that has one; "!" where it cannot be evaluated.</summary>
    public SortedDictionary<string, string> Document(string node, string document)
    {
        var result = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string key in state.Document(document).Scopes.Values.SelectMany(e => e.Keys).Distinct())
        {
            if (Key(node, document, key, []) is { } text)
                result[key] = text;
        }
        return result;
    }

    /// <summary>Null: no value. "!": cannot be evaluated.</summary>
    public string? Key(string node, string document, string key, string[] path)
    {
        try
        {
            return Evaluate(node, document, key, path)?.ToString();
        }
        catch (NotSupportedException)
        {
            return "!";
        }
    }

    public List<(Scope Scope, Entry Entry)> Matching(string node, string document, string key)
    {
        var matching = new List<(Scope Scope, Entry Entry)>();
        foreach ((Scope scope, var entries) in state.Document(document).Scopes)
        {
            bool matches = scope.Pairs.All(p => p.Dimension == state.Dimensions.NodeDimension ? p.Value == node : state.Nodes[node][p.Dimension].Contains(p.Value));
            if (matches && entries.TryGetValue(key, out Entry? entry))
                matching.Add((scope, entry));
        }
        matching.Sort((a, b) => Compare(a.Scope, b.Scope) is var order && order != 0 ? order : string.CompareOrdinal(a.Scope.ToString(), b.Scope.ToString()));
        return matching;
    }

    /// <summary>The rule of precedence, as it is told: positions descending, the longer wins on a common prefix; then weights in the same order.</summary>
    public int Compare(Scope a, Scope b)
    {
        List<int> rankA = Rank(a), rankB = Rank(b);
        for (int i = 0; i < Math.Max(rankA.Count, rankB.Count); i++)
        {
            int x = i < rankA.Count ? rankA[i] : -1, y = i < rankB.Count ? rankB[i] : -1;
            if (x != y)
                return x.CompareTo(y);
        }
        foreach (int position in rankA)
        {
            string name = state.Dimensions[position].Name;
            int order = Weight(a, name).CompareTo(Weight(b, name));
            if (order != 0)
                return order;
        }
        return 0;
    }

    private int Weight(Scope scope, string dimension) => state.Dimensions.WeightOf(dimension, scope.Pairs.Single(p => p.Dimension == dimension).Value);

    private List<int> Rank(Scope scope) => [.. scope.Pairs.Select(p => state.Dimensions.List.Select(d => d.Name).ToList().IndexOf(p.Dimension)).OrderByDescending(p => p)];

    private Value? Evaluate(string node, string document, string key, string[] path)
    {
        string here = $"{node}/{document}/{key}";
        if (path.Contains(here) || path.Length > Limits.ReferenceDepthMax)
            throw new NotSupportedException("circle or depth");
        List<(Scope Scope, Entry Entry)> matching = Matching(node, document, key);
        int final = matching.FindIndex(m => m.Entry.Op == EntryOp.Final);
        if (final >= 0)
            matching = [.. matching.Take(final).Concat(matching.Skip(final + 1).Where(m => Compare(m.Scope, matching[final].Scope) == 0)), matching[final]];
        int start = matching.FindLastIndex(m => m.Entry.Op is EntryOp.Set or EntryOp.Unset or EntryOp.Final);
        MergeKind merge = state.Document(document).SchemaOf(key).Merge;
        Value? value = null;
        foreach ((_, Entry entry) in matching.Skip(Math.Max(start, 0)))
        {
            Value own = Follow(node, document, entry.Value, [.. path, here]);
            value = Merging.Apply(value, entry.Op, own, merge);
        }
        return value;
    }

    private Value Follow(string node, string document, Value value, string[] path) => value.Kind switch
    {
        ValueKind.List => Value.List([.. value.Elements.Select(e => Follow(node, document, e, path))]),
        ValueKind.String when value.HasTemplate => FollowText(node, document, Template.Parse(value.AsString), path),
        _ => value,
    };

    private Value FollowText(string node, string document, Template template, string[] path)
    {
        if (template.Parts is [{ Reference: { } only }])
            return Target(node, document, only, path);
        var text = new StringBuilder();
        foreach (TemplatePart part in template.Parts)
        {
            Value piece = part.Reference is { } reference ? Target(node, document, reference, path) : Value.Of(part.Literal ?? "");
            text.Append(piece.Kind switch
            {
                ValueKind.String => piece.AsString,
                ValueKind.Integer => piece.AsInteger.ToString(CultureInfo.InvariantCulture),
                ValueKind.Null => "",
                ValueKind.List or ValueKind.Map => throw new NotSupportedException("no text"),
                _ => piece.ToString(),
            });
        }
        return Value.Of(text.ToString());
    }

    private Value Target(string node, string document, Reference reference, string[] path)
    {
        Value? found = reference.Kind switch
        {
            ReferenceKind.Fact => inputs.Fact(node, reference.Name),
            ReferenceKind.Dimension when reference.Name == state.Dimensions.NodeDimension => Value.Of(node),
            ReferenceKind.Dimension => state.Nodes[node][reference.Name] is { IsEmpty: false } values ? Value.Of(values[0]) : null,
            ReferenceKind.Node when !state.Nodes.ContainsKey(reference.Node!) => null,
            _ => Evaluate(reference.Node ?? node, reference.Document ?? document, reference.Name, path),
        };
        return found ?? (reference.Default is { } byDefault ? Value.Of(byDefault) : throw new NotSupportedException("nothing there"));
    }
}
