using System.Collections.Immutable;
using System.Text;

namespace Conclave.Layers.Rendering;

/// <summary>How a template escapes what it inserts.</summary>
public enum TemplateEscape
{
    None,

    /// <summary>Inside single quotes of a shell: the quotes are added.</summary>
    Shell,

    /// <summary>As a JSON value, quotes added.</summary>
    Json,

    /// <summary>Text and attributes of XML.</summary>
    Xml,
}

/// <summary>A text file with holes: insert, if, each, default. It reads the resolved document and nothing else, so what it depends on is known without running it.</summary>
/// <remarks>
/// <c>{{key}}</c>, <c>{{key|default}}</c>, <c>{{#if key}}..{{else}}..{{/if}}</c>, <c>{{#each key}}..{{.}}..{{@key}}..{{.member}}..{{/each}}</c>; <c>{{{{</c> is a literal <c>{{</c>.
/// A key is false when it is absent, null, false, "" or empty. A line that holds nothing but a block's tag leaves no line behind.
/// </remarks>
public sealed class TextTemplate
{
    private const int NestingMax = 16, OutputCharactersMax = 16 << 20;

    private readonly ImmutableArray<Piece> _pieces;

    private TextTemplate(ImmutableArray<Piece> pieces, ImmutableSortedSet<string> keys)
    {
        (_pieces, Keys) = (pieces, keys);
    }

    /// <summary>Keys that the template reads.</summary>
    public ImmutableSortedSet<string> Keys { get; }

    private enum PieceKind
    {
        Text,
        Insert,
        If,
        Each,
    }

    private sealed record Piece(PieceKind Kind, string Name, string? Default, ImmutableArray<Piece> Body, ImmutableArray<Piece> Else);

    /// <param name="text">The template.</param>
    /// <param name="template">What it is.</param>
    /// <param name="problem">What is wrong with it, with its line.</param>
    public static bool TryParse(string text, out TextTemplate? template, out string problem)
    {
        template = null;
        var keys = ImmutableSortedSet.CreateBuilder<string>(StringComparer.Ordinal);
        int at = 0;
        try
        {
            ImmutableArray<Piece> pieces = Parse(text, ref at, keys, "", 0, out _);
            template = new(pieces, keys.ToImmutable());
            problem = "";
            return true;
        }
        catch (FormatException e)
        {
            problem = $"line {text.AsSpan(0, Math.Min(at, text.Length)).Count('\n') + 1}: {e.Message}";
            return false;
        }
    }

    public Rendered Render(RenderSource source, TemplateEscape escape)
    {
        var problems = new List<ConfigProblem>();
        Dictionary<string, Value> values = source.Filled(problems).ToDictionary(v => v.Key, v => v.Value, StringComparer.Ordinal);
        var text = new StringBuilder();
        Write(text, _pieces, new(source, values, escape, problems), null, null);
        if (text.Length > OutputCharactersMax)
            problems.Add(source.Problem("", $"the template gives more than {OutputCharactersMax} characters"));
        return Rendered.Of(text.ToString(), problems);
    }

    private sealed record Run(RenderSource Source, Dictionary<string, Value> Values, TemplateEscape Escape, List<ConfigProblem> Problems);

    private static void Write(StringBuilder text, ImmutableArray<Piece> pieces, Run run, Value? current, string? name)
    {
        foreach (Piece piece in pieces)
        {
            if (text.Length > OutputCharactersMax)
                return;
            if (piece.Kind == PieceKind.Text)
            {
                text.Append(piece.Name);
                continue;
            }
            Value? value = Find(piece.Name, run, current, name);
            switch (piece.Kind)
            {
                case PieceKind.Insert when value is null && piece.Default is null:
                    run.Problems.Add(run.Source.Problem(piece.Name, $"the template inserts it, and it has no value. Give it one, or write {{{{{piece.Name}|default}}}}"));
                    break;
                case PieceKind.Insert when run.Escape != TemplateEscape.Json && (value ?? Value.Null).Kind is ValueKind.List or ValueKind.Map:
                    run.Problems.Add(run.Source.Problem(piece.Name, $"the template inserts a {value!.Kind.ToString().ToLowerInvariant()} as text. Loop over it with {{{{#each {piece.Name}}}}}"));   // null is no list
                    break;
                case PieceKind.Insert:
                    text.Append(Escape(value ?? Value.Of(piece.Default ?? ""), run.Escape));
                    break;
                case PieceKind.If:
                    Write(text, IsTrue(value) ? piece.Body : piece.Else, run, current, name);
                    break;
                case PieceKind.Each when value is { Kind: ValueKind.List }:
                    foreach (Value element in value.Elements)
                        Write(text, piece.Body, run, element, null);
                    break;
                case PieceKind.Each when value is { Kind: ValueKind.Map }:
                    foreach ((string member, Value element) in value.Members)
                        Write(text, piece.Body, run, element, member);
                    break;
                case PieceKind.Each when IsTrue(value):
                    run.Problems.Add(run.Source.Problem(piece.Name, "the template loops over it, and it is neither a list nor a map"));
                    break;
            }
        }
    }

    private static Value? Find(string name, Run run, Value? current, string? memberName) => name switch
    {
        "." => current,
        "@key" => memberName is null ? null : Value.Of(memberName),
        _ when name[0] == '.' => current is { Kind: ValueKind.Map } && current.TryGetMember(name[1..], out Value? member) ? member : null,
        _ => run.Values.GetValueOrDefault(name),
    };

    private static bool IsTrue(Value? value) => value?.Kind switch
    {
        null or ValueKind.Null => false,
        ValueKind.Boolean => value.AsBoolean,
        ValueKind.String => value.AsString.Length > 0,
        ValueKind.List => !value.Elements.IsEmpty,
        ValueKind.Map => !value.Members.IsEmpty,
        _ => true,
    };

    private static string Escape(Value value, TemplateEscape escape)
    {
        if (escape == TemplateEscape.Json)
            return ValueJson.Write(value);
        string text = Evaluator.TextOf(value) ?? "";
        return escape switch
        {
            TemplateEscape.Shell => EnvironmentRenderer.QuoteForShell(text.Replace("\0", "")) ?? "",
            TemplateEscape.Xml => text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;").Replace("\"", "&quot;").Replace("'", "&#39;"),
            _ => text,
        };
    }

    private static ImmutableArray<Piece> Parse(string text, ref int at, ImmutableSortedSet<string>.Builder keys, string block, int depth, out bool endedByElse)
    {
        if (depth > NestingMax)
            throw new FormatException($"Blocks are nested deeper than {NestingMax}.");
        var pieces = ImmutableArray.CreateBuilder<Piece>();
        var literal = new StringBuilder();
        endedByElse = false;
        while (true)
        {
            int open = text.IndexOf("{{", at, StringComparison.Ordinal);
            literal.Append(text, at, (open < 0 ? text.Length : open) - at);
            if (open < 0)
            {
                at = text.Length;
                Flush();
                return block.Length == 0 ? pieces.ToImmutable() : throw new FormatException($"{{{{#{block} ...}}}} is not closed. Write {{{{/{block}}}}}.");
            }
            at = open;
            if (text.AsSpan(open).StartsWith("{{{{"))
            {
                literal.Append("{{");
                at += 4;
                continue;
            }
            int close = text.IndexOf("}}", open, StringComparison.Ordinal);
            if (close < 0)
                throw new FormatException("{{ is not closed. Write }}, or {{{{ for a literal {{.");
            string tag = text[(open + 2)..close].Trim();
            int next = close + 2;
            bool isBlock = tag.StartsWith('#') || tag.StartsWith('/') || tag == "else";
            if (isBlock)
                SkipLine(text, literal, ref next);
            at = next;
            if (tag.StartsWith("#if ", StringComparison.Ordinal) || tag.StartsWith("#each ", StringComparison.Ordinal))
            {
                Flush();
                bool isIf = tag[1] == 'i';
                string name = Name(tag[(isIf ? 4 : 6)..].Trim());
                ImmutableArray<Piece> body = Parse(text, ref at, keys, isIf ? "if" : "each", depth + 1, out bool hasElse), otherwise = [];
                if (hasElse)
                    otherwise = Parse(text, ref at, keys, "if", depth + 1, out hasElse);
                if (hasElse)
                    throw new FormatException("A second {{else}} in one block.");
                pieces.Add(new(isIf ? PieceKind.If : PieceKind.Each, name, null, body, otherwise));
            }
            else if (isBlock)
            {
                Flush();
                if (tag == "else" && block == "if")
                    endedByElse = true;
                else if (tag != "/" + block || block.Length == 0)
                    throw new FormatException($"{{{{{tag}}}}} closes nothing here.");
                return pieces.ToImmutable();
            }
            else
            {
                Flush();
                int bar = tag.IndexOf('|');
                pieces.Add(new(PieceKind.Insert, Name((bar < 0 ? tag : tag[..bar]).Trim()), bar < 0 ? null : tag[(bar + 1)..].Trim(), [], []));
            }
        }

        void Flush()
        {
            if (literal.Length > 0)
                pieces.Add(new(PieceKind.Text, literal.ToString(), null, [], []));
            literal.Clear();
        }

        string Name(string name)
        {
            if (name.Length == 0)
                throw new FormatException("A tag names no key.");
            if (name[0] != '.' && name != "@key")
                keys.Add(name);
            return name;
        }
    }

    /// <summary>A tag alone on its line takes the line with it.</summary>
    private static void SkipLine(string text, StringBuilder literal, ref int next)
    {
        int end = next;
        while (end < text.Length && text[end] is ' ' or '\t')
            end++;
        int start = literal.Length;
        while (start > 0 && literal[start - 1] is ' ' or '\t')
            start--;
        bool aloneBefore = start == 0 ? next == 0 || IsLineStart(text, next) : literal[start - 1] == '\n';
        if (!aloneBefore || (end < text.Length && text[end] != '\n'))
            return;
        literal.Length = start;
        next = Math.Min(end + 1, text.Length);
    }

    private static bool IsLineStart(string text, int afterTag)
    {
        int open = text.LastIndexOf("{{", afterTag - 1, StringComparison.Ordinal);
        while (open > 0 && text[open - 1] is ' ' or '\t')
            open--;
        return open <= 0 || text[open - 1] == '\n';
    }
}
