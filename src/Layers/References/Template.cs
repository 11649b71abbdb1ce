using System.Collections.Immutable;
using System.Text;

namespace Conclave.Layers;

/// <summary>A piece of a string: literal text, or a reference.</summary>
/// <param name="Literal">The text, unescaped; null for a reference.</param>
/// <param name="Reference">The reference; null for text.</param>
public readonly record struct TemplatePart(string? Literal, Reference? Reference);

/// <summary>A string with references, taken apart.</summary>
/// <remarks>
/// Of a run of n percent signs before a brace, n/2 are literal; an odd one opens a reference. So <c>%%{</c> is a literal <c>%{</c>,
/// <c>%%%{key:a}</c> a percent sign and a reference. Percent signs elsewhere are just that.
/// </remarks>
public sealed class Template
{
    internal const string Opening = "%{";

    private Template(ImmutableArray<TemplatePart> parts, string? problem)
    {
        (Parts, Problem) = (parts, problem);
    }

    /// <summary>Text and references in order; no two texts beside each other.</summary>
    public ImmutableArray<TemplatePart> Parts { get; }

    /// <summary>Why the text is no template, or null.</summary>
    public string? Problem { get; }

    public static Template Parse(string text)
    {
        var parts = ImmutableArray.CreateBuilder<TemplatePart>();
        var literal = new StringBuilder();
        int at = 0;
        while (at < text.Length)
        {
            int percents = 0;
            while (at + percents < text.Length && text[at + percents] == '%')
                percents++;
            if (percents == 0 || at + percents == text.Length || text[at + percents] != '{')
            {
                int plain = Math.Max(percents, 1);
                literal.Append(text, at, plain);
                at += plain;
                continue;
            }
            literal.Append('%', percents / 2);
            at += percents;
            if (percents % 2 == 0)
            {
                literal.Append('{');
                at++;
                continue;
            }
            int close = text.IndexOf('}', at);
            if (close < 0)
                return new([], $"The reference at character {at - 1} has no closing brace. Close it, or write a literal %{{ as %%{{.");
            if (!Reference.TryParse(text.AsSpan(at + 1, close - at - 1), out Reference? reference, out string problem))
                return new([], problem);
            if (literal.Length > 0)
                parts.Add(new(literal.ToString(), null));
            literal.Clear();
            parts.Add(new(null, reference));
            if (parts.Count > 2 * Limits.ReferencesPerStringMax)
                return new([], $"One string has more than {Limits.ReferencesPerStringMax} references. Split it.");
            at = close + 1;
        }
        if (literal.Length > 0)
            parts.Add(new(literal.ToString(), null));
        return new(parts.ToImmutable(), null);
    }

    /// <summary>Text that gives back <paramref name="literal"/>, whatever follows it in the template.</summary>
    /// <param name="literal">Text without references.</param>
    /// <param name="beforeReference">True when a reference follows directly.</param>
    public static string Escape(string literal, bool beforeReference = false)
    {
        if (!literal.Contains('%'))
            return literal;
        var text = new StringBuilder(literal.Length + 8);
        for (int at = 0; at < literal.Length;)
        {
            if (literal[at] != '%')
            {
                text.Append(literal[at++]);
                continue;
            }
            int percents = 1;
            while (at + percents < literal.Length && literal[at + percents] == '%')
                percents++;
            at += percents;
            bool opens = at < literal.Length ? literal[at] == '{' : beforeReference;
            text.Append('%', opens ? 2 * percents : percents);
        }
        return text.ToString();
    }

    /// <summary>The same value as a template: every <c>%{</c> in it escaped.</summary>
    public static Value Escape(Value value) => !value.HasTemplate ? value : value.Kind switch
    {
        ValueKind.String => Value.Of(Escape(value.AsString)),
        ValueKind.List => Value.List([.. value.Elements.Select(Escape)]),
        _ => Value.Map(value.Members.Select(m => new KeyValuePair<string, Value>(Escape(m.Key), Escape(m.Value)))),
    };

    /// <summary>The text that parses to these parts.</summary>
    public static string Write(IReadOnlyList<TemplatePart> parts)
    {
        var text = new StringBuilder();
        for (int i = 0; i < parts.Count; i++)
            text.Append(parts[i].Literal is { } literal ? Escape(literal, i + 1 < parts.Count && parts[i + 1].Reference is not null) : parts[i].Reference?.ToString());
        return text.ToString();
    }

    /// <summary>Every reference in a value, names of members included.</summary>
    internal static IEnumerable<Reference> ReferencesOf(Value value)
    {
        if (!value.HasTemplate)
            return [];
        return value.Kind switch
        {
            ValueKind.String => value.Template.Parts.Where(p => p.Reference is not null).Select(p => p.Reference!),   // filtered just before
            ValueKind.List => value.Elements.SelectMany(ReferencesOf),
            _ => value.Members.SelectMany(m => ReferencesOf(Value.Of(m.Key)).Concat(ReferencesOf(m.Value))),
        };
    }

    /// <summary>The first string in a value that is no template, or null.</summary>
    internal static string? ProblemOf(Value value)
    {
        if (!value.HasTemplate)
            return null;
        return value.Kind switch
        {
            ValueKind.String => value.Template.Problem,
            ValueKind.List => value.Elements.Select(ProblemOf).FirstOrDefault(p => p is not null),
            _ => value.Members.Select(m => ProblemOf(Value.Of(m.Key)) ?? ProblemOf(m.Value)).FirstOrDefault(p => p is not null),
        };
    }
}
