using System.Text;
using Conclave.Layers.Rendering;

namespace Conclave.Layers.Oslo;

/// <summary>Writes a document so that oslo.config reads exactly its values, or says which it cannot hold.</summary>
public static class OsloRenderer
{
    public static Rendered Render(RenderSource source)
    {
        var problems = new List<ConfigProblem>(source.Document.Problems);
        var sections = new SortedDictionary<string, StringBuilder>(Comparer<string>.Create(CompareSections));
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (EffectiveEntry entry in source.Document.Entries)
        {
            (string section, string option) = RenderSource.Split(entry.Key);
            section = section.Length == 0 ? "DEFAULT" : section;
            if (NameProblem(option) is { } name)
            {
                problems.Add(source.Problem(entry.Key, name));
                continue;
            }
            if (!seen.Add($"{OsloText.SectionName(section)}/{option}"))
            {
                problems.Add(source.Problem(entry.Key, "another section differs from this one only by case, and oslo takes both for one"));
                continue;
            }
            Render(source, entry, section, option, sections, problems);
        }
        var text = new StringBuilder();
        foreach ((string section, StringBuilder lines) in sections)
            text.Append(text.Length == 0 ? "" : "\n").Append('[').Append(section).Append("]\n").Append(lines);
        return Rendered.Of(text.ToString(), problems);
    }

    private static void Render(RenderSource source, EffectiveEntry entry, string section, string option, SortedDictionary<string, StringBuilder> sections, List<ConfigProblem> problems)
    {
        KeySchema schema = source.SchemaOf(entry.Key);
        var raws = new List<string>();
        bool everyLine = schema.OneLinePerElement && entry.Value.Kind == ValueKind.List;
        foreach (Value value in everyLine ? entry.Value.Elements : [entry.Value])
        {
            string? raw = Raw(source, value, entry.IsPending, out string problem);
            string? encoded = raw is null ? null : OsloText.Encode(raw, out problem);
            if (encoded is null)
            {
                problems.Add(source.Problem(entry.Key, problem));
                return;
            }
            raws.Add(encoded);
        }
        if (!sections.TryGetValue(section, out StringBuilder? lines))
            sections[section] = lines = new StringBuilder();
        foreach (string raw in raws)
            lines.Append(option).Append(raw.Length == 0 ? " =" : " = ").Append(raw).Append('\n');
    }

    /// <summary>The value as oslo's types want it, dollars escaped; null and why when they cannot read it back.</summary>
    private static string? Raw(RenderSource source, Value value, bool isPending, out string problem)
    {
        problem = "";
        switch (value.Kind)
        {
            case ValueKind.Null:
                problem = "null has no text in this format. Unset the key, so that the program's default applies, or set an empty string";
                return null;
            case ValueKind.List:
                var elements = new List<string>();
                foreach (Value element in value.Elements)
                {
                    if (Scalar(source, element, isPending, ",\n", out problem) is not { } raw)
                        return null;
                    elements.Add(raw);
                }
                if (elements.Count > 0 && elements[^1].Length == 0)
                {
                    problem = "the last element of the list is empty, and oslo drops it";
                    return null;
                }
                return string.Join(',', elements);
            case ValueKind.Map:
                var pairs = new List<string>();
                foreach ((string name, Value member) in value.Members)
                {
                    if (Scalar(source, Value.Of(name), isPending, ":,\n", out problem) is not { } rawName || Scalar(source, member, isPending, ",\n", out problem) is not { } raw)
                        return null;
                    if (rawName.Length == 0)
                    {
                        problem = "a member's name is empty, and oslo refuses that";
                        return null;
                    }
                    pairs.Add($"{rawName}:{raw}");
                }
                return string.Join(',', pairs);
            default:
                return Scalar(source, value, isPending, "", out problem);
        }
    }

    private static string? Scalar(RenderSource source, Value value, bool isPending, string forbidden, out string problem)
    {
        problem = "";
        string? raw = value.Kind == ValueKind.String && isPending && value.HasTemplate ? Pending(source, value.Template, out problem)
            : value.Kind is ValueKind.List or ValueKind.Map or ValueKind.Null ? null
            : OsloText.EscapeDollars(Evaluator.TextOf(value) ?? "");
        if (raw is null)
        {
            problem = problem.Length > 0 ? problem : $"a {value.Kind.ToString().ToLowerInvariant()} inside a list or a map cannot be written";
            return null;
        }
        if (forbidden.Length > 0 && (raw.AsSpan().IndexOfAny(forbidden) >= 0 || raw != OsloText.Strip(raw)))
        {
            problem = "a text inside a list or a map has a comma, a line break, spaces at an end or, as a name, a colon: oslo would split it there";
            return null;
        }
        return raw;
    }

    /// <summary>Secrets are put in with their dollars escaped; references for the program are written in its syntax.</summary>
    private static string? Pending(RenderSource source, Template template, out string problem)
    {
        problem = "";
        var text = new StringBuilder();
        var literal = new StringBuilder();   // gathered over pieces: a backslash in one would escape a dollar of the next
        foreach (TemplatePart part in template.Parts)
        {
            if (part.Reference is not { Kind: ReferenceKind.Program } program)
            {
                if ((part.Reference is { } reference ? source.Fill(reference) is { } found ? Evaluator.TextOf(found) : null : part.Literal) is not { } piece)
                {
                    problem = $"{part.Reference} has no text value here. Create it, or let this node read it";
                    return null;
                }
                literal.Append(piece);
                continue;
            }
            if (literal.Length > 0 && literal[^1] == '\\')
            {
                problem = "a backslash stands before a reference that the program is to follow, and oslo takes that for an escape";
                return null;
            }
            text.Append(OsloText.EscapeDollars(literal.ToString())).Append("${").Append(program.Name).Append('}');
            literal.Clear();
        }
        return text.Append(OsloText.EscapeDollars(literal.ToString())).ToString();
    }

    private static string? NameProblem(string option)
    {
        if (option.Length == 0 || option != OsloText.Strip(option) || option[0] is '[' or '#' or ';' || option.AsSpan().IndexOfAny('=', ':') >= 0)
            return "its name cannot be written in this format. Rename it";
        if (option.Contains('-'))
            return $"oslo ignores names with a dash in files. Name it {option.Replace('-', '_')}";
        return null;
    }

    /// <summary>DEFAULT first, the others in ordinal order.</summary>
    private static int CompareSections(string a, string b) => (a == "DEFAULT", b == "DEFAULT") switch
    {
        (true, true) => 0,
        (true, false) => -1,
        (false, true) => 1,
        _ => string.CompareOrdinal(a, b),
    };
}
