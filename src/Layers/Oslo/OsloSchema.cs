using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace Conclave.Layers.Oslo;

/// <summary>Options of a program as <c>oslo-config-generator --format json</c> tells them.</summary>
public sealed class OsloSchema
{
    private OsloSchema(ImmutableSortedDictionary<string, KeySchema> keys, IReadOnlyDictionary<string, string> renamed, ImmutableArray<string> required)
    {
        (Keys, Renamed, Required) = (keys, renamed, required);
    }

    /// <summary>By <c>GROUP/dest</c>. Files use dest, never the name with dashes.</summary>
    public ImmutableSortedDictionary<string, KeySchema> Keys { get; }

    /// <summary>Old <c>group/name</c> (group compared as oslo does) to the key that took its place.</summary>
    public IReadOnlyDictionary<string, string> Renamed { get; }

    /// <summary>Keys that oslo calls required. It enforces that only where the plugin that owns the option is loaded, which the schema does not tell; so here it is not enforced unless asked for.</summary>
    public ImmutableArray<string> Required { get; }

    /// <summary>The edits that give a document these schemas.</summary>
    public ImmutableArray<Edit> Edits(string document, bool enforceRequired = false) =>
        [.. Keys.Select(k => new SchemaEdit(document, k.Key, enforceRequired && Required.Contains(k.Key) ? k.Value with { Required = true } : k.Value))];

    /// <param name="json">What the generator printed.</param>
    /// <param name="schema">The schema.</param>
    /// <param name="problems">What is wrong with it, or what a single option has that is not known.</param>
    public static bool TryParse(string json, [NotNullWhen(true)] out OsloSchema? schema, out ImmutableArray<ConfigProblem> problems)
    {
        schema = null;
        var found = new List<ConfigProblem>();
        var keys = ImmutableSortedDictionary.CreateBuilder<string, KeySchema>(StringComparer.Ordinal);
        var renamed = new Dictionary<string, string>(StringComparer.Ordinal);
        var required = ImmutableArray.CreateBuilder<string>();
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            foreach (JsonProperty group in document.RootElement.GetProperty("options").EnumerateObject())
            {
                foreach (JsonElement option in group.Value.GetProperty("opts").EnumerateArray())
                {
                    string key = $"{group.Name}/{option.GetProperty("dest").GetString()}";
                    keys[key] = Of(key, option, found);
                    if (option.GetProperty("required").GetBoolean())
                        required.Add(key);
                    foreach (JsonElement old in option.TryGetProperty("deprecated_opts", out JsonElement olds) ? olds.EnumerateArray() : default)
                    {
                        string oldGroup = Text(old, "group") ?? group.Name;
                        string oldName = (Text(old, "name") ?? option.GetProperty("dest").GetString() ?? "").Replace('-', '_');
                        renamed.TryAdd($"{OsloText.SectionName(oldGroup)}/{oldName}", key);
                    }
                }
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            problems = [new(ProblemCodes.Import, $"This is not what oslo-config-generator --format json prints: {e.Message}")];
            return false;
        }
        schema = new(keys.ToImmutable(), renamed, required.ToImmutable());
        problems = [.. found];
        return !found.Any(p => p.IsError);
    }

    private static KeySchema Of(string key, JsonElement option, List<ConfigProblem> problems)
    {
        string type = Text(option, "type") ?? "";
        KeySchema schema = type switch
        {
            "string value" => new() { Type = KeyType.String },
            "integer value" => new() { Type = KeyType.Integer },
            "boolean value" => new() { Type = KeyType.Boolean },
            "floating point value" => new() { Type = KeyType.Float },
            "list value" => new() { Type = KeyType.List, Element = KeyType.String },
            "multi valued" => new() { Type = KeyType.List, Element = KeyType.String, Merge = MergeKind.Append, OneLinePerElement = true },
            "dict value" => new() { Type = KeyType.Map, Element = KeyType.String },
            "port value" => new() { Type = KeyType.Integer, Format = ValueFormat.Port },
            "uri value" => new() { Type = KeyType.String, Format = ValueFormat.Uri },
            "host address value" => new() { Type = KeyType.String, Format = ValueFormat.HostAddress },
            "host domain value" => new() { Type = KeyType.String, Format = ValueFormat.HostDomain },
            _ => new() { Type = KeyType.String },
        };
        if (schema == new KeySchema { Type = KeyType.String } && type != "string value")
            problems.Add(new(ProblemCodes.Skipped, $"{key} is of type \"{type}\", which is not known; it is taken as text.") { Key = key });
        return schema with
        {
            Minimum = Number(option, "min"),
            Maximum = Number(option, "max"),
            Choices = option.TryGetProperty("choices", out JsonElement choices) && choices.ValueKind == JsonValueKind.Array
                ? [.. choices.EnumerateArray().Select(c => c.ValueKind != JsonValueKind.Array ? ValueOf(c) : c.GetArrayLength() > 0 ? ValueOf(c[0]) : null).OfType<Value>()]
                : [],
            Secret = option.GetProperty("secret").GetBoolean(),
            Apply = option.GetProperty("mutable").GetBoolean() ? ApplyKind.Live : ApplyKind.Restart,
            ProgramDefault = option.TryGetProperty("default", out JsonElement byDefault) && byDefault.ValueKind != JsonValueKind.Null ? ValueOf(byDefault) : null,
        };
    }

    private static Value? ValueOf(JsonElement element) => ValueJson.TryParse(Encoding.UTF8.GetBytes(element.GetRawText()), out Value? value, out _) ? value : null;

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static double? Number(JsonElement element, string name) => element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;
}
