using System.Collections.Immutable;
using System.Text;

namespace Conclave.Layers;

/// <summary>References to secrets in values: finding, naming and filling them, and putting them in the place of literals.</summary>
/// <remarks>In an effective value the version stands behind the name: <c>%{secret:mq/nova@17.2}</c>. In entries it does not.</remarks>
public static class SecretReferences
{
    public const char VersionMark = '@';

    /// <summary>The name without a version.</summary>
    public static string NameOf(Reference reference) => reference.Name.IndexOf(VersionMark) is >= 0 and int at ? reference.Name[..at] : reference.Name;

    /// <summary>Names of all secrets that the value refers to, each once, without versions.</summary>
    public static IEnumerable<string> NamesIn(Value value) => In(value).Select(NameOf).Distinct(StringComparer.Ordinal);

    /// <summary>Whether it refers to a secret.</summary>
    public static bool HasAny(Value value) => In(value).Any();

    /// <summary>Whether an effective value refers to a secret that has no version, since there is none of that name.</summary>
    public static bool HasUnknown(Value effective) => In(effective).Any(r => !r.Name.Contains(VersionMark));

    /// <summary>Whether it refers to what is followed only by the program that reads it.</summary>
    public static bool HasProgram(Value value) => Template.ReferencesOf(value).Any(r => r.Kind == ReferenceKind.Program);

    /// <summary>The secret that is the whole value, or null.</summary>
    public static string? Whole(Value value) =>
        value is { HasTemplate: true, Kind: ValueKind.String } && value.Template.Parts is [{ Reference: { Kind: ReferenceKind.Secret } reference }] ? NameOf(reference) : null;

    /// <summary>Whether something in it is written out: a text, a number. Names of members and null do not count, and an empty list or map has nothing.</summary>
    public static bool HasLiteral(Value value) => value.Kind switch
    {
        ValueKind.Null => false,
        ValueKind.List => value.Elements.Any(HasLiteral),
        ValueKind.Map => value.Members.Any(m => HasLiteral(m.Value)),
        ValueKind.String when value.HasTemplate => value.Template.Parts.Any(p => p.Literal is not null),
        _ => true,
    };

    /// <summary>Every literal replaced by a reference to what <paramref name="seal"/> made of it.</summary>
    /// <param name="value">Of an entry: a template. Its strings parse.</param>
    /// <param name="byElement">Lists and maps are taken apart, as what is merged later has to be; else one without references is one literal.</param>
    /// <param name="seal">Takes a literal as it is meant, without escapes; gives the name of a secret.</param>
    public static Value ReplaceLiterals(Value value, bool byElement, Func<Value, string> seal)
    {
        if (!HasLiteral(value))
            return value;
        switch (value.Kind)
        {
            case ValueKind.List when !byElement && !HasReference(value):
            case ValueKind.Map when !byElement && !HasReference(value):
                return Refer(seal(Unescape(value)));
            case ValueKind.List:
                return Value.List([.. value.Elements.Select(e => ReplaceLiterals(e, byElement: false, seal))]);
            case ValueKind.Map:
                return Value.Map(value.Members.Select(m => KeyValuePair.Create(m.Key, ReplaceLiterals(m.Value, byElement, seal))));
            case ValueKind.String when value.HasTemplate && HasReference(value):
                TemplatePart[] parts = [.. value.Template.Parts.Select(p => p.Literal is { } literal ? new TemplatePart(null, Secret(seal(Value.Of(literal)))) : p)];
                return Value.Of(Template.Write(parts));
            default:
                return Refer(seal(Unescape(value)));
        }
    }

    /// <summary>Puts secrets in the place of references to them.</summary>
    /// <param name="template">A value whose strings are templates.</param>
    /// <param name="open">Gives the secret; null leaves the reference where it is. Lists and maps inside a text become JSON.</param>
    /// <returns>A template, too: what was filled in is escaped.</returns>
    public static Value Fill(Value template, Func<Reference, Value?> open)
    {
        if (!template.HasTemplate)
            return template;
        switch (template.Kind)
        {
            case ValueKind.List:
                return Value.List([.. template.Elements.Select(e => Fill(e, open))]);
            case ValueKind.Map:
                return Value.Map(template.Members.Select(m => KeyValuePair.Create(Fill(Value.Of(m.Key), open) is { Kind: ValueKind.String } name ? name.AsString : m.Key, Fill(m.Value, open))));
        }
        ImmutableArray<TemplatePart> parts = template.Template.Parts;
        if (parts is [{ Reference: { Kind: ReferenceKind.Secret } whole }])
        {
            return open(whole) is not { } found ? template
                : whole.AsText ? Value.Of(Template.Escape(TextOf(found))) : Template.Escape(found);
        }
        var filled = new List<TemplatePart>();
        var literal = new StringBuilder();
        foreach (TemplatePart part in parts)
        {
            string? text = part.Literal ?? (part.Reference is { Kind: ReferenceKind.Secret } reference && open(reference) is { } found ? TextOf(found) : null);
            if (text is not null)
            {
                literal.Append(text);   // two texts beside each other would not parse to themselves
                continue;
            }
            if (literal.Length > 0)
                filled.Add(new(literal.ToString(), null));
            literal.Clear();
            filled.Add(part);
        }
        if (literal.Length > 0)
            filled.Add(new(literal.ToString(), null));
        return Value.Of(Template.Write(filled));
    }

    /// <summary>A template without references as the value that it means.</summary>
    public static Value Unescape(Value template) => !template.HasTemplate ? template : template.Kind switch
    {
        ValueKind.String => Value.Of(string.Concat(template.Template.Parts.Select(p => p.Literal ?? p.Reference?.ToString()))),
        ValueKind.List => Value.List([.. template.Elements.Select(Unescape)]),
        _ => Value.Map(template.Members.Select(m => KeyValuePair.Create(Unescape(Value.Of(m.Key)).AsString, Unescape(m.Value)))),
    };

    /// <summary>Whether there is a reference of any kind, and not only an escape.</summary>
    public static bool HasReference(Value value) => Template.ReferencesOf(value).Any();

    /// <summary>A value that is nothing but a reference to a secret.</summary>
    public static Value Refer(string name) => Value.Of(Secret(name).ToString());

    /// <summary>The first string in a value that is no template, or null; said without the text, which may be secret.</summary>
    public static string? TemplateProblem(Value value) => Template.ProblemOf(value) is null ? null
        : "a text has a %{ that opens no reference. Write a literal %{ as %%{";

    /// <summary>Other names for secrets; null keeps the name.</summary>
    internal static Value Rename(Value template, Func<string, string?> rename)
    {
        if (!HasAny(template))
            return template;
        return template.Kind switch
        {
            ValueKind.List => Value.List([.. template.Elements.Select(e => Rename(e, rename))]),
            ValueKind.Map => Value.Map(template.Members.Select(m => KeyValuePair.Create(Rename(Value.Of(m.Key), rename).AsString, Rename(m.Value, rename)))),
            _ => Value.Of(Template.Write([.. template.Template.Parts.Select(p => p.Reference is { Kind: ReferenceKind.Secret } reference && rename(reference.Name) is { } name
                ? new TemplatePart(null, reference with { Name = name }) : p)])),
        };
    }

    private static string TextOf(Value value) => Evaluator.TextOf(value) ?? value.ToString();

    private static Reference Secret(string name) => new() { Kind = ReferenceKind.Secret, Name = name };

    private static IEnumerable<Reference> In(Value value) => Template.ReferencesOf(value).Where(r => r.Kind == ReferenceKind.Secret);
}
