using System.CommandLine.Parsing;
using System.Globalization;

namespace Conclave.Cli.Commands;

/// <summary>Times as people write them: <c>5s</c>, <c>500ms</c>, <c>1.5m</c>, <c>1h</c>; a bare number is seconds.</summary>
internal static class Duration
{
    public static TimeSpan? Parse(ArgumentResult argument)
    {
        string text = argument.Tokens.Count == 1 ? argument.Tokens[0].Value : "";
        if (TryParse(text, out TimeSpan time)) return time;
        argument.AddError($"\"{text}\" is not a time; write 5s, 500ms, 2m or 1h.");
        return null;
    }

    public static bool TryParse(string text, out TimeSpan time)
    {
        time = default;
        int digits = text.AsSpan().IndexOfAnyExcept("0123456789.");
        (string number, string unit) = digits < 0 ? (text, "s") : (text[..digits], text[digits..]);
        double? milliseconds = unit switch { "ms" => 1, "s" => 1000, "m" => 60_000, "h" => 3_600_000, _ => null };
        if (milliseconds is null || !double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)) return false;
        if (value * milliseconds.Value is not (> 0 and <= 86_400_000)) return false;
        time = TimeSpan.FromMilliseconds(value * milliseconds.Value);
        return true;
    }
}
