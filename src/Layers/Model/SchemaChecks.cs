using System.Globalization;
using System.Text.RegularExpressions;

namespace Conclave.Layers;

/// <summary>Does a value keep to its schema, and a schema to itself?</summary>
public static class SchemaChecks
{
    /// <returns>What is wrong with the value and what would be right, or null.</returns>
    public static string? Problem(KeySchema schema, Value value) => value.Kind switch
    {
        ValueKind.List when schema.Type is KeyType.List or KeyType.Any => value.Elements.Select((e, i) => ElementProblem(schema, e) is { } p ? $"element {i}: {p}" : null).FirstOrDefault(p => p is not null),
        ValueKind.Map when schema.Type is KeyType.Map or KeyType.Any => value.Members.Select(m => ElementProblem(schema, m.Value) is { } p ? $"member {ValueChecks.Shown(m.Key)}: {p}" : null).FirstOrDefault(p => p is not null),
        _ => TypeProblem(schema, schema.Type, value) ?? ScalarProblem(schema, value),
    };

    /// <summary>What is wrong with an entry, whoever it matches; what its references lead to is not looked at. Null when nothing is.</summary>
    public static string? Problem(KeySchema schema, Entry entry)
    {
        if (entry.Op is EntryOp.Append or EntryOp.Remove && schema.Merge == MergeKind.Replace)
            return $"{entry.Op.ToString().ToLowerInvariant()} needs a schema that merges, but this key's says replace. Give the schema merge append, union, map or deep, or use set";
        if (entry.Op == EntryOp.Unset && schema.Required && schema.ProgramDefault is null)
            return "the schema requires a value, so it cannot be unset";
        if (entry.Value.HasTemplate)
            return null;
        if (entry.Op is EntryOp.Set or EntryOp.Final)
            return Problem(schema, entry.Value);
        if (entry.Op != EntryOp.Append)
            return null;
        return schema.Merge == MergeKind.Map && entry.Value.Kind != ValueKind.Map ? $"{Shown(schema, entry.Value)} is no map, and the schema merges maps"
            : schema.Merge is MergeKind.Append or MergeKind.Union && entry.Value.Kind != ValueKind.List ? ElementProblem(schema, entry.Value)
            : Problem(schema, entry.Value);
    }

    /// <summary>What is wrong with one element of a list, or one member of a map, of this key; or null.</summary>
    public static string? ElementProblem(KeySchema schema, Value element) => schema.Type == KeyType.Any ? null : TypeProblem(schema, schema.Element, element) ?? ScalarProblem(schema, element);

    /// <summary>What is wrong with the schema itself, or null.</summary>
    public static string? Problem(KeySchema schema)
    {
        if (!Enum.IsDefined(schema.Type) || !Enum.IsDefined(schema.Element) || !Enum.IsDefined(schema.Format) || !Enum.IsDefined(schema.Merge) || !Enum.IsDefined(schema.Apply))
            return "The schema uses a number that this version does not know. Upgrade, or drop it.";
        if (schema.Choices.Length > Limits.ChoicesMax)
            return $"The schema has {schema.Choices.Length} choices; {Limits.ChoicesMax} are allowed. Use a pattern.";
        if (schema.Minimum > schema.Maximum)
            return $"The schema's minimum {Text(schema.Minimum)} is above its maximum {Text(schema.Maximum)}. Swap them.";
        if (schema.LengthMax < 0 || (schema.Minimum is { } low && !double.IsFinite(low)) || (schema.Maximum is { } high && !double.IsFinite(high)))
            return "A bound of the schema is negative or not finite. Leave it out for no bound.";
        if (schema.Merge is MergeKind.Append or MergeKind.Union && schema.Type is not (KeyType.Any or KeyType.List))
            return $"Merge {schema.Merge.ToString().ToLowerInvariant()} joins lists, but the type is {schema.Type.ToString().ToLowerInvariant()}. Use type list.";
        if (schema.Merge is MergeKind.Map && schema.Type is not (KeyType.Any or KeyType.Map))
            return $"Merge map joins maps, but the type is {schema.Type.ToString().ToLowerInvariant()}. Use type map.";
        if (schema.Pattern is { } pattern && PatternProblem(pattern) is { } problem)
            return problem;
        if (schema.ProgramDefault is { } byDefault && ValueChecks.Problem(byDefault) is { } inDefault)
            return inDefault;
        return schema.Choices.Select(ValueChecks.Problem).FirstOrDefault(p => p is not null) ?? ValueChecks.CommentProblem("schema's comment", schema.Comment);
    }

    private static string? PatternProblem(string pattern)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(pattern) > Limits.PatternBytesMax)
            return $"The pattern is longer than {Limits.PatternBytesMax} bytes. Shorten it.";
        try
        {
            _ = Compile(pattern);
            return null;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)   // not a pattern; or one that only backtracking can match
        {
            return $"The pattern {ValueChecks.Shown(pattern)} cannot be used: {e.Message}";
        }
    }

    private static Regex Compile(string pattern) => new($@"\A(?:{pattern})\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    private static string? TypeProblem(KeySchema schema, KeyType type, Value value)
    {
        bool fits = type switch
        {
            KeyType.Any => true,
            KeyType.String => value.Kind == ValueKind.String,
            KeyType.Integer => value.Kind == ValueKind.Integer,
            KeyType.Float => value.Kind is ValueKind.Float or ValueKind.Integer,
            KeyType.Boolean => value.Kind == ValueKind.Boolean,
            KeyType.List => value.Kind == ValueKind.List,
            _ => value.Kind == ValueKind.Map,
        };
        return fits ? null : $"{Shown(schema, value)} is of type {value.Kind.ToString().ToLowerInvariant()}, the schema asks for {type.ToString().ToLowerInvariant()}";
    }

    private static string? ScalarProblem(KeySchema schema, Value value)
    {
        if (value.Kind is ValueKind.Integer or ValueKind.Float)
        {
            double number = value.Kind == ValueKind.Integer ? value.AsInteger : value.AsFloat;
            if (number < schema.Minimum)
                return $"{Shown(schema, value)} is below the minimum {Text(schema.Minimum)}";
            if (number > schema.Maximum)
                return $"{Shown(schema, value)} is above the maximum {Text(schema.Maximum)}";
            if (schema.Format == ValueFormat.Port && number is < 0 or > 65535)
                return $"{Shown(schema, value)} is no port; ports are 0 to 65535";
        }
        if (!schema.Choices.IsEmpty && value.Kind is not (ValueKind.List or ValueKind.Map) && !schema.Choices.Contains(value))
            return $"{Shown(schema, value)} is none of the choices {string.Join(", ", schema.Choices.Take(20).Select(c => ValueChecks.Shown(c.ToString())))}";
        if (value.Kind != ValueKind.String)
            return null;
        string text = value.AsString;
        if (text.Length > schema.LengthMax)
            return $"{Shown(schema, value)} has {text.Length} characters; {schema.LengthMax} are allowed";
        if (schema.Pattern is { } pattern && !Compiled.Of(pattern).IsMatch(text))
            return $"{Shown(schema, value)} does not match the pattern {pattern}";
        return schema.Format switch
        {
            ValueFormat.Uri when !LooksLikeUri(text) => $"{Shown(schema, value)} is no URI; write scheme:rest",
            ValueFormat.HostAddress or ValueFormat.HostDomain when !LooksLikeHost(text, schema.Format == ValueFormat.HostDomain) => $"{Shown(schema, value)} is neither an address nor a host's name",
            _ => null,
        };
    }

    private static bool LooksLikeUri(string text)
    {
        int colon = text.IndexOf(':');
        return colon > 0 && char.IsAsciiLetter(text[0]) && text.AsSpan(0, colon).IndexOfAnyExcept(SchemeCharacters) < 0;
    }

    private static readonly System.Buffers.SearchValues<char> SchemeCharacters = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

    private static bool LooksLikeHost(string text, bool underscores)
    {
        if (text.Contains(':'))   // IPv6, loosely: hexadecimal groups, perhaps a zone
            return text.Split('%')[0].All(c => char.IsAsciiHexDigit(c) || c is ':' or '.') && text.Count(c => c == ':') is >= 2 and <= 7;
        string name = text.EndsWith('.') ? text[..^1] : text;
        return name.Length is > 0 and <= 253 && name.Split('.').All(label => label.Length is > 0 and <= 63 && label[0] != '-' && label[^1] != '-'
            && label.All(c => char.IsAsciiLetterOrDigit(c) || c == '-' || (underscores && c == '_')));
    }

    /// <summary>Messages go to logs and terminals, so a secret is not in them.</summary>
    internal static string Shown(KeySchema schema, Value value) => schema.Secret ? "the secret value" : ValueChecks.Shown(value.ToString());

    private static string Text(double? number) => number?.ToString("R", CultureInfo.InvariantCulture) ?? "";

    /// <summary>The last pattern used: keys are checked one after another, so it is mostly the one asked for.</summary>
    private sealed record Compiled(string Pattern, Regex Regex)
    {
        private static volatile Compiled? _last;

        public static Regex Of(string pattern)
        {
            if (_last is { } last && last.Pattern == pattern)
                return last.Regex;
            _last = new(pattern, Compile(pattern));
            return _last.Regex;
        }
    }
}
