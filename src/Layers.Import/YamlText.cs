using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Conclave.Layers.Import;

/// <summary>YAML as values, with the meaning that Ruby's Psych gives to plain scalars, merge keys and duplicates (YAML 1.1).</summary>
/// <remarks>
/// The parser is YamlDotNet's event parser: it says what is a scalar and where a map ends, and nothing about types. What a plain scalar means is decided
/// here, because 1.1 readers differ: <c>y</c> is text for Psych, <c>010</c> is 8, <c>1e5</c> is text.
/// </remarks>
public static partial class YamlText
{
    /// <summary>Values that one text may give, aliases counted each time: a small text cannot become a large one.</summary>
    public const int ValuesMax = 1_000_000;

    /// <param name="text">A YAML stream; its first document counts, an empty one is null.</param>
    /// <param name="value">The value.</param>
    /// <param name="problem">What is wrong, with line and column.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out Value? value, out string problem)
    {
        for (int repairs = 0; ; repairs++)
        {
            var parser = new Parser(new StringReader(text));
            try
            {
                value = new Reader(parser).Document();
                problem = "";
                return true;
            }
            catch (YamlException e)
            {
                if (repairs < RepairsMax && Repair(text, e) is { } repaired)
                {
                    text = repaired;
                    continue;
                }
                value = null;
                problem = $"line {e.Start.Line}, column {e.Start.Column}: {e.Message}";
                return false;
            }
            catch (Exception e) when (e is InvalidOperationException or ArgumentException)
            {
                // The parser's other ways to say so: what it expects of its own parts does not hold for some broken texts.
                value = null;
                problem = $"line {parser.Current?.End.Line ?? 1}, column {parser.Current?.End.Column ?? 1}: this, or what follows, is no YAML ({e.Message})";
                return false;
            }
        }
    }

    /// <summary>Two things that Psych's parser takes and this one does not, mended in the lines that it complains of; neither changes what the text means.</summary>
    /// <remarks>
    /// 1. An alias as a key with the colon right behind it: in YAML 1.1 a colon does not belong to the alias. A space in between says so.
    /// 2. A quoted scalar that goes on at the left edge. Spaces at the start of such a line are folded away, so one may be put there.
    /// </remarks>
    private static string? Repair(string text, YamlException e)
    {
        string[] lines = text.Split('\n');
        int first = (int)e.Start.Line - 1, last = Math.Min((int)e.End.Line, lines.Length) - 1;
        for (int i = Math.Max(first - 1, 0); i <= last; i++)   // the complaint may come at the line after
        {
            if (AliasKeyPattern().Match(lines[i]) is not { Success: true } alias)
                continue;
            lines[i] = lines[i].Insert(alias.Length - 1, " ");
            return string.Join('\n', lines);
        }
        if (!e.Message.Contains("quoted scalar", StringComparison.Ordinal) || last <= first || last < 0 || lines[last].StartsWith(' '))
            return null;
        lines[last] = " " + lines[last];
        return string.Join('\n', lines);
    }

    private const int RepairsMax = 100;

    [GeneratedRegex(@"^ *(?:- +)?\*[A-Za-z0-9_-]+:(?=\s|$)", RegexOptions.CultureInvariant)]
    private static partial Regex AliasKeyPattern();

    /// <summary>What Psych makes of a plain scalar.</summary>
    public static Value Plain(string text)
    {
        if (text.Length == 0 || text == "~" || text.Equals("null", StringComparison.OrdinalIgnoreCase))
            return Value.Null;
        if (text.Length <= 5)
        {
            if (text.ToLowerInvariant() is "yes" or "true" or "on")
                return Value.True;
            if (text.ToLowerInvariant() is "no" or "false" or "off")
                return Value.False;
        }
        if (text[0] is not ((>= '0' and <= '9') or '-' or '+' or '.'))
            return Value.Of(text);
        if (IntegerPattern().IsMatch(text) && TryInteger(text.Replace(",", "").Replace("_", ""), out long integer))
            return Value.Of(integer);
        if (SexagesimalPattern().IsMatch(text))
            return Value.Of(text.TrimStart('+', '-').Split(':').Aggregate(0L, (sum, part) => sum * 60 + long.Parse(part.Replace("_", ""), CultureInfo.InvariantCulture)) * (text[0] == '-' ? -1 : 1));
        if (FloatPattern().IsMatch(text) && text.Any(char.IsAsciiDigit)
            && double.TryParse(text.Replace(",", "").Replace("_", ""), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number))
            return Value.Of(number);
        return Value.Of(text);
    }

    [GeneratedRegex(@"^(?:[-+]?0b[01_,]+|[-+]?0[0-7_,]+|[-+]?(?:0|[1-9](?:[0-9]|,[0-9]|_[0-9])*)|[-+]?0x[0-9a-fA-F_,]+)$", RegexOptions.CultureInvariant)]
    private static partial Regex IntegerPattern();

    [GeneratedRegex(@"^[-+]?[0-9][0-9_]{0,9}(:[0-5]?[0-9]){1,2}$", RegexOptions.CultureInvariant)]
    private static partial Regex SexagesimalPattern();

    [GeneratedRegex(@"^[-+]?([0-9][0-9_,]*)?\.[0-9]*([eE][+-][0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex FloatPattern();

    private static bool TryInteger(string text, out long integer)
    {
        bool negative = text[0] == '-';
        ReadOnlySpan<char> digits = text.AsSpan(text[0] is '-' or '+' ? 1 : 0);
        (int numberBase, int skip) = digits.StartsWith("0x") ? (16, 2) : digits.StartsWith("0b") ? (2, 2) : digits.Length > 1 && digits[0] == '0' ? (8, 1) : (10, 0);
        Int128 value = 0;
        foreach (char digit in digits[skip..])
        {
            value = value * numberBase + (char.IsAsciiDigit(digit) ? digit - '0' : char.ToLowerInvariant(digit) - 'a' + 10);
            if (value > long.MaxValue)
            {
                integer = 0;
                return false;   // Ruby has larger numbers; here it stays the text that it is
            }
        }
        integer = (long)(negative ? -value : value);
        return true;
    }

    private sealed class Reader(IParser parser)
    {
        private readonly Dictionary<string, (Value Value, int Size)> _anchors = new(StringComparer.Ordinal);
        private int _values;

        public Value Document()
        {
            parser.Consume<StreamStart>();
            if (parser.TryConsume<StreamEnd>(out _))
                return Value.Null;
            parser.Consume<DocumentStart>();
            return Node(0).Value;
        }

        private (Value Value, bool IsMergeable) Node(int depth)
        {
            Mark at = parser.Current?.Start ?? Mark.Empty;
            if (depth > Limits.ValueDepthMax)
                throw new YamlException(at, at, $"Nested deeper than {Limits.ValueDepthMax}.");
            int before = Count(1, at);
            parser.Accept<ParsingEvent>(out _);   // reads ahead
            if (parser.Current is AnchorAlias alias)
            {
                parser.MoveNext();
                if (!_anchors.TryGetValue(alias.Value.Value, out (Value Value, int Size) known))
                    throw new YamlException(at, at, $"The alias *{alias.Value.Value} has no anchor before it.");
                Count(known.Size, at);
                return (known.Value, true);
            }
            NodeEvent node = parser.Current as NodeEvent ?? throw new YamlException(at, at, $"Unexpected {parser.Current?.GetType().Name}.");
            Value value = node switch
            {
                Scalar => OfScalar(parser.Consume<Scalar>()),
                SequenceStart => Sequence(depth),
                MappingStart => Mapping(depth),
                _ => throw new YamlException(at, at, $"Unexpected {node.GetType().Name}."),
            };
            if (!node.Anchor.IsEmpty)
                _anchors[node.Anchor.Value] = (value, _values - before);
            return (value, node is MappingStart or SequenceStart);
        }

        private Value Sequence(int depth)
        {
            parser.Consume<SequenceStart>();
            var elements = ImmutableArray.CreateBuilder<Value>();
            while (!parser.TryConsume<SequenceEnd>(out _))
                elements.Add(Node(depth + 1).Value);
            return Value.List(elements.ToImmutable());
        }

        private Value Mapping(int depth)
        {
            parser.Consume<MappingStart>();
            var members = new Dictionary<string, Value>(StringComparer.Ordinal);
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                Mark at = parser.Current?.Start ?? Mark.Empty;
                bool mayMerge = parser.Accept<Scalar>(out _) && parser.Current is Scalar { Style: ScalarStyle.Plain, Value: "<<" };
                string name = Evaluate(Node(depth + 1).Value, at);
                (Value value, bool isMergeable) = Node(depth + 1);
                if (mayMerge && isMergeable && value.Kind == ValueKind.Map)
                    Merge(members, value);
                else if (mayMerge && isMergeable && value.Kind == ValueKind.List && value.Elements.All(e => e.Kind == ValueKind.Map))
                    foreach (Value element in value.Elements.Reverse())   // the first of the list wins over the others
                        Merge(members, element);
                else
                    members[name] = value;   // of two equal keys the last counts
            }
            return Value.Map(members);

            static string Evaluate(Value name, Mark at) => name.Kind switch
            {
                ValueKind.String => name.AsString,
                ValueKind.Null => "",
                ValueKind.List or ValueKind.Map => throw new YamlException(at, at, "A key is a list or a map."),
                _ => name.ToString(),
            };

            static void Merge(Dictionary<string, Value> into, Value map)
            {
                foreach ((string name, Value value) in map.Members)
                    into[name] = value;   // in the order of the text, as Psych does it: what stands after << wins over it, what stands before loses
            }
        }

        private static Value OfScalar(Scalar scalar)
        {
            string tag = scalar.Tag.IsEmpty ? "" : scalar.Tag.Value;
            return tag switch
            {
                "" when scalar.Style == ScalarStyle.Plain => Plain(scalar.Value),
                "tag:yaml.org,2002:int" or "tag:yaml.org,2002:float" or "tag:yaml.org,2002:bool" or "tag:yaml.org,2002:null" => Plain(scalar.Value),
                _ => Value.Of(scalar.Value),   // quoted, blocks, !!str, !ruby/regexp
            };
        }

        private int Count(int by, Mark at)
        {
            int before = _values;
            _values += by;
            return _values <= ValuesMax ? before : throw new YamlException(at, at, $"More than {ValuesMax} values, aliases counted each time.");
        }
    }
}
