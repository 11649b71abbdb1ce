using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Conclave.Layers;

/// <summary>Follows references. One object serves one subject (a class or a node) at one release; it remembers what it has evaluated.</summary>
/// <remarks>
/// References are followed in each entry's value, before values are merged: so a reference to a map can be merged as a map, and two
/// references to equal elements give one element of a list.
/// </remarks>
internal sealed class Evaluator(IKeySource source, ResolutionInputs inputs, string subjectDocument)
{
    private readonly Dictionary<(string? Node, string Document, string Key), Evaluated> _known = [];
    private readonly List<(string? Node, string Document, string Key)> _path = [];
    private readonly HashSet<(string Document, string Key)> _used = [];

    /// <summary>True when what was evaluated depends on the node itself or on inputs, so that it does not hold for the whole class.</summary>
    public bool IsLocal { get; private set; }

    /// <summary>Keys of the own node that were looked at, those asked for included.</summary>
    public IReadOnlyCollection<(string Document, string Key)> Used => _used;

    /// <summary>The key with its references followed.</summary>
    public Evaluated Evaluate(ResolvedKey key) => EvaluateKey(source, subjectDocument, key);

    /// <summary>Text of a scalar as it goes into a longer text: null is empty; null result for lists and maps.</summary>
    public static string? TextOf(Value value) => value.Kind switch
    {
        ValueKind.Null => "",
        ValueKind.Boolean => value.AsBoolean ? "true" : "false",
        ValueKind.Integer => value.AsInteger.ToString(CultureInfo.InvariantCulture),
        ValueKind.Float => ValueJson.Text(value.AsFloat),
        ValueKind.String => value.AsString,
        _ => null,
    };

    private Evaluated EvaluateKey(IKeySource at, string document, ResolvedKey key)
    {
        if (ReferenceEquals(at, source))
            _used.Add((document, key.Key));
        if (!key.HasTemplate)
            return key.Constant is null ? Evaluated.Absent : new(key.Constant);
        (string? Node, string Document, string Key) id = (at.Node, document, key.Key);
        if (_known.TryGetValue(id, out Evaluated? known))
            return known;
        if (_path.Contains(id))
            return Fail($"{Where(id)} refers to itself: {string.Join(" -> ", _path.SkipWhile(p => p != id).Append(id).Select(Where))}. Break the circle.");
        if (_path.Count > Limits.ReferenceDepthMax)
            return Fail($"{Where(_path[0])} follows more than {Limits.ReferenceDepthMax} references, one behind the other. Shorten the chain.");
        _path.Add(id);
        Evaluated result = MergeParts(at, document, key);
        _path.RemoveAt(_path.Count - 1);
        // What failed inside a circle or at the bound says so only for the way by which it was reached.
        if (result.Problem is null || _path.Count == 0)
            _known[id] = result;
        return result;
    }

    private Evaluated MergeParts(IKeySource at, string document, ResolvedKey key)
    {
        var values = new Evaluated[key.Parts.Length];
        bool pending = false;
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = EvaluateValue(at, document, key.Parts[i].Entry.Value);
            if (values[i].Problem is not null)
                return values[i];
            pending |= values[i].IsPending;
        }
        Value? merged = null;
        for (int i = 0; i < values.Length; i++)
            merged = Merging.Apply(merged, key.Parts[i].Entry.Op, pending ? values[i].AsTemplate : values[i].Value!, key.Merge);   // no problem, so a value
        return new(merged, pending && merged is not null);
    }

    private Evaluated EvaluateValue(IKeySource at, string document, Value value)
    {
        if (!value.HasTemplate)
            return new(value);
        switch (value.Kind)
        {
            case ValueKind.String:
                return EvaluateText(at, document, value.Template);
            case ValueKind.List:
                var elements = new Evaluated[value.Elements.Length];
                for (int i = 0; i < elements.Length; i++)
                {
                    elements[i] = EvaluateValue(at, document, value.Elements[i]);
                    if (elements[i].Problem is not null)
                        return elements[i];
                }
                bool pending = elements.Any(e => e.IsPending);
                return new(Value.List([.. elements.Select(e => pending ? e.AsTemplate : e.Value!)]), pending);   // no problem, so a value
            default:
                return EvaluateMap(at, document, value);
        }
    }

    private Evaluated EvaluateMap(IKeySource at, string document, Value map)
    {
        var members = new (Evaluated Name, Evaluated Value)[map.Members.Length];
        bool pending = false;
        for (int i = 0; i < members.Length; i++)
        {
            Evaluated name = EvaluateValue(at, document, Value.Of(map.Members[i].Key));
            Evaluated value = name.Problem is null ? EvaluateValue(at, document, map.Members[i].Value) : name;
            if (value.Problem is not null)
                return value;
            members[i] = (name, value);
            pending |= name.IsPending || value.IsPending;
        }
        var evaluated = new Dictionary<string, Value>(StringComparer.Ordinal);
        foreach ((Evaluated name, Evaluated value) in members)
        {
            if (TextOf(pending ? name.AsTemplate : name.Value!) is not { } text)   // no problem, so a value
                return Fail($"{Where(_path[^1])}: a member's name becomes a list or a map. Refer to a text.");
            evaluated[text] = pending ? value.AsTemplate : value.Value!;
        }
        return new(Value.Map(evaluated), pending);
    }

    private Evaluated EvaluateText(IKeySource at, string document, Template template)
    {
        if (template.Problem is { } problem)
            return Fail($"{Where(_path[^1])}: {problem}");
        if (template.Parts is [{ Reference: { AsText: false } whole }])
            return Follow(at, document, whole);
        var pieces = new Evaluated[template.Parts.Length];
        bool pending = false;
        for (int i = 0; i < pieces.Length; i++)
        {
            pieces[i] = template.Parts[i] switch
            {
                { Reference: { } reference } => Follow(at, document, reference),
                { Literal: { } literal } => new(Value.Of(literal)),
                _ => throw new InvalidOperationException("A part is a text or a reference. This is a bug: report it."),
            };
            if (pieces[i].Problem is not null)
                return pieces[i];
            pending |= pieces[i].IsPending;
        }
        var text = new StringBuilder();
        for (int i = 0; i < pieces.Length; i++)
        {
            Value piece = pieces[i].Value!;   // no problem, so a value
            string? written = piece.Kind == ValueKind.List && template.Parts[i].Reference?.Kind is ReferenceKind.Live or ReferenceKind.Dimension
                ? string.Join(',', piece.Elements.Select(TextOf))
                : TextOf(piece);
            if (written is null)
                return Fail($"{Where(_path[^1])}: {template.Parts[i].Reference} is a {piece.Kind.ToString().ToLowerInvariant()}, which cannot stand inside a text. Refer to one of its elements with #/..., or make it the whole value.");
            // A literal percent sign before a reference that stays would escape it.
            text.Append(pending && !pieces[i].IsPending ? Template.Escape(written, i + 1 < pieces.Length && pieces[i + 1].IsPending) : written);
        }
        return new(Value.Of(text.ToString()), pending);
    }

    private Evaluated Follow(IKeySource at, string document, Reference reference)
    {
        Evaluated found = Target(at, document, reference);
        if (found.Problem is not null)
            return reference is { Kind: ReferenceKind.Fact, Default: { } instead } ? new(Value.Of(instead)) : found;
        Value? value = found.Value;
        foreach (string step in reference.Pointer)
            value = value is null ? null : Step(value, found.IsPending ? Template.Escape(step) : step);
        if (value is not null)
            return found with { Value = value };
        if (reference.Default is { } byDefault)
            return new(Value.Of(byDefault));
        if (reference.Kind == ReferenceKind.Live)   // who is alive must not decide whether a change can be published
            return new(null, Problem: new(ProblemCodes.FactMissing, $"{Where(_path[^1])} needs {reference}, and so many members are not alive. Start them, or give a default: {reference with { Default = "..." }}."));
        return Fail($"{Where(_path[^1])}: {reference} leads to nothing{OnNode(at)}. Set it there, correct the reference, or give a default: {reference with { Default = "..." }}.");
    }

    private Evaluated Target(IKeySource at, string document, Reference reference)
    {
        switch (reference.Kind)
        {
            case ReferenceKind.Key:
            case ReferenceKind.Document:
                string from = reference.Document ?? document;
                if (ReferenceEquals(at, source))
                    _used.Add((from, reference.Name));   // an absent key counts too: a node may have it
                return at.Find(from, reference.Name) is { } key ? EvaluateKey(at, from, key) : Evaluated.Absent;
            case ReferenceKind.Node:
                IKeySource? other = at.Node == reference.Node ? at : source.Node is not null && source.Node == reference.Node ? source : at.Other(reference.Node!);   // a node reference names one
                return other?.Find(reference.Document!, reference.Name) is { } theirs ? EvaluateKey(other, reference.Document!, theirs) : Evaluated.Absent;   // and a document
            case ReferenceKind.Dimension:
                if (!at.Dimensions.Contains(reference.Name))
                    return Fail($"{Where(_path[^1])}: {reference} names no dimension. There are: {string.Join(", ", at.Dimensions.List.Select(d => d.Name))}.");
                if (reference.Name == at.Dimensions.NodeDimension)
                {
                    IsLocal |= at.Node is null;
                    return at.Node is { } own ? new(Value.Of(own)) : new(Value.Null);
                }
                ImmutableArray<string> assigned = at.Assigned(reference.Name);
                return assigned.IsEmpty ? Evaluated.Absent
                    : at.Dimensions[at.Dimensions.PositionOf(reference.Name)].IsMultiValued ? new(Value.List([.. assigned.Select(Value.Of)])) : new(Value.Of(assigned[0]));
            case ReferenceKind.Fact:
                IsLocal = true;
                if (at.Node is { } node && inputs.Fact(node, reference.Name) is { } fact)
                    return new(fact);
                return new(null, Problem: new(ProblemCodes.FactMissing,
                    $"{Where(_path[^1])} needs the fact {reference.Name}, which {(ReferenceEquals(at, source) ? "the node" : at.Node ?? "the node")} has not reported. Start its agent, or give a default: {reference with { Default = "..." }}."));
            case ReferenceKind.Live when inputs.KnowsLive:
                IsLocal = true;
                ImmutableArray<string> alive = inputs.Live(reference.Name);
                return alive.IsEmpty && reference.Default is not null ? Evaluated.Absent : new(Value.List([.. alive.Select(Value.Of)]));
            case ReferenceKind.Live:
                IsLocal = true;
                return new(Value.Of(reference.ToString()), IsPending: true);
            default:
                return new(Value.Of(reference.ToString()), IsPending: true);
        }
    }

    private static Value? Step(Value value, string step) => value.Kind switch
    {
        ValueKind.Map => value.TryGetMember(step, out Value? member) ? member : null,
        ValueKind.List => int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < value.Elements.Length ? value.Elements[index] : null,
        _ => null,
    };

    private static Evaluated Fail(string message) => new(null, Problem: new(ProblemCodes.Reference, message));

    private static string OnNode(IKeySource at) => at.Node is { } node ? $" on {node}" : "";

    private static string Where((string? Node, string Document, string Key) id) => $"{id.Document} {id.Key}";
}
