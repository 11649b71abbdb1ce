using System.Diagnostics.CodeAnalysis;

namespace Conclave.Layers;

/// <summary>Schemas as JSON objects. Members that say nothing are left out; a member that is not known is an error.</summary>
/// <remarks>
/// <c>type</c>, <c>element</c> (any, string, integer, float, boolean, list, map), <c>format</c> (port, uri, hostaddress, hostdomain), <c>minimum</c>, <c>maximum</c>,
/// <c>lengthMax</c>, <c>choices</c>, <c>pattern</c>, <c>required</c>, <c>secret</c>, <c>apply</c> (restart, live), <c>merge</c> (replace, append, union, map, deep),
/// <c>uniform</c>, <c>default</c>, <c>onePerLine</c>, <c>comment</c>.
/// </remarks>
public static class SchemaJson
{
    public static string Write(KeySchema schema)
    {
        var members = new List<KeyValuePair<string, Value>>();
        Name("type", schema.Type, KeyType.Any);
        Name("element", schema.Element, KeyType.Any);
        Name("format", schema.Format, ValueFormat.None);
        Add("minimum", schema.Minimum is { } minimum ? Number(minimum) : null);
        Add("maximum", schema.Maximum is { } maximum ? Number(maximum) : null);
        Add("lengthMax", schema.LengthMax is { } length ? Value.Of(length) : null);
        Add("choices", schema.Choices.IsEmpty ? null : Value.List(schema.Choices));
        Add("pattern", schema.Pattern is { } pattern ? Value.Of(pattern) : null);
        Add("required", schema.Required ? Value.True : null);
        Add("secret", schema.Secret ? Value.True : null);
        Name("apply", schema.Apply, ApplyKind.Restart);
        Name("merge", schema.Merge, MergeKind.Replace);
        Add("uniform", schema.Uniform is { } uniform ? Value.Of(uniform) : null);
        Add("default", schema.ProgramDefault);
        Add("onePerLine", schema.OneLinePerElement ? Value.True : null);
        Add("comment", schema.Comment.Length > 0 ? Value.Of(schema.Comment) : null);
        return Value.Map(members).ToString();

        void Add(string name, Value? value)
        {
            if (value is not null)
                members.Add(new(name, value));
        }

        void Name<T>(string name, T value, T usual) where T : struct, Enum
        {
            if (!value.Equals(usual))
                members.Add(new(name, Value.Of(value.ToString().ToLowerInvariant())));
        }
    }

    public static bool TryParse(string json, [NotNullWhen(true)] out KeySchema? schema, out string problem)
    {
        schema = null;
        if (!ValueJson.TryParse(json, out Value? value, out problem))
            return false;
        if (value.Kind != ValueKind.Map)
        {
            problem = "A schema is a JSON object, such as {\"type\":\"integer\",\"minimum\":1}.";
            return false;
        }
        var made = new KeySchema();
        foreach ((string name, Value member) in value.Members)
        {
            KeySchema? next = With(made, name, member);
            if (next is null)
            {
                problem = $"The schema's member \"{ValueChecks.Shown(name)}\" is not known, or {ValueChecks.Shown(member.ToString())} is nothing that it can be.";
                return false;
            }
            made = next;
        }
        schema = made;
        return true;
    }

    private static KeySchema? With(KeySchema schema, string name, Value value) => name switch
    {
        "type" => Parse(value, out KeyType type) ? schema with { Type = type } : null,
        "element" => Parse(value, out KeyType element) ? schema with { Element = element } : null,
        "format" => Parse(value, out ValueFormat format) ? schema with { Format = format } : null,
        "minimum" => NumberOf(value) is { } minimum ? schema with { Minimum = minimum } : null,
        "maximum" => NumberOf(value) is { } maximum ? schema with { Maximum = maximum } : null,
        "lengthMax" => value.Kind == ValueKind.Integer && value.AsInteger is >= 0 and <= int.MaxValue ? schema with { LengthMax = (int)value.AsInteger } : null,
        "choices" => value.Kind == ValueKind.List ? schema with { Choices = value.Elements } : null,
        "pattern" => value.Kind == ValueKind.String ? schema with { Pattern = value.AsString } : null,
        "required" => value.Kind == ValueKind.Boolean ? schema with { Required = value.AsBoolean } : null,
        "secret" => value.Kind == ValueKind.Boolean ? schema with { Secret = value.AsBoolean } : null,
        "apply" => Parse(value, out ApplyKind apply) ? schema with { Apply = apply } : null,
        "merge" => Parse(value, out MergeKind merge) ? schema with { Merge = merge } : null,
        "uniform" => value.Kind == ValueKind.String ? schema with { Uniform = value.AsString } : null,
        "default" => schema with { ProgramDefault = value },
        "onePerLine" => value.Kind == ValueKind.Boolean ? schema with { OneLinePerElement = value.AsBoolean } : null,
        "comment" => value.Kind == ValueKind.String ? schema with { Comment = value.AsString } : null,
        _ => null,
    };

    private static Value Number(double number) => number == Math.Floor(number) && Math.Abs(number) < 1L << 53 ? Value.Of((long)number) : Value.Of(number);

    private static double? NumberOf(Value value) => value.Kind switch { ValueKind.Integer => value.AsInteger, ValueKind.Float => value.AsFloat, _ => null };

    private static bool Parse<T>(Value value, out T parsed) where T : struct, Enum
    {
        parsed = default;
        return value.Kind == ValueKind.String && value.AsString is { Length: > 0 } text && char.IsAsciiLetterLower(text[0]) && Enum.TryParse(text, ignoreCase: true, out parsed) && Enum.IsDefined(parsed);
    }
}
