using System.CommandLine;
using System.Globalization;
using Conclave.Cli.Commands;

namespace Conclave.Cli.Txn;

/// <summary>
/// Reads a transaction line by line in etcdctl's form: compares, an empty line, operations for success, an empty line,
/// operations for failure.
/// </summary>
internal sealed class TxnTextParser
{
    private readonly List<TxnCompare> _compares = [];
    private readonly List<TxnStep> _success = [], _failure = [];
    private readonly GetCommand _get = new();
    private readonly PutCommand _put = new();
    private readonly DelCommand _del = new();
    private int _line;

    /// <summary>0: compares; 1: success; 2: failure; 3: complete.</summary>
    public int Section { get; private set; }

    public TxnScript Script => new([.. _compares], [.. _success], [.. _failure]);

    public static TxnScript Parse(IEnumerable<string> lines)
    {
        TxnTextParser parser = new();
        foreach (string line in lines) parser.Feed(line);
        return parser.Script;
    }

    /// <exception cref="TxnSyntaxException">The line cannot be read; its number is in the message.</exception>
    public void Feed(string line)
    {
        _line++;
        try
        {
            if (string.IsNullOrWhiteSpace(line)) Section = Math.Min(Section + 1, 3);
            else if (Section == 0) _compares.Add(Compare(line));
            else if (Section == 1) _success.Add(Step(line));
            else if (Section == 2) _failure.Add(Step(line));
            else throw new TxnSyntaxException("nothing may follow the third section; write compares, success and failure, with one empty line between them");
        }
        catch (TxnSyntaxException e)
        {
            throw new TxnSyntaxException(string.Create(CultureInfo.InvariantCulture, $"line {_line}: {e.Message}."));
        }
    }

    // target("key") relation "value"
    private static TxnCompare Compare(string line)
    {
        int position = 0;
        SkipBlanks(line, ref position);
        string name = TxnTokens.Word(line, ref position, stopAt: "(");
        if (TxnCompare.ParseTarget(name) is not { } target)
            throw new TxnSyntaxException($"\"{name}\" cannot be compared; use version, create, mod, value or lease, as in: mod(\"key\") > \"0\"");
        Expect(line, ref position, '(');
        SkipBlanks(line, ref position);
        string key = TxnTokens.Word(line, ref position, stopAt: ")");
        Expect(line, ref position, ')');
        SkipBlanks(line, ref position);
        int start = position;
        while (position < line.Length && "=!<>".Contains(line[position], StringComparison.Ordinal)) position++;
        if (TxnCompare.ParseRelation(line[start..position]) is not { } relation)
            throw new TxnSyntaxException($"after {name}(...) comes =, !=, < or >");
        SkipBlanks(line, ref position);
        if (position == line.Length) throw new TxnSyntaxException("the value to compare with is missing");
        string value = TxnTokens.Word(line, ref position, stopAt: "");
        SkipBlanks(line, ref position);
        if (position < line.Length) throw new TxnSyntaxException($"\"{line[position..]}\" is too much; put values with blanks in quotes");
        return key.Length > 0
            ? new TxnCompare(target, key, relation, Number(target, value), target == TxnTarget.Value ? value : default(Client.Bytes))
            : throw new TxnSyntaxException("the key is empty");
    }

    private static long Number(TxnTarget target, string text)
    {
        long number = 0;
        bool isNumber = target switch
        {
            TxnTarget.Value => true,
            TxnTarget.Lease => LeaseId.TryParse(text, out number),
            _ => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number),
        };
        if (isNumber) return number;
        throw new TxnSyntaxException($"\"{text}\" is not a {(target == TxnTarget.Lease ? "lease id (hexadecimal)" : "number")}");
    }

    private TxnStep Step(string line)
    {
        List<string> words = TxnTokens.Split(line);
        (string verb, string[] rest) = (words[0], [.. words.Skip(1)]);
        return verb switch
        {
            "get" when Read(_get, rest) is var parsed => new GetStep(_get.Range(parsed), _get.Reading(parsed)),
            "put" when Read(_put, rest) is var parsed => new PutStep(_put.Key(parsed), Value(parsed), _put.Writing(parsed)),
            "del" when Read(_del, rest) is var parsed => new DelStep(_del.Range(parsed), _del.Deleting(parsed)),
            _ => throw new TxnSyntaxException($"\"{verb}\" is not an operation; use get, put or del"),
        };
    }

    private Client.Bytes Value(ParseResult parsed) => _put.Value(parsed) ?? throw new TxnSyntaxException("put takes a key and a value");

    // The options of an operation are those of the command of the same name.
    private static ParseResult Read(Command command, string[] words)
    {
        ParseResult parsed;
        try
        {
            // A word that begins with @ is a word here, not the name of a file with more of them.
            parsed = command.Parse(words, new ParserConfiguration { ResponseFileTokenReplacer = null });
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            throw new TxnSyntaxException(e.Message.TrimEnd('.'));   // of a rule that asks for a value that cannot be read
        }

        if (StrayOption.In(parsed) is { } stray)
            throw new TxnSyntaxException($"\"{stray}\" is not an option of {command.Name}; a key or value that begins with - comes after a lone --");
        return parsed.Errors.Count == 0 ? parsed : throw new TxnSyntaxException(parsed.Errors[0].Message.TrimEnd('.'));
    }

    private static void SkipBlanks(string line, ref int position)
    {
        while (position < line.Length && char.IsWhiteSpace(line[position])) position++;
    }

    private static void Expect(string line, ref int position, char expected)
    {
        SkipBlanks(line, ref position);
        if (position == line.Length || line[position] != expected)
            throw new TxnSyntaxException($"\"{expected}\" is missing; a compare looks like: mod(\"key\") > \"0\"");
        position++;
    }
}
