using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;

namespace Conclave.Layers.Import;

internal enum LevelKind
{
    /// <summary>One file, keys at its top.</summary>
    File,

    /// <summary>The key's namespace chooses the file below a directory.</summary>
    ExpandPath,

    /// <summary>Labels with a pattern each: the first that matches and holds the key.</summary>
    RegexFile,
}

/// <summary>One level of a hierarchy.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">How a key leads to a file.</param>
/// <param name="Path">The path, with variables.</param>
/// <param name="Match">What a regex file's patterns are matched against.</param>
internal sealed record HieraLevel(string Name, LevelKind Kind, string Path, string Match);

/// <summary>What a variable of the source is.</summary>
/// <param name="Column">The column of the nodes' table that holds it, or null.</param>
/// <param name="WithoutFirstLabel">The column's value without what stands before its first point.</param>
/// <param name="Constant">Its value when it is no column.</param>
internal sealed record HieraVariable(string? Column, bool WithoutFirstLabel, string Constant);

/// <summary>A hierarchy, read.</summary>
internal sealed partial class HieraHierarchy
{
    public required ImmutableArray<string> Dimensions { get; init; }

    /// <summary>Highest first.</summary>
    public required ImmutableArray<HieraLevel> Levels { get; init; }

    public required IReadOnlyDictionary<string, HieraVariable> Variables { get; init; }

    public static HieraHierarchy? Read(string text, List<ConfigProblem> problems)
    {
        if (!YamlText.TryParse(text, out Value? root, out string problem) || root.Kind != ValueKind.Map)
        {
            problems.Add(new(ProblemCodes.Import, $"The hierarchy is no YAML map. {problem}"));
            return null;
        }
        var variables = new Dictionary<string, HieraVariable>(StringComparer.Ordinal);
        foreach ((string name, Value meaning) in Map(root, "variables"))
            variables[name] = VariableOf(Evaluate(meaning));
        // Puppet gives every node these, in three spellings.
        foreach (string name in (string[])["hostname", "fqdn", "domain"])
        {
            if (variables.TryGetValue(name, out HieraVariable? known))
            {
                variables.TryAdd($"facts.{name}", known);
                variables.TryAdd($"facts.networking.{name}", known);
            }
        }
        var levels = ImmutableArray.CreateBuilder<HieraLevel>();
        foreach (Value level in List(root, "levels"))
        {
            LevelKind? kind = Text(level, "kind") switch { "file" => LevelKind.File, "expand_path" => LevelKind.ExpandPath, "regex_file" => LevelKind.RegexFile, _ => null };
            if (kind is { } known)
                levels.Add(new(Text(level, "name"), known, Text(level, "path"), Text(level, "match")));
            else
                problems.Add(new(ProblemCodes.Import, $"Level {Text(level, "name")} is of kind \"{Text(level, "kind")}\", which is not known. Known are file, expand_path and regex_file."));
        }
        return new() { Dimensions = [.. List(root, "dimensions").Select(Evaluate)], Levels = levels.ToImmutable(), Variables = variables };
    }

    public HieraVariable? VariableOf(string name, out string plainName)
    {
        plainName = name.StartsWith("::", StringComparison.Ordinal) ? name[2..] : name;
        return Variables.GetValueOrDefault(plainName);
    }

    /// <summary>Names of variables in a path, in order.</summary>
    public static IEnumerable<string> VariablesOf(string path) => VariablePattern().Matches(path).Select(m => m.Groups[1].Value.Trim());

    /// <summary>A pattern for the paths that a level's path can become: a group per variable, the last may span directories.</summary>
    public static Regex PatternOf(string path, bool lastSpans)
    {
        MatchCollection variables = VariablePattern().Matches(path);
        var pattern = new StringBuilder("^");
        int at = 0;
        for (int i = 0; i < variables.Count; i++)
        {
            pattern.Append(Regex.Escape(path[at..variables[i].Index])).Append(lastSpans && i == variables.Count - 1 ? "(.+)" : "([^/]+)");
            at = variables[i].Index + variables[i].Length;
        }
        return new(pattern.Append(Regex.Escape(path[at..])).Append('$').ToString(), RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
    }

    private static HieraVariable VariableOf(string meaning)
    {
        string[] words = meaning.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words switch
        {
            ["column", var column] => new(column, false, ""),
            [var column, "without", "the", "first", "label"] => new(column, true, ""),
            _ => new(null, false, meaning),
        };
    }

    private static string Evaluate(Value value) => value.Kind == ValueKind.String ? value.AsString : value.ToString();

    private static string Text(Value map, string name) => map.Kind == ValueKind.Map && map.TryGetMember(name, out Value? value) ? Evaluate(value) : "";

    private static ImmutableArray<Value> List(Value map, string name) => map.TryGetMember(name, out Value? value) && value.Kind == ValueKind.List ? value.Elements : [];

    private static ImmutableArray<KeyValuePair<string, Value>> Map(Value map, string name) => map.TryGetMember(name, out Value? value) && value.Kind == ValueKind.Map ? value.Members : [];

    [GeneratedRegex(@"%\{([^}]*)\}", RegexOptions.CultureInvariant)]
    private static partial Regex VariablePattern();
}
