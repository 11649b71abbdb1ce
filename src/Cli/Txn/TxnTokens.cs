using System.Globalization;
using System.Text;

namespace Conclave.Cli.Txn;

/// <summary>Splits a line of a transaction into words, with quotes as in a shell and escapes as in Go.</summary>
internal static class TxnTokens
{
    /// <summary>Words separated by blanks. "..." takes the escapes \n \r \t \" \\ and \xHH; '...' takes everything as it is.</summary>
    /// <exception cref="TxnSyntaxException">A quote or an escape is not finished.</exception>
    public static List<string> Split(string line)
    {
        List<string> words = [];
        int position = 0;
        while (true)
        {
            while (position < line.Length && char.IsWhiteSpace(line[position])) position++;
            if (position == line.Length) return words;
            words.Add(Word(line, ref position, stopAt: ""));
        }
    }

    /// <summary>Reads one word, plain or quoted, up to a blank or one of the characters in <paramref name="stopAt"/>.</summary>
    public static string Word(string line, ref int position, string stopAt)
    {
        StringBuilder word = new();
        while (position < line.Length && !char.IsWhiteSpace(line[position]) && !stopAt.Contains(line[position], StringComparison.Ordinal))
        {
            char c = line[position];
            if (c == '"') Quoted(line, ref position, word);
            else if (c == '\'') Literal(line, ref position, word);
            else
            {
                word.Append(c);
                position++;
            }
        }

        return word.ToString();
    }

    private static void Literal(string line, ref int position, StringBuilder word)
    {
        int end = line.IndexOf('\'', position + 1);
        if (end < 0) throw new TxnSyntaxException("a quote ' is not closed");
        word.Append(line, position + 1, end - position - 1);
        position = end + 1;
    }

    private static void Quoted(string line, ref int position, StringBuilder word)
    {
        position++;
        while (position < line.Length && line[position] != '"')
        {
            if (line[position] != '\\') word.Append(line[position++]);
            else word.Append(Escape(line, ref position));
        }

        if (position == line.Length) throw new TxnSyntaxException("a quote \" is not closed");
        position++;
    }

    private static char Escape(string line, ref int position)
    {
        char kind = position + 1 < line.Length ? line[position + 1] : ' ';
        if (kind == 'x')
        {
            ReadOnlySpan<char> digits = position + 3 < line.Length ? line.AsSpan(position + 2, 2) : default;
            if (!byte.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value) || value > 0x7F)
                throw new TxnSyntaxException("\\x takes two hexadecimal digits up to 7f; give other bytes as key_base64 or value_base64 in JSON");
            position += 4;
            return (char)value;
        }

        position += 2;
        return kind switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '"' or '\\' or '\'' => kind,
            _ => throw new TxnSyntaxException($"\\{kind} is not an escape; use \\n \\r \\t \\\" \\\\ or \\xHH"),
        };
    }
}
