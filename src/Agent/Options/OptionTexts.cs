using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Conclave.Agent;

/// <summary>The forms of single values in the configuration file.</summary>
internal static class OptionTexts
{
    private static readonly TimeSpan DurationMax = TimeSpan.FromDays(7);

    /// <summary>500ms, 2s, 1.5m, 1h; a bare number is seconds.</summary>
    public static bool TryDuration(string text, out TimeSpan time)
    {
        time = default;
        int digits = text.AsSpan().IndexOfAnyExcept("0123456789.");
        (string number, string unit) = digits < 0 ? (text, "s") : (text[..digits], text[digits..]);
        double? milliseconds = unit switch { "ms" => 1, "s" => 1000, "m" => 60_000, "h" => 3_600_000, _ => null };
        if (milliseconds is null || !double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)) return false;
        if (value * milliseconds.Value > DurationMax.TotalMilliseconds) return false;
        time = TimeSpan.FromMilliseconds(value * milliseconds.Value);
        return true;
    }

    /// <summary>Words as a shell would split them, with single and double quotes and a backslash, and nothing else of a shell.</summary>
    public static bool TryWords(string text, out ImmutableArray<string> words)
    {
        var found = ImmutableArray.CreateBuilder<string>();
        var word = new StringBuilder();
        (bool isOpen, char quote) = (false, '\0');
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (quote == '\0' && c is ' ' or '\t' or '\n' && quote == '\0')
            {
                if (isOpen) found.Add(word.ToString());
                word.Clear();
                isOpen = false;
                continue;
            }

            isOpen = true;
            if (c == quote) quote = '\0';
            else if (quote == '\0' && c is '"' or '\'' && quote == '\0') quote = c;
            else if (c == '\\' && quote != '\'' && i + 1 < text.Length) word.Append(text[++i]);
            else word.Append(c);
        }

        if (isOpen) found.Add(word.ToString());
        words = found.ToImmutable();
        return quote == '\0';
    }

    /// <summary>20%, or 0.2.</summary>
    public static bool TryPart(string text, out double part)
    {
        bool isPercent = text.EndsWith('%');
        if (!double.TryParse(isPercent ? text[..^1] : text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out part)) return false;
        part = isPercent ? part / 100 : part;
        return part is >= 0 and <= 1;
    }

    /// <summary>Octal, as chmod takes it, without the bits beyond 0777.</summary>
    public static bool TryMode(string text, out UnixFileMode mode)
    {
        mode = 0;
        if (text.Length is < 3 or > 4 || text.Any(c => c is < '0' or > '7')) return false;
        int bits = Convert.ToInt32(text, 8);
        mode = (UnixFileMode)bits;
        return bits <= 0x1FF;
    }

    /// <summary>HUP, SIGHUP or 1.</summary>
    public static bool TrySignal(string text, out int signal)
    {
        string name = text.StartsWith("SIG", StringComparison.Ordinal) ? text[3..] : text;
        signal = name switch { "HUP" => 1, "INT" => 2, "QUIT" => 3, "USR1" => 10, "USR2" => 12, "TERM" => 15, "WINCH" => 28, _ => 0 };
        return signal > 0 || (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out signal) && signal is >= 1 and <= 64);
    }

    /// <summary>The known word that was probably meant.</summary>
    public static string? Nearest(string word, IEnumerable<string> known) =>
        known.Select(k => (Word: k, Distance: Distance(word, k))).Where(k => k.Distance <= Math.Max(2, word.Length / 3)).OrderBy(k => k.Distance).Select(k => k.Word).FirstOrDefault();

    // Letters to insert, delete or replace, row by row of the usual table.
    private static int Distance(string left, string right)
    {
        int[] previous = [.. Enumerable.Range(0, right.Length + 1)], current = new int[right.Length + 1];
        for (int i = 1; i <= left.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= right.Length; j++)
                current[j] = Math.Min(previous[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1), Math.Min(previous[j], current[j - 1]) + 1);
            (previous, current) = (current, previous);
        }

        return previous[right.Length];
    }
}
