using System.Globalization;
using System.Text;

namespace Conclave.Simulator;

/// <summary>Names and durations as a scenario writes them.</summary>
internal static class Words
{
    /// <summary>PowerCut: power-cut.</summary>
    public static string Dashed(string name)
    {
        var text = new StringBuilder();
        foreach (char c in name)
        {
            if (char.IsAsciiLetterUpper(c) && text.Length > 0) text.Append('-');
            text.Append(char.ToLowerInvariant(c));
        }
        return text.ToString();
    }

    /// <exception cref="FormatException">No member of the enum has that name; the message lists them.</exception>
    public static T Read<T>(string word) where T : struct, Enum
    {
        foreach (T each in Enum.GetValues<T>())
            if (Dashed(each.ToString()) == word) return each;
        throw new FormatException($"'{word}' is none of: {string.Join(", ", Enum.GetNames<T>().Select(Dashed))}.");
    }

    /// <summary>Exact, in the unit that reads best: 1.203s, 400ms, 50us.</summary>
    public static string Duration(long us) => us switch
    {
        >= 1_000_000 => Decimal(us, 1_000_000, 6) + "s",
        >= 1_000 => Decimal(us, 1_000, 3) + "ms",
        _ => us.ToString(CultureInfo.InvariantCulture) + "us",
    };

    /// <exception cref="FormatException">It is no number with s, ms or us behind it.</exception>
    public static long ReadDuration(string word)
    {
        (string number, int digits) = word switch
        {
            [.. var head, 'm', 's'] => (head, 3),
            [.. var head, 'u', 's'] => (head, 0),
            [.. var head, 's'] => (head, 6),
            _ => ("", 0),
        };
        string[] parts = number.Split('.');
        string whole = parts[0], fraction = parts.Length == 2 ? parts[1] : "";
        bool valid = whole.Length > 0 && parts.Length <= 2 && fraction.Length <= digits && (whole + fraction).All(char.IsAsciiDigit);
        if (!valid) throw new FormatException($"'{word}' is no duration; write 1.5s, 400ms or 50us, down to whole microseconds.");
        return long.Parse(whole + fraction.PadRight(digits, '0'), CultureInfo.InvariantCulture);
    }

    private static string Decimal(long value, long unit, int digits)
    {
        string whole = (value / unit).ToString(CultureInfo.InvariantCulture);
        string fraction = (value % unit).ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0').TrimEnd('0');
        return fraction.Length == 0 ? whole : $"{whole}.{fraction}";
    }
}
