using System.Globalization;
using System.Text.Encodings.Web;

namespace Conclave.Layers.Tests.Support;

/// <summary>A value as the obvious resolver sees it: equal when its text is equal. How values are merged is written here once more, from the rules in docs/layers.md.</summary>
internal sealed class SlowValue
{
    private readonly string _scalar = "";

    private SlowValue(string scalar) => _scalar = scalar;

    public SlowValue(IEnumerable<SlowValue> elements) => Elements = [.. elements];

    public SlowValue(IEnumerable<KeyValuePair<string, SlowValue>> members) => Members = new(new Dictionary<string, SlowValue>(members), StringComparer.Ordinal);

    /// <summary>Null for what is no list.</summary>
    public List<SlowValue>? Elements { get; }

    /// <summary>Null for what is no map.</summary>
    public SortedDictionary<string, SlowValue>? Members { get; }

    /// <summary>What it is inside a longer text; null for lists and maps.</summary>
    public string? Text { get; private init; }

    public static SlowValue Of(string text) => new('"' + JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text) + '"') { Text = text };

    public static SlowValue Of(Value value) => value.Kind switch
    {
        ValueKind.Null => new("null") { Text = "" },
        ValueKind.Integer => new(value.AsInteger.ToString(CultureInfo.InvariantCulture)) { Text = value.AsInteger.ToString(CultureInfo.InvariantCulture) },
        ValueKind.String => Of(value.AsString),
        ValueKind.List => new(value.Elements.Select(Of)),
        ValueKind.Map => new(value.Members.Select(m => KeyValuePair.Create(m.Key, Of(m.Value)))),
        _ => throw new NotSupportedException($"No random fleet has a {value.Kind}."),
    };

    public override string ToString() => Elements is not null ? $"[{string.Join(',', Elements)}]"
        : Members is not null ? $"{{{string.Join(',', Members.Select(m => $"{Of(m.Key)}:{m.Value}"))}}}" : _scalar;

    /// <summary>What one more scope makes of a value; null is none.</summary>
    public static SlowValue? Merge(SlowValue? lower, EntryOp op, SlowValue own, MergeKind kind)
    {
        if (op is EntryOp.Unset)
            return null;
        if (op is EntryOp.Set or EntryOp.Final)
            return own;
        if (op is EntryOp.Remove)
            return lower?.Without(own);
        switch (kind)
        {
            case MergeKind.Append:
                return Once((lower?.AsList() ?? []).Concat(own.AsList()));
            case MergeKind.Union:
                return Once(own.Flat().Concat(lower?.Flat() ?? []));
            case MergeKind.Map when lower?.Members is { } below && own.Members is { } above:
                return new(below.Where(m => !above.ContainsKey(m.Key)).Concat(above));
            case MergeKind.Deep when lower is not null:
                return Deep(lower, own);
            default:
                return own;
        }
    }

    private static SlowValue Deep(SlowValue lower, SlowValue own)
    {
        bool addsNothing = own._scalar == "null" || own.Members is { Count: 0 };
        if (addsNothing)
            return lower;
        if (lower.Elements is not null && own.Elements is not null)
            return Once(lower.Elements.Concat(own.Elements));
        if (lower.Members is null || own.Members is null)
            return own;
        var joined = new Dictionary<string, SlowValue>(lower.Members);
        foreach ((string name, SlowValue value) in own.Members)
            joined[name] = joined.TryGetValue(name, out SlowValue? below) ? Deep(below, value) : value.WithEachOnce();
        return new(joined);
    }

    /// <summary>Whatever comes new into a deep merge is a list joined with nothing, wherever a list is in it.</summary>
    private SlowValue WithEachOnce() => Elements is not null ? Once(Elements)
        : Members is not null ? new(Members.Select(m => KeyValuePair.Create(m.Key, m.Value.WithEachOnce()))) : this;

    private SlowValue Without(SlowValue removed)
    {
        HashSet<string> gone = [.. removed.AsList().Select(e => e.ToString())];
        if (Elements is not null)
            return new(Elements.Where(e => !gone.Contains(e.ToString())));
        return Members is null ? this : new(Members.Where(m => !gone.Contains(Of(m.Key).ToString())));
    }

    private IEnumerable<SlowValue> AsList() => Elements ?? [this];

    private IEnumerable<SlowValue> Flat() => Elements?.SelectMany(e => e.Flat()) ?? [this];

    private static SlowValue Once(IEnumerable<SlowValue> elements) => new(elements.DistinctBy(e => e.ToString()));
}
