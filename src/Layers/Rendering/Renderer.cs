using System.Text;

namespace Conclave.Layers.Rendering;

/// <summary>The formats a document can be written in.</summary>
public enum RenderFormat
{
    OsloIni,
    Ini,
    Json,
    Yaml,
    Toml,

    /// <summary>A systemd EnvironmentFile.</summary>
    EnvironmentFile,

    /// <summary>Assignments that a POSIX shell sources.</summary>
    Shell,

    /// <summary>Java's .properties.</summary>
    Properties,

    /// <summary>The text of the document's only key, as it is.</summary>
    Raw,
}

/// <summary>Writes documents. A value that a format cannot hold is a problem, never something near it, and no file is made then.</summary>
public static class Renderer
{
    public static Rendered Render(RenderFormat format, RenderSource source) => format switch
    {
        RenderFormat.OsloIni => Oslo.OsloRenderer.Render(source),
        RenderFormat.Ini => IniRenderer.Render(source),
        RenderFormat.Json => Tree(source, root => ValueJson.Write(root, indented: true) + "\n"),
        RenderFormat.Yaml => Tree(source, YamlRenderer.Write),
        RenderFormat.Toml => TomlRenderer.Render(source),
        RenderFormat.EnvironmentFile => EnvironmentRenderer.Render(source, EnvironmentRenderer.QuoteForSystemd),
        RenderFormat.Shell => EnvironmentRenderer.Render(source, EnvironmentRenderer.QuoteForShell),
        RenderFormat.Properties => PropertiesRenderer.Render(source),
        RenderFormat.Raw => Raw(source),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "There is no such format."),
    };

    /// <summary>Keys with slashes as maps inside each other; null when one key is both a value and the beginning of another.</summary>
    internal static Value? TreeOf(RenderSource source, List<ConfigProblem> problems)
    {
        var root = new Dictionary<string, object>(StringComparer.Ordinal);
        foreach ((string key, Value value) in source.Filled(problems))
        {
            string[] steps = key.Split('/');
            Dictionary<string, object> at = root;
            bool fits = true;
            foreach (string step in steps[..^1])
            {
                if (!at.TryGetValue(step, out object? next))
                    at[step] = next = new Dictionary<string, object>(StringComparer.Ordinal);
                if (next is not Dictionary<string, object> map)
                {
                    fits = false;
                    break;
                }
                at = map;
            }
            if (!fits || !at.TryAdd(steps[^1], value))
                problems.Add(source.Problem(key, "another key is a part of this one's path, so one would have to be both a value and a map. Rename one"));
        }
        return problems.Count > 0 ? null : ToValue(root);

        static Value ToValue(object node) => node is Dictionary<string, object> map ? Value.Map(map.Select(m => KeyValuePair.Create(m.Key, ToValue(m.Value)))) : (Value)node;
    }

    private static Rendered Tree(RenderSource source, Func<Value, string> write)
    {
        var problems = new List<ConfigProblem>();
        return TreeOf(source, problems) is { } root ? new(write(root), []) : Rendered.Of("", problems);
    }

    private static Rendered Raw(RenderSource source)
    {
        var problems = new List<ConfigProblem>();
        List<(string Key, Value Value)> values = source.Filled(problems);
        if (problems.Count == 0 && values is [{ Value.Kind: ValueKind.String } only])
            return new(only.Value.AsString, []);
        if (problems.Count == 0)
            problems.Add(source.Problem("", $"a raw file is the text of one key, and the document has {values.Count} keys{(values.Count == 1 ? ", of which none is text" : "")}. Use another format or a template"));
        return Rendered.Of("", problems);
    }
}

/// <summary>Plain INI, as Python's RawConfigParser and most others read it: one line a value, nothing quoted.</summary>
internal static class IniRenderer
{
    public static Rendered Render(RenderSource source)
    {
        var problems = new List<ConfigProblem>();
        var sections = new SortedDictionary<string, StringBuilder>(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach ((string key, Value value) in source.Filled(problems))
        {
            (string section, string option) = RenderSource.Split(key);
            section = section.Length == 0 ? "DEFAULT" : section;
            string? text = Evaluator.TextOf(value);
            if (value.Kind == ValueKind.Null || text is null)
                problems.Add(source.Problem(key, $"a {value.Kind.ToString().ToLowerInvariant()} has no form in plain INI. Use JSON or YAML, or write the text that the program expects"));
            else if (!IsPlain(text) || text != text.Trim())
                problems.Add(source.Problem(key, "the value has a line break, a control character or spaces at an end, which plain INI loses"));
            else if (option.Length == 0 || option != option.Trim() || option[0] is '[' or '#' or ';' || option.AsSpan().IndexOfAny('=', ':') >= 0 || section.Contains(']') || section != section.Trim())
                problems.Add(source.Problem(key, "its name cannot be written in this format. Rename it"));
            else if (!seen.Add($"{section}\n{option}"))
                problems.Add(source.Problem(key, "another key differs only by case, and many programs take both for one"));
            else
            {
                if (!sections.TryGetValue(section, out StringBuilder? lines))
                    sections[section] = lines = new StringBuilder();
                lines.Append(option).Append(text.Length == 0 ? " =" : " = ").Append(text).Append('\n');
            }
        }
        return Rendered.Of(string.Join('\n', sections.Select(s => $"[{s.Key}]\n{s.Value}")), problems);
    }

    /// <summary>No control character and nothing that some reader takes for the end of a line.</summary>
    internal static bool IsPlain(string text) => !text.Any(c => char.IsControl(c) || c is '\u2028' or '\u2029');
}

/// <summary>NAME=value lines.</summary>
internal static class EnvironmentRenderer
{
    /// <summary>systemd: double quotes, in which a backslash takes the meaning from <c>" \ ` $</c>; line breaks stand as they are.</summary>
    public static string? QuoteForSystemd(string text) => text.Contains('\0') || text.Any(c => char.IsControl(c) && c is not ('\n' or '\t')) ? null
        : $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("`", "\\`").Replace("$", "\\$")}\"";

    /// <summary>A shell: single quotes, in which nothing has a meaning; a single quote itself stands outside of them.</summary>
    public static string? QuoteForShell(string text) => text.Contains('\0') ? null : $"'{text.Replace("'", "'\\''")}'";

    public static Rendered Render(RenderSource source, Func<string, string?> quote)
    {
        var problems = new List<ConfigProblem>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var text = new StringBuilder();
        foreach ((string key, Value value) in source.Filled(problems))
        {
            string name = NameOf(key);
            string? quoted = Evaluator.TextOf(value) is { } plain && value.Kind != ValueKind.Null ? quote(plain) : null;
            if (quoted is null)
                problems.Add(source.Problem(key, $"this {value.Kind.ToString().ToLowerInvariant()} has no form in an environment. Write the text that the program expects"));
            else if (name.Length == 0 || char.IsAsciiDigit(name[0]))
                problems.Add(source.Problem(key, "no variable's name can be made of its name. Begin it with a letter"));
            else if (!names.Add(name))
                problems.Add(source.Problem(key, $"another key becomes the variable {name} too. Rename one"));
            else
                text.Append(name).Append('=').Append(quoted).Append('\n');
        }
        return Rendered.Of(text.ToString(), problems);
    }

    /// <summary>section/option becomes SECTION__OPTION, DEFAULT/option OPTION; what no variable may have becomes _.</summary>
    internal static string NameOf(string key)
    {
        string plain = key.StartsWith("DEFAULT/", StringComparison.Ordinal) ? key["DEFAULT/".Length..] : key;
        return string.Concat(plain.Select(c => c == '/' ? "__" : char.IsAsciiLetterOrDigit(c) ? char.ToUpperInvariant(c).ToString() : "_"));
    }
}

/// <summary>Java's .properties: escapes for everything outside printable ASCII, so that the file's encoding does not matter.</summary>
internal static class PropertiesRenderer
{
    public static Rendered Render(RenderSource source)
    {
        var problems = new List<ConfigProblem>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var text = new StringBuilder();
        foreach ((string key, Value value) in source.Filled(problems))
        {
            string name = key.Replace('/', '.');
            if (value.Kind == ValueKind.Null || Evaluator.TextOf(value) is not { } plain)
                problems.Add(source.Problem(key, $"a {value.Kind.ToString().ToLowerInvariant()} has no form in properties. Write the text that the program expects"));
            else if (!names.Add(name))
                problems.Add(source.Problem(key, $"another key becomes {name} too. Rename one"));
            else
                text.Append(Escape(name, isKey: true)).Append('=').Append(Escape(plain, isKey: false)).Append('\n');
        }
        return Rendered.Of(text.ToString(), problems);
    }

    internal static string Escape(string text, bool isKey)
    {
        var escaped = new StringBuilder(text.Length + 8);
        for (int i = 0; i < text.Length; i++)
        {
            escaped.Append(text[i] switch
            {
                '\\' => @"\\",
                '\n' => @"\n",
                '\r' => @"\r",
                '\t' => @"\t",
                '\f' => @"\f",
                ' ' when isKey || i == 0 => @"\ ",
                '=' or ':' or '#' or '!' when isKey || i == 0 => $@"\{text[i]}",
                < ' ' or > '~' => $@"\u{(int)text[i]:X4}",
                char other => other.ToString(),
            });
        }
        return escaped.ToString();
    }
}
