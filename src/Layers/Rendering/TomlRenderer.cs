using System.Globalization;
using System.Text;

namespace Conclave.Layers.Rendering;

/// <summary>TOML 1.0. It has no null.</summary>
internal static class TomlRenderer
{
    public static Rendered Render(RenderSource source)
    {
        var problems = new List<ConfigProblem>();
        foreach (EffectiveEntry entry in source.Document.Entries)
        {
            if (HasNull(entry.Value))
                problems.Add(source.Problem(entry.Key, "TOML has no null. Unset the key, or leave the member out"));
        }
        if (Renderer.TreeOf(source, problems) is not { } root)
            return Rendered.Of("", problems);
        var text = new StringBuilder();
        Table(text, root, "");
        return new(text.ToString(), []);
    }

    private static bool HasNull(Value value) => value.Kind switch
    {
        ValueKind.Null => true,
        ValueKind.List => value.Elements.Any(HasNull),
        ValueKind.Map => value.Members.Any(m => HasNull(m.Value)),
        _ => false,
    };

    /// <summary>Plain values before tables: what follows a table's header belongs to it.</summary>
    private static void Table(StringBuilder text, Value table, string path)
    {
        foreach ((string name, Value value) in table.Members.Where(m => m.Value.Kind != ValueKind.Map))
            text.Append(Name(name)).Append(" = ").Append(Inline(value)).Append('\n');
        foreach ((string name, Value value) in table.Members.Where(m => m.Value.Kind == ValueKind.Map))
        {
            string header = path.Length == 0 ? Name(name) : $"{path}.{Name(name)}";
            text.Append(text.Length == 0 ? "" : "\n").Append('[').Append(header).Append("]\n");
            Table(text, value, header);
        }
    }

    private static string Inline(Value value) => value.Kind switch
    {
        ValueKind.Boolean => value.AsBoolean ? "true" : "false",
        ValueKind.Integer => value.AsInteger.ToString(CultureInfo.InvariantCulture),
        ValueKind.Float => ValueJson.Text(value.AsFloat),
        ValueKind.String => Quote(value.AsString),
        ValueKind.List => $"[{string.Join(", ", value.Elements.Select(Inline))}]",
        _ => $"{{{string.Join(", ", value.Members.Select(m => $"{Name(m.Key)} = {Inline(m.Value)}"))}}}",
    };

    private static string Name(string name) => name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') ? name : Quote(name);

    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char c in text)
        {
            quoted.Append(c switch
            {
                '"' => "\\\"",
                '\\' => @"\\",
                '\n' => @"\n",
                '\t' => @"\t",
                '\r' => @"\r",
                < ' ' or '\x7f' => $@"\u{(int)c:X4}",
                _ => c.ToString(),
            });
        }
        return quoted.Append('"').ToString();
    }
}
