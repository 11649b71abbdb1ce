using System.Collections.Immutable;
using System.Globalization;

namespace Conclave.Layers.Oslo;

/// <summary>A file in oslo's dialect as entries of one scope.</summary>
public static class OsloImport
{
    private static readonly string[] TrueTexts = ["true", "1", "on", "yes"], FalseTexts = ["false", "0", "off", "no"];

    /// <summary>Values get the types of the schema; options that no schema lists stay text. What oslo would ignore is left out with a warning.</summary>
    /// <param name="text">The file.</param>
    /// <param name="document">Where the entries go.</param>
    /// <param name="scope">For which nodes.</param>
    /// <param name="schemaOf">Schema of a key, or null when none lists it.</param>
    /// <param name="renamed">Old keys to new ones (<see cref="OsloSchema.Renamed"/>); null is none.</param>
    public static (ImmutableArray<Edit> Edits, ImmutableArray<ConfigProblem> Problems) Run(string text, string document, Scope scope, Func<string, KeySchema?> schemaOf,
        IReadOnlyDictionary<string, string>? renamed = null)
    {
        if (!OsloText.TryParse(text, out ImmutableArray<OsloAssignment> assignments, out string problem))
            return ([], [new(ProblemCodes.Import, $"oslo would refuse the file, {problem}")]);
        var problems = ImmutableArray.CreateBuilder<ConfigProblem>();
        var lines = new SortedDictionary<string, List<OsloAssignment>>(StringComparer.Ordinal);
        foreach (OsloAssignment assignment in assignments)
        {
            string key = KeyOf(assignment, schemaOf, renamed, problems);
            if (!lines.TryGetValue(key, out List<OsloAssignment>? same))
                lines[key] = same = [];
            same.Add(assignment);
        }
        var edits = ImmutableArray.CreateBuilder<Edit>();
        foreach ((string key, List<OsloAssignment> same) in lines)
        {
            if (key.Length == 0)
                continue;
            KeySchema? schema = schemaOf(key);
            bool everyLine = schema is { OneLinePerElement: true };
            if (!everyLine && same.Count > 1)
                problems.Add(new(ProblemCodes.Skipped, $"{key} is given {same.Count} times; the last, line {same[^1].Line}, counts.") { Key = key });
            Value? value = everyLine ? Value.List([.. same.Select(a => TextOf(a.Value))]) : Decode(schema, same[^1].Value);
            if (value is null)
                problems.Add(new(ProblemCodes.Import, $"line {same[^1].Line}: {key} = {ValueChecks.Shown(same[^1].Value)} is no {schema?.Type.ToString().ToLowerInvariant()}. Correct the file.") { Key = key });
            else
                edits.Add(new EntryEdit(document, scope, key, everyLine ? Entry.Append(value) : Entry.Set(value)));
        }
        return (edits.ToImmutable(), problems.ToImmutable());
    }

    /// <summary>A raw value as oslo's types read it; null when they refuse it.</summary>
    private static Value? Decode(KeySchema? schema, string raw)
    {
        // A reference in oslo's syntax has to stay one, whatever type it will turn out to be.
        bool refers = OsloText.Substitutions(raw).Any(p => p.Reference is not null);
        string plain = string.Concat(OsloText.Substitutions(raw).Select(p => p.Literal));
        switch (schema?.Type)
        {
            case KeyType.Integer when !refers:
                return long.TryParse(OsloText.Strip(plain).Replace("_", ""), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long integer) ? Value.Of(integer) : null;
            case KeyType.Float when !refers:
                return double.TryParse(OsloText.Strip(plain), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) ? Value.Of(number) : null;
            case KeyType.Boolean when !refers:
                string word = plain.ToLowerInvariant();
                return TrueTexts.Contains(word) ? Value.True : FalseTexts.Contains(word) ? Value.False : null;
            case KeyType.List:
                string list = OsloText.Strip(raw).TrimEnd(',');
                return list.Length == 0 ? Value.EmptyList : Value.List([.. list.Split(',').Select(e => TextOf(OsloText.Strip(e)))]);
            case KeyType.Map:
                if (OsloText.Strip(raw).Length == 0)
                    return Value.EmptyMap;
                var members = new Dictionary<string, Value>(StringComparer.Ordinal);
                foreach (string pair in Pairs(OsloText.Strip(raw).Split(',')))
                {
                    int colon = pair.IndexOf(':');
                    if (colon < 0 || OsloText.Strip(pair[..colon]).Length == 0 || !members.TryAdd(Template.Write(OsloText.Substitutions(OsloText.Strip(pair[..colon]))), TextOf(OsloText.Strip(pair[(colon + 1)..]))))
                        return null;
                }
                return Value.Map(members);
            default:
                return TextOf(raw);
        }
    }

    /// <summary>A piece without a colon belongs to the one before it, as oslo tries it.</summary>
    private static IEnumerable<string> Pairs(string[] pieces)
    {
        for (int i = 0; i < pieces.Length; i++)
        {
            string pair = pieces[i];
            while (!pair.Contains(':') && i + 1 < pieces.Length)
                pair += "," + pieces[++i];
            yield return pair;
        }
    }

    private static Value TextOf(string raw) => Value.Of(Template.Write(OsloText.Substitutions(raw)));

    private static string KeyOf(OsloAssignment assignment, Func<string, KeySchema?> schemaOf, IReadOnlyDictionary<string, string>? renamed, ImmutableArray<ConfigProblem>.Builder problems)
    {
        if (assignment.Option.Contains('-'))
        {
            problems.Add(new(ProblemCodes.Skipped, $"line {assignment.Line}: oslo ignores {assignment.Option}, because names in files have underscores. It is left out; write {assignment.Option.Replace('-', '_')} if it is meant."));
            return "";
        }
        // Sections ignore case; the schema's spelling is the one to keep.
        string lower = OsloText.SectionName(assignment.Section);
        string key = schemaOf($"{assignment.Section}/{assignment.Option}") is not null ? $"{assignment.Section}/{assignment.Option}" : $"{lower}/{assignment.Option}";
        if (schemaOf(key) is null && renamed is not null && renamed.TryGetValue($"{lower}/{assignment.Option}", out string? current))
        {
            problems.Add(new(ProblemCodes.Skipped, $"line {assignment.Line}: {key} is an old name of {current} and is taken as that.") { Key = current });
            return current;
        }
        if (schemaOf(key) is null)
            problems.Add(new(ProblemCodes.Skipped, $"line {assignment.Line}: no schema lists {key}; its value is taken as text.") { Key = key });
        return key;
    }
}
