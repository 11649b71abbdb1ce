using System.Text;

namespace Conclave.Layers;

/// <summary>What a value or a name must keep to before it is stored.</summary>
internal static class ValueChecks
{
    /// <returns>What is wrong, or null.</returns>
    public static string? Problem(Value value)
    {
        if (ShapeProblem(value, 0) is { } shape)
            return shape;
        var writer = new CanonicalWriter();
        writer.Value(value);
        return writer.Length > Limits.ValueBytesMax ? $"The value has {writer.Length} bytes; {Limits.ValueBytesMax} are allowed. Split it over several keys." : null;
    }

    /// <summary>Names of dimensions, their values, nodes and documents: one line, no <c>; = | # } { * ,</c>, no spaces at the ends.</summary>
    public static string? NameProblem(string what, string name, bool slashIsFine)
    {
        if (name.Length == 0)
            return $"The {what} is empty. Give it a name.";
        if (!IsText(name) || Encoding.UTF8.GetByteCount(name) > Limits.NameBytesMax)
            return $"The {what} is longer than {Limits.NameBytesMax} bytes or is not Unicode text. Shorten it.";
        if (name.Any(char.IsControl) || name.AsSpan().IndexOfAny(";=|#{}*,") >= 0 || (!slashIsFine && name.Contains('/')) || name.Trim() != name)
            return $"The {what} \"{Shown(name)}\" has a character that it may not have (control characters ; = | # {{ }} * ,{(slashIsFine ? "" : " /")} and spaces at the ends). Rename it.";
        return null;
    }

    public static string? KeyProblem(string key)
    {
        if (key.Length == 0)
            return "The key is empty. Name it, as section/option or as one word.";
        if (!IsText(key) || Encoding.UTF8.GetByteCount(key) > Limits.KeyBytesMax || key.Any(char.IsControl))
            return $"The key \"{Shown(key)}\" is longer than {Limits.KeyBytesMax} bytes, is not Unicode text or has a control character. Rename it.";
        return null;
    }

    public static string? CommentProblem(string what, string text) =>
        !IsText(text) || Encoding.UTF8.GetByteCount(text) > Limits.CommentBytesMax ? $"The {what} is longer than {Limits.CommentBytesMax} bytes or is not Unicode text. Shorten it." : null;

    public static string Shown(string text)
    {
        string cut = text.Length > 80 ? text[..80] + "..." : text;
        return string.Concat(cut.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? $"\\u{(int)c:x4}" : c.ToString()));
    }

    private static string? ShapeProblem(Value value, int depth)
    {
        if (depth > Limits.ValueDepthMax)
            return $"The value is nested deeper than {Limits.ValueDepthMax}. Flatten it.";
        switch (value.Kind)
        {
            case ValueKind.String:
                return IsText(value.AsString) ? null : "The value has half of a surrogate pair, so it is not Unicode text. Encode bytes as base64.";
            case ValueKind.List:
                foreach (Value element in value.Elements)
                {
                    if (ShapeProblem(element, depth + 1) is { } problem)
                        return problem;
                }
                return null;
            case ValueKind.Map:
                foreach (KeyValuePair<string, Value> member in value.Members)
                {
                    if (!IsText(member.Key))
                        return "A member's name has half of a surrogate pair, so it is not Unicode text.";
                    if (ShapeProblem(member.Value, depth + 1) is { } problem)
                        return problem;
                }
                return null;
            default:
                return null;
        }
    }

    private static bool IsText(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                return false;
            i++;
        }
        return true;
    }
}
