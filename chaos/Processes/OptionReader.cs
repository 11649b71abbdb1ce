using System.Globalization;

namespace Conclave.Processes;

/// <summary>Pairs of name and value from a command line.</summary>
internal static class OptionReader
{
    /// <exception cref="ArgumentException">A name without a value.</exception>
    public static IEnumerable<(string Name, string Value)> Pairs(IEnumerable<string> arguments)
    {
        var rest = new Queue<string>(arguments);
        while (rest.TryDequeue(out string? name))
            yield return (name, rest.TryDequeue(out string? value) ? value : throw new ArgumentException($"{name} needs a value."));
    }

    /// <exception cref="FormatException">No whole number.</exception>
    public static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
