using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>Joins values of one key, least specific first. Values are evaluated already.</summary>
internal static class Merging
{
    /// <param name="lower">What less specific scopes gave; null is nothing.</param>
    /// <param name="op">What the scope does.</param>
    /// <param name="value">Its value.</param>
    /// <param name="kind">How the key merges.</param>
    /// <returns>The value so far; null is none.</returns>
    public static Value? Apply(Value? lower, EntryOp op, Value value, MergeKind kind) => op switch
    {
        EntryOp.Set or EntryOp.Final => value,
        EntryOp.Unset => null,
        EntryOp.Append => Append(lower, value, kind),
        _ => lower is null ? null : Remove(lower, value),
    };

    private static Value Append(Value? lower, Value value, MergeKind kind) => kind switch
    {
        MergeKind.Append => Distinct(lower is null ? AsElements(value) : AsElements(lower).AddRange(AsElements(value))),
        MergeKind.Union => Distinct([.. Flatten(value), .. lower is null ? [] : Flatten(lower)]),
        MergeKind.Map => lower is { Kind: ValueKind.Map } && value.Kind == ValueKind.Map ? JoinMaps(lower, value, deep: false) : value,
        MergeKind.Deep => lower is null ? value : Deep(lower, value),
        _ => value,
    };

    private static Value Deep(Value lower, Value value)
    {
        if (value.Kind == ValueKind.Null || (value.Kind == ValueKind.Map && value.Members.IsEmpty))
            return lower;
        return (lower.Kind, value.Kind) switch
        {
            (ValueKind.Map, ValueKind.Map) => JoinMaps(lower, value, deep: true),
            (ValueKind.List, ValueKind.List) => Distinct(lower.Elements.AddRange(value.Elements)),
            _ => value,
        };
    }

    private static Value JoinMaps(Value lower, Value value, bool deep)
    {
        var members = new Dictionary<string, Value>(lower.Members, StringComparer.Ordinal);
        foreach (KeyValuePair<string, Value> member in value.Members)
            members[member.Key] = !deep ? member.Value : members.TryGetValue(member.Key, out Value? below) ? Deep(below, member.Value) : Settled(member.Value);
        return Value.Map(members);
    }

    /// <summary>Lists that a deep merge takes in hold no element twice, wherever they stand.</summary>
    private static Value Settled(Value value) => value.Kind switch
    {
        ValueKind.List => Distinct(value.Elements),
        ValueKind.Map when !value.Members.IsEmpty => Value.Map(value.Members.Select(m => KeyValuePair.Create(m.Key, Settled(m.Value)))),
        _ => value,
    };

    private static Value Remove(Value lower, Value value)
    {
        ImmutableArray<Value> gone = AsElements(value);
        return lower.Kind switch
        {
            ValueKind.List => Value.List([.. lower.Elements.Where(e => !gone.Contains(e))]),
            ValueKind.Map => Value.Map(lower.Members.Where(m => !gone.Any(g => g.Kind == ValueKind.String && g.AsString == m.Key))),
            _ => lower,
        };
    }

    private static ImmutableArray<Value> AsElements(Value value) => value.Kind == ValueKind.List ? value.Elements : [value];

    private static IEnumerable<Value> Flatten(Value value) => value.Kind == ValueKind.List ? value.Elements.SelectMany(Flatten) : [value];

    private static Value Distinct(ImmutableArray<Value> elements)
    {
        var seen = new HashSet<Value>();
        return Value.List([.. elements.Where(seen.Add)]);
    }

    /// <summary>Do two scopes of equal precedence disagree, in a place where nothing more specific decides?</summary>
    /// <param name="first">One value; null is <see cref="EntryOp.Unset"/>.</param>
    /// <param name="second">The other.</param>
    /// <param name="kind">How the key merges.</param>
    /// <param name="above">Values of more specific appends, which may decide it. Their templates are not evaluated, so only names count.</param>
    public static bool Conflict(Value first, Value second, MergeKind kind, ReadOnlySpan<Value> above)
    {
        if (first.Equals(second))
            return false;
        switch (kind)
        {
            case MergeKind.Append or MergeKind.Union:
                return false;   // both count, in a total order
            case MergeKind.Map or MergeKind.Deep when first.Kind == ValueKind.Map && second.Kind == ValueKind.Map:
                foreach (KeyValuePair<string, Value> member in first.Members)
                {
                    if (!second.TryGetMember(member.Key, out Value? other) || other.Equals(member.Value))
                        continue;
                    var deciding = new List<Value>();
                    foreach (Value higher in above)
                    {
                        if (higher.Kind == ValueKind.Map && higher.TryGetMember(member.Key, out Value? decided))
                            deciding.Add(decided);
                    }
                    if (kind == MergeKind.Map ? deciding.Count == 0 : Conflict(member.Value, other, kind, deciding.ToArray()))
                        return true;
                }
                return false;
            case MergeKind.Deep when first.Kind == ValueKind.List && second.Kind == ValueKind.List:
                return false;
            default:
                foreach (Value higher in above)
                {
                    if (higher.Kind is not (ValueKind.Map or ValueKind.Null) && !(higher.Kind == ValueKind.List && (first.Kind == ValueKind.List || second.Kind == ValueKind.List)))
                        return false;   // a scalar above hides both
                }
                return true;
        }
    }
}
