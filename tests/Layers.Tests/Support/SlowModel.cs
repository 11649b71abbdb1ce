using System.Collections.Immutable;

namespace Conclave.Layers.Tests.Support;

/// <summary>The obvious resolver: looks at every entry for every question, and remembers nothing. What the fast one has to agree with.</summary>
/// <remarks>It merges and takes templates apart by itself (<see cref="SlowValue"/>, <see cref="SlowTemplate"/>): what it shares with the library is the state that it looks at.</remarks>
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

    private SlowValue? Evaluate(string node, string document, string key, string[] path)
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
        SlowValue? value = null;
        foreach ((_, Entry entry) in matching.Skip(Math.Max(start, 0)))
            value = SlowValue.Merge(value, entry.Op, Follow(node, document, SlowValue.Of(entry.Value), [.. path, here]), merge);
        return value;
    }

    private SlowValue Follow(string node, string document, SlowValue value, string[] path)
    {
        if (value.Elements is not null)
            return new(value.Elements.Select(e => Follow(node, document, e, path)));
        if (value.Members is not null)
        {
            var members = new Dictionary<string, SlowValue>();
            foreach ((string name, SlowValue member) in value.Members)
                members[FollowText(node, document, name, path).Text ?? throw new NotSupportedException("a name is a list or a map")] = Follow(node, document, member, path);
            return new(members);
        }
        return value.ToString().StartsWith('"') ? FollowText(node, document, value.Text!, path) : value;   // a string has a text
    }

    private SlowValue FollowText(string node, string document, string template, string[] path)
    {
        List<(string? Literal, SlowTemplate.Target? Reference)> parts = SlowTemplate.Parse(template);
        if (parts is [{ Reference: { AsText: false } only }])
            return Find(node, document, only, path);
        return SlowValue.Of(string.Concat(parts.Select(p => p.Reference is null ? p.Literal : TextOf(Find(node, document, p.Reference, path), p.Reference.Kind == "dim"))));
    }

    private static string TextOf(SlowValue value, bool mayBeList) => value.Text
        ?? (mayBeList && value.Elements is not null ? string.Join(',', value.Elements.Select(e => e.Text)) : throw new NotSupportedException("no text"));

    private SlowValue Find(string node, string document, SlowTemplate.Target reference, string[] path)
    {
        string[] names = reference.Path;
        SlowValue? found = reference.Kind switch
        {
            "fact" => inputs.Fact(node, names[0]) is { } fact ? SlowValue.Of(fact) : null,
            "dim" => Dimension(node, names[0]),
            "key" => Evaluate(node, document, names[0], path),
            "doc" => Evaluate(node, names[0], names[1], path),
            _ => state.Nodes.ContainsKey(names[0]) ? Evaluate(names[0], names[1], names[2], path) : null,
        };
        foreach (string step in reference.Pointer)
        {
            found = found?.Members is not null ? found.Members.GetValueOrDefault(step)
                : found?.Elements is not null && int.TryParse(step, out int position) ? found.Elements.ElementAtOrDefault(position) : null;
        }
        return found ?? (reference.Default is null ? throw new NotSupportedException("nothing there") : SlowValue.Of(reference.Default));
    }

    private SlowValue? Dimension(string node, string name)
    {
        if (name == state.Dimensions.NodeDimension)
            return SlowValue.Of(node);
        ImmutableArray<string> assigned = state.Nodes[node][name];
        if (assigned.IsEmpty)
            return null;
        return state.Dimensions.List.Single(d => d.Name == name).IsMultiValued ? new(assigned.Select(SlowValue.Of)) : SlowValue.Of(assigned[0]);
    }
}
