using System.CommandLine.Parsing;
using System.Globalization;

namespace Conclave.Cli.Commands;

/// <summary>Lease ids on the command line: hexadecimal, as every command prints them.</summary>
internal static class LeaseId
{
    public static long Parse(ArgumentResult argument)
    {
        string text = argument.Tokens.Count == 1 ? argument.Tokens[0].Value : "";
        if (TryParse(text, out long id)) return id;
        argument.AddError($"\"{text}\" is not a lease id; ids are hexadecimal, such as 694d81417acd4759.");
        return 0;
    }

    public static bool TryParse(string text, out long id) =>
        long.TryParse(text.StartsWith("0x", StringComparison.Ordinal) ? text[2..] : text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out id);
}
