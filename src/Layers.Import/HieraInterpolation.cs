using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Conclave.Layers.Import;

/// <summary>Hiera's <c>%{...}</c> written as references of this product.</summary>
internal sealed partial class HieraInterpolation(HieraHierarchy hierarchy, string nodeDimension, IReadOnlySet<string> dimensions, IReadOnlySet<string> columns, Action<string> warn)
{
    private readonly SortedDictionary<string, HieraVariable> _facts = new(StringComparer.Ordinal);

    /// <summary>Variables that are columns and no dimensions, as far as something converted so far refers to them, by their name in <see cref="KeyOf"/>.</summary>
    public IReadOnlyDictionary<string, HieraVariable> Facts => _facts;

    /// <summary>The key that such a variable's values are kept at. No key of Puppet has a slash.</summary>
    public static string KeyOf(string name) => "facts/" + name;

    /// <summary>The same value with our references; everything else in it escaped.</summary>
    public Value Convert(Value value) => value.Kind switch
    {
        ValueKind.String => Value.Of(Convert(value.AsString, isName: false)),
        ValueKind.List => Value.List([.. value.Elements.Select(Convert)]),
        // Two names that become one are left to resolution, where the later of them in order counts.
        ValueKind.Map => Value.Map(value.Members.Select(m => KeyValuePair.Create(Convert(m.Key, isName: true), Convert(m.Value)))),
        _ => value,
    };

    private string Convert(string text, bool isName)
    {
        if (!text.Contains("%{", StringComparison.Ordinal))
            return text;
        var parts = new List<TemplatePart>();
        int at = 0;
        foreach (Match match in ExpressionPattern().Matches(text))
        {
            Literal(parts, text[at..match.Index]);
            at = match.Index + match.Length;
            TemplatePart part = Part(match.Groups[1].Value.Trim(), isWhole: match.Length == text.Length && !isName);
            if (part.Reference is not null)
                parts.Add(part);
            else
                Literal(parts, part.Literal ?? "");
        }
        Literal(parts, text[at..]);
        return Template.Write(parts);
    }

    private TemplatePart Part(string expression, bool isWhole)
    {
        if (expression is "" or "::" or "''" or "\"\"" or "'::'" or "\"::\"")
            return new("", null);
        if (MethodPattern().Match(expression) is { Success: true } call)
        {
            string argument = call.Groups[2].Value + call.Groups[3].Value;
            switch (call.Groups[1].Value)
            {
                case "literal":
                    return new(argument, null);
                case "lookup" or "hiera":
                    return new(null, Lookup(argument, asText: true));
                case "alias":
                    return new(null, Lookup(argument, asText: !isWhole));
                case "scope":
                    return Variable(argument);
                default:
                    warn($"%{{{expression}}} calls a function that is not known and becomes empty");
                    return new("", null);
            }
        }
        return Variable(expression);
    }

    private TemplatePart Variable(string name)
    {
        HieraVariable? variable = hierarchy.VariableOf(name, out string plain);
        if (variable is { Column: null })
            return new(variable.Constant, null);
        if (variable is { Column: { } column, WithoutFirstLabel: false } && dimensions.Contains(column))
            return new(null, new() { Kind = ReferenceKind.Dimension, Name = column, AsText = true, Default = column == nodeDimension ? null : "" });
        if (plain.Contains("::", StringComparison.Ordinal) || !Reference.CanName(plain))
        {
            warn($"%{{{name}}} is a variable of Puppet code, which has no value here, and becomes empty");
            return new("", null);
        }
        if (variable is { Column: { } known } && columns.Contains(known))
        {
            // Several names are one variable (fqdn, facts.fqdn): the shortest is the key.
            string shortest = hierarchy.Variables.Where(v => v.Value == variable).Select(v => v.Key).OrderBy(k => k.Length).ThenBy(k => k, StringComparer.Ordinal).First();
            _facts[shortest] = variable;
            return new(null, new() { Kind = ReferenceKind.Key, Name = KeyOf(shortest), AsText = true, Default = "" });
        }
        string fact = plain.StartsWith("facts.", StringComparison.Ordinal) ? plain["facts.".Length..] : plain;
        return new(null, new() { Kind = ReferenceKind.Fact, Name = fact, AsText = true, Default = "" });
    }

    /// <summary>The first segment is the key in the files, the others lead into its value. Unknown gives an empty text.</summary>
    private Reference? Lookup(string argument, bool asText)
    {
        ImmutableArray<string> segments = Segments(argument);
        if (!Reference.CanName(segments[0]))
        {
            warn($"%{{lookup('{argument}')}} has a character that a reference cannot have, and becomes empty");
            return null;
        }
        return new() { Kind = ReferenceKind.Key, Name = segments[0], Pointer = segments[1..], AsText = asText, Default = "" };
    }

    /// <summary>Points separate segments, unless they are quoted.</summary>
    public static ImmutableArray<string> Segments(string key) =>
        [.. SegmentPattern().Matches(key).Select(m => m.Groups[1].Success ? m.Groups[1].Value : m.Groups[2].Success ? m.Groups[2].Value : m.Value)];

    private static void Literal(List<TemplatePart> parts, string text)
    {
        if (text.Length == 0)
            return;
        if (parts.Count > 0 && parts[^1].Literal is { } before)
            parts[^1] = new(before + text, null);
        else
            parts.Add(new(text, null));
    }

    [GeneratedRegex(@"%\{([^}]*)\}", RegexOptions.CultureInvariant)]
    private static partial Regex ExpressionPattern();

    [GeneratedRegex(@"^(\w+)\((?:""([^""]+)""|'([^']+)')\)$", RegexOptions.CultureInvariant)]
    private static partial Regex MethodPattern();

    [GeneratedRegex(@"""([^""]+)""|'([^']+)'|[^.]+", RegexOptions.CultureInvariant)]
    private static partial Regex SegmentPattern();
}
