using System.Globalization;
using System.Text;

namespace Conclave.Layers.Rendering;

/// <summary>YAML that readers of 1.1 and of 1.2 take alike: every text is quoted, only names that nobody can misread are not.</summary>
internal static class YamlRenderer
{
    public static string Write(Value root)
    {
        var text = new StringBuilder();
        if (root.Kind == ValueKind.Map && !root.Members.IsEmpty)
            Block(text, root, 0);
        else
            text.Append(Inline(root)).Append('\n');
        return text.ToString();
    }

    private static void Block(StringBuilder text, Value value, int depth)
    {
        if (value.Kind == ValueKind.Map)
        {
            foreach ((string name, Value member) in value.Members)
            {
                text.Append(' ', 2 * depth).Append(Name(name)).Append(':');
                Nested(text, member, depth);
            }
            return;
        }
        foreach (Value element in value.Elements)
        {
            text.Append(' ', 2 * depth).Append('-');
            Nested(text, element, depth);
        }
    }

    private static void Nested(StringBuilder text, Value value, int depth)
    {
        if (value is { Kind: ValueKind.Map, Members.IsEmpty: false } or { Kind: ValueKind.List, Elements.IsEmpty: false })
        {
            text.Append('\n');
            Block(text, value, depth + 1);
        }
        else
        {
            text.Append(' ').Append(Inline(value)).Append('\n');
        }
    }

    private static string Inline(Value value) => value.Kind switch
    {
        ValueKind.Null => "null",
        ValueKind.Boolean => value.AsBoolean ? "true" : "false",
        ValueKind.Integer => value.AsInteger.ToString(CultureInfo.InvariantCulture),
        ValueKind.Float => Float(value.AsFloat),
        ValueKind.String => Quote(value.AsString),
        ValueKind.List => "[]",
        _ => "{}",
    };

    /// <summary>1.1 wants a point and a signed exponent before it believes in a float.</summary>
    private static string Float(double number)
    {
        string text = ValueJson.Text(number);
        int exponent = text.IndexOf('E');
        return exponent < 0 || text.AsSpan(0, exponent).Contains('.') ? text : text[..exponent] + ".0" + text[exponent..];
    }

    /// <summary>Of words that are long enough and begin with a letter none means anything else than itself.</summary>
    private static string Name(string name) => name.Length > 5 && char.IsAsciiLetter(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') ? name : Quote(name);

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
                _ when c < ' ' || c is >= '\x7f' and <= '\xa0' or '\u2028' or '\u2029' or '\ufeff' or '\ufffe' or '\uffff' => $@"\u{(int)c:X4}",
                _ => c.ToString(),
            });
        }
        return quoted.Append('"').ToString();
    }
}
