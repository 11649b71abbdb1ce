using System.Text.RegularExpressions;

namespace Conclave.Layers.Tests.Support;

/// <summary>A string with references, taken apart by regular expressions: another reading of the syntax in docs/layers.md.</summary>
internal static partial class SlowTemplate
{
    /// <summary>A reference as it is written.</summary>
    /// <param name="Kind">key, doc, node, fact or dim.</param>
    /// <param name="Path">What stands behind the colon: a name, with a document and a node before it where the kind has them.</param>
    /// <param name="Pointer">Names and positions that lead into the value.</param>
    /// <param name="AsText">Text even where it stands alone.</param>
    /// <param name="Default">For what is not there; null for none.</param>
    internal sealed record Target(string Kind, string[] Path, string[] Pointer, bool AsText, string? Default);

    /// <summary>Text and references in order; of each pair one is null.</summary>
    public static List<(string? Literal, Target? Reference)> Parse(string text)
    {
        var parts = new List<(string? Literal, Target? Reference)>();
        string literal = "";
        while (Opening().Match(text) is { Success: true } brace)
        {
            int percents = brace.Length - 1;
            literal += text[..brace.Index] + new string('%', percents / 2);
            text = text[(brace.Index + brace.Length)..];
            if (percents % 2 == 0)
            {
                literal += '{';
                continue;
            }
            int close = text.IndexOf('}');
            if (close < 0 || Syntax().Match(text[..close]) is not { Success: true } reference)
                throw new NotSupportedException("no template");
            if (literal.Length > 0)
                parts.Add((literal, null));
            parts.Add((null, Read(reference)));
            (literal, text) = ("", text[(close + 1)..]);
        }
        if (literal.Length + text.Length > 0)
            parts.Add((literal + text, null));
        return parts;
    }

    private static Target Read(Match reference)
    {
        string kind = reference.Groups["kind"].Value, target = reference.Groups["target"].Value, pointer = reference.Groups["pointer"].Value;
        return new(kind, target.Split('/', kind switch { "doc" => 2, "node" => 3, _ => 1 }), pointer.Length == 0 ? [] : pointer[1..].Split('/'), reference.Groups["text"].Success,
            reference.Groups["default"].Success ? reference.Groups["default"].Value : null);
    }

    [GeneratedRegex(@"%+\{")]
    private static partial Regex Opening();

    [GeneratedRegex(@"^(?<text>text:)?(?<kind>key|doc|node|fact|dim):(?<target>[^|#]+)(#(?<pointer>/[^|]*))?(\|(?<default>.*))?$")]
    private static partial Regex Syntax();
}
