using System.Collections.Immutable;
using System.Text;

namespace Conclave.Layers.Oslo;

/// <summary>One assignment in a file.</summary>
/// <param name="Section">As written.</param>
/// <param name="Option">As written.</param>
/// <param name="Value">Lines joined by \n, outer quotes gone; <c>$</c> not yet followed.</param>
/// <param name="Line">Where it begins, from 1.</param>
public sealed record OsloAssignment(string Section, string Option, string Value, int Line);

/// <summary>The INI dialect of oslo.config 9.0, read exactly as it reads it.</summary>
/// <remarks>
/// The first of <c>=</c> and <c>:</c> splits. Values are stripped, then one outer pair of equal quotes goes. Indented lines go on with the value, their
/// indentation lost; a blank line ends it; an indented <c>#</c> is data. There are no inline comments.
/// </remarks>
public static class OsloText
{
    /// <param name="text">The file.</param>
    /// <param name="assignments">Every assignment, in order.</param>
    /// <param name="problem">Where and why oslo would refuse the file.</param>
    public static bool TryParse(string text, out ImmutableArray<OsloAssignment> assignments, out string problem)
    {
        var found = ImmutableArray.CreateBuilder<OsloAssignment>();
        (string? section, string? key, int begun) = (null, null, 0);
        var value = new StringBuilder();
        assignments = [];
        problem = "";
        string[] lines = text.Replace("\r\n", "\n").Replace('\r', '\n').Split('\n');
        for (int number = 1; number <= lines.Length; number++)
        {
            string line = TrimEnd(lines[number - 1]);
            if (line.Length > 0 && line[0] is ' ' or '\t')
            {
                if (key is null)
                {
                    problem = $"line {number}: an indented line continues nothing. Remove the indentation.";
                    return false;
                }
                value.Append('\n').Append(TrimStart(line));
                continue;
            }
            if (key is not null)
            {
                if (section is null)
                {
                    problem = $"line {begun}: a value stands before the first [section]. Put [DEFAULT] above it.";
                    return false;
                }
                found.Add(new(section, key, value.ToString(), begun));
                key = null;
            }
            if (line.Length == 0 || line[0] is '#' or ';')
                continue;
            if (line[0] == '[')
            {
                if (line[^1] != ']' || line.Length <= 2)
                {
                    problem = $"line {number}: a section is written [name], and nothing may follow it.";
                    return false;
                }
                section = line[1..^1];
                continue;
            }
            int split = line.AsSpan().IndexOfAny('=', ':');
            if (split < 0)
            {
                problem = $"line {number}: there is neither = nor :. Write option = value.";
                return false;
            }
            key = Strip(line[..split]);
            if (key.Length == 0)
            {
                problem = $"line {number}: there is no name before {line[split]}.";
                return false;
            }
            begun = number;
            value.Clear().Append(Unquote(Strip(line[(split + 1)..])));
        }
        if (key is not null)
        {
            if (section is null)
            {
                problem = $"line {begun}: a value stands before the first [section]. Put [DEFAULT] above it.";
                return false;
            }
            found.Add(new(section, key, value.ToString(), begun));
        }
        assignments = found.ToImmutable();
        return true;
    }

    /// <summary>The name under which oslo compares sections: only DEFAULT keeps its case.</summary>
    public static string SectionName(string section) => section == "DEFAULT" ? section : section.ToLowerInvariant();

    /// <summary>What follows <c>option =</c> in a file, so that oslo reads exactly this text; null and why when it cannot be written.</summary>
    internal static string? Encode(string value, out string problem)
    {
        problem = "";
        if (value.AsSpan().IndexOfAny('\r', '\0') >= 0)
        {
            problem = "the value has a carriage return or a NUL, which the file cannot hold";
            return null;
        }
        string[] lines = value.Split('\n');
        for (int i = 1; i < lines.Length; i++)
        {
            if (lines[i].Length > 0 && lines[i] == Strip(lines[i]))
                continue;
            problem = $"line {i + 1} of the value is blank or has spaces at an end: a blank line would end the value, and indentation is lost";
            return null;
        }
        string first = lines[0];
        bool hasQuotes = first.Length > 0 && first[0] == first[^1] && first[0] is '"' or '\'';
        if (hasQuotes || first != Strip(first))
            lines[0] = $"\"{first}\"";   // one pair is taken off again
        return string.Join("\n    ", lines);
    }

    /// <summary>A text that oslo's substitution gives back: <c>$</c> doubled, or behind a backslash escaped by one more.</summary>
    internal static string EscapeDollars(string text)
    {
        if (!text.Contains('$'))
            return text;
        var escaped = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '$')
                escaped.Append(i > 0 && text[i - 1] == '\\' ? '\\' : '$');   // oslo reads \$ as $$
            escaped.Append(text[i]);
        }
        return escaped.ToString();
    }

    /// <summary>A raw value taken apart: text, and references in oslo's syntax.</summary>
    internal static List<TemplatePart> Substitutions(string raw)
    {
        string text = raw.Replace(@"\$", "$$");
        var parts = new List<TemplatePart>();
        var literal = new StringBuilder();
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] != '$')
            {
                literal.Append(text[at]);
                continue;
            }
            if (at + 1 < text.Length && text[at + 1] == '$')
            {
                literal.Append('$');
                at++;
                continue;
            }
            bool braced = at + 1 < text.Length && text[at + 1] == '{';
            int start = at + (braced ? 2 : 1), end = start;
            while (end < text.Length && (text[end] == '_' || char.IsAsciiLetter(text[end]) || (end > start && (text[end] == '.' || char.IsAsciiDigit(text[end])))))
                end++;
            if (end == start || (braced && (end == text.Length || text[end] != '}')))
            {
                literal.Append('$');   // no name: oslo leaves it as it is
                continue;
            }
            if (literal.Length > 0)
                parts.Add(new(literal.ToString(), null));
            literal.Clear();
            parts.Add(new(null, new() { Kind = ReferenceKind.Program, Name = text[start..end] }));
            at = braced ? end : end - 1;
        }
        if (literal.Length > 0)
            parts.Add(new(literal.ToString(), null));
        return parts;
    }

    /// <summary>As Python's str.strip: its white space is not quite that of .NET.</summary>
    internal static string Strip(string text) => TrimStart(TrimEnd(text));

    private static string TrimEnd(string text)
    {
        int end = text.Length;
        while (end > 0 && IsSpace(text[end - 1]))
            end--;
        return text[..end];
    }

    private static string TrimStart(string text)
    {
        int start = 0;
        while (start < text.Length && IsSpace(text[start]))
            start++;
        return text[start..];
    }

    private static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    private static string Unquote(string value) =>
        value.Length > 0 && value[0] == value[^1] && value[0] is '"' or '\'' ? value.Length == 1 ? "" : value[1..^1] : value;
}
