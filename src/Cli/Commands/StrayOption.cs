using System.CommandLine;
using System.CommandLine.Parsing;

namespace Conclave.Cli.Commands;

/// <summary>
/// Finds unknown options, which the parser would take for keys or values: <c>del --prefx a</c> must never delete the range
/// from "--prefx" to "a".
/// </summary>
internal static class StrayOption
{
    /// <summary>The first word that looks like an option and was taken for something else; what follows <c>--</c> is meant literally.</summary>
    public static string? In(ParseResult parsed)
    {
        foreach (Token token in parsed.Tokens)
        {
            if (token.Type == TokenType.DoubleDash) return null;
            if (token.Type == TokenType.Argument && token.Value.Length > 1 && token.Value[0] == '-') return token.Value;
        }

        return null;
    }
}
