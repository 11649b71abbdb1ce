using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Conclave.Layers.Import;

/// <summary>A Hiera hierarchy with its data and nodes, as one change.</summary>
/// <remarks>
/// Levels become scopes: the variables in a level's path are its dimensions. The rank of those scopes must give the order of the levels, or the import is
/// refused. A file of patterns becomes a multi-valued dimension: labels that match a node are its values, earlier labels are heavier.
/// <c>lookup_options</c> become schemas, interpolation becomes references (unknown ones give "", as in Hiera, by their default).
/// A variable that is a column and no dimension (<c>fqdn</c>) becomes an entry <c>facts/NAME</c> of each host. Not a fact: facts are what agents report, and what
/// an agent reports replaces what was there, so its first word would take the values away.
/// </remarks>
public sealed class HieraImport
{
    private const string OptionsKey = "lookup_options";

    private readonly HieraSource _source;
    private readonly string _document;
    private readonly List<ConfigProblem> _problems = [];
    private readonly SortedDictionary<string, int> _warnings = new(StringComparer.Ordinal);
    private readonly List<(Scope Scope, string Key, Value Value)> _entries = [];
    private readonly List<(Scope Scope, string Name, Value Options)> _options = [];

    private HieraImport(HieraSource source, string document)
    {
        (_source, _document) = (source, document);
    }

    /// <param name="source">The texts.</param>
    /// <param name="document">Name of the document that the keys go to.</param>
    public static ImportResult Run(HieraSource source, string document) => new HieraImport(source, document).Run();

    private ImportResult Run()
    {
        if (HieraHierarchy.Read(_source.Hierarchy, _problems) is not { } hierarchy || Table(out string[] columns) is not { } rows)
            return Result([]);
        string nodeDimension = columns[0];
        List<Dimension>? dimensions = DimensionsOf(hierarchy, nodeDimension);
        if (dimensions is null)
            return Result([]);

        var assigned = rows.ToDictionary(r => r[0], r => new List<ScopePair>(), StringComparer.Ordinal);
        foreach (string[] row in rows)
        {
            for (int i = 1; i < columns.Length; i++)
            {
                if (hierarchy.Dimensions.Contains(columns[i]) && row[i].Length > 0)
                    assigned[row[0]].Add(new(columns[i], row[i]));
            }
        }
        Dictionary<string, HashSet<string>> known = assigned.Values.SelectMany(v => v).GroupBy(p => p.Dimension).ToDictionary(g => g.Key, g => g.Select(p => p.Value).ToHashSet(StringComparer.Ordinal));

        var edits = ImmutableArray.CreateBuilder<Edit>();
        edits.Add(new DimensionsEdit([.. dimensions], nodeDimension));
        foreach (HieraLevel level in hierarchy.Levels)
        {
            if (level.Kind == LevelKind.RegexFile)
                edits.AddRange(ReadPatterns(hierarchy, level, columns, rows, assigned));
            else
                ReadFiles(hierarchy, level, known);
        }
        edits.AddRange(rows.Select(r => new NodeEdit(r[0], Assignment.Of(assigned[r[0]]))));
        Dictionary<string, KeySchema> schemas = Schemas();
        edits.AddRange(schemas.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => new SchemaEdit(_document, s.Key, s.Value)));
        CheckLabels(schemas, rows, assigned, dimensions);

        var interpolation = new HieraInterpolation(hierarchy, nodeDimension, hierarchy.Dimensions.ToHashSet(StringComparer.Ordinal), columns.ToHashSet(StringComparer.Ordinal), Warn);
        var converted = ImmutableArray.CreateBuilder<Edit>();
        foreach ((Scope scope, string key, Value value) in _entries)
        {
            EntryOp op = schemas.TryGetValue(key, out KeySchema? schema) && schema.Merge != MergeKind.Replace ? EntryOp.Append : EntryOp.Set;
            converted.Add(new EntryEdit(_document, scope, key, new(op, interpolation.Convert(value))));
        }
        // Before what refers to them: where they are too many for one release, no node ever has the reference without the value.
        foreach ((string name, HieraVariable variable) in interpolation.Facts)
        {
            string key = HieraInterpolation.KeyOf(name);
            // An empty one takes away what an earlier import wrote.
            edits.AddRange(rows.Select(r => (Node: r[0], Value: ValueOf(variable, r[Array.IndexOf(columns, variable.Column)])))
                .Select(f => new EntryEdit(_document, Scope.Of(nodeDimension, f.Node), key, f.Value.Length > 0 ? Entry.Set(Template.Escape(Value.Of(f.Value))) : null)));
        }
        return Result([.. edits, .. converted]);
    }

    private ImportResult Result(ImmutableArray<Edit> edits)
    {
        foreach ((string warning, int times) in _warnings)
            _problems.Add(new(ProblemCodes.Skipped, times == 1 ? $"{warning}." : $"{warning} ({times} times)."));
        return new(edits, [.. _problems]);
    }

    private List<string[]>? Table(out string[] columns)
    {
        string[][] lines = [.. _source.Nodes.Split('\n').Select(l => l.TrimEnd('\r')).Where(l => l.Length > 0).Select(l => l.Split('\t'))];
        columns = lines.Length > 0 ? lines[0] : [];
        int width = columns.Length;
        if (width == 0 || lines.Any(l => l.Length != width) || lines.Skip(1).Select(l => l[0]).Distinct(StringComparer.Ordinal).Count() != lines.Length - 1)
        {
            _problems.Add(new(ProblemCodes.Import, "The table of nodes is empty, has a line with another number of columns than its header, or names a node twice. Correct it."));
            return null;
        }
        return [.. lines.Skip(1)];
    }

    /// <summary>The dimensions named, and one for each file of patterns just below those of the levels above it. Null when ranks would not give the order of levels.</summary>
    private List<Dimension>? DimensionsOf(HieraHierarchy hierarchy, string nodeDimension)
    {
        List<Dimension> dimensions = [.. hierarchy.Dimensions.Select(d => new Dimension(d))];
        for (int i = 0; i < hierarchy.Levels.Length; i++)
        {
            if (hierarchy.Levels[i].Kind != LevelKind.RegexFile)
                continue;
            string[] above = [.. hierarchy.Levels.Take(i).SelectMany(l => DimensionsOf(hierarchy, l) ?? [])];
            int at = above.Length == 0 ? dimensions.Count : above.Min(d => dimensions.FindIndex(x => x.Name == d));
            dimensions.Insert(Math.Max(at, 0), new(hierarchy.Levels[i].Name, IsMultiValued: true));
        }
        Dimensions order;
        try
        {
            order = Dimensions.Create(dimensions, nodeDimension);
        }
        catch (ArgumentException e)
        {
            _problems.Add(new(ProblemCodes.Import, $"The dimensions cannot be used: {e.Message}"));
            return null;
        }
        Scope? higher = null;
        foreach (HieraLevel level in hierarchy.Levels)
        {
            if (DimensionsOf(hierarchy, level) is not { } names || names.Any(n => !order.Contains(n)))
            {
                _problems.Add(new(ProblemCodes.Import, $"Level {level.Name} has the path {level.Path}, with a variable that is no dimension. Add it to the dimensions."));
                return null;
            }
            Scope scope = Scope.Of(names.Distinct(StringComparer.Ordinal).Select(n => new ScopePair(n, "x")));
            if (higher is not null && Precedence.CompareRanks(higher, scope, order) <= 0)
            {
                _problems.Add(new(ProblemCodes.Import, $"Level {level.Name} comes after one of the same or a lower rank. No order of these dimensions ({string.Join(" < ", dimensions.Select(d => d.Name))}) gives the order of the levels; change the order of the dimensions."));
                return null;
            }
            higher = scope;
        }
        return dimensions;
    }

    private static string[]? DimensionsOf(HieraHierarchy hierarchy, HieraLevel level)
    {
        if (level.Kind == LevelKind.RegexFile)
            return [level.Name];
        string?[] columns = [.. HieraHierarchy.VariablesOf(level.Path).Select(v => hierarchy.VariableOf(v, out _) is { Column: { } column, WithoutFirstLabel: false } ? column : null)];
        return columns.Contains(null) ? null : [.. columns.OfType<string>()];
    }

    private void ReadFiles(HieraHierarchy hierarchy, HieraLevel level, Dictionary<string, HashSet<string>> known)
    {
        string[] dimensions = DimensionsOf(hierarchy, level) ?? [];
        bool expands = level.Kind == LevelKind.ExpandPath;
        // A level's own file, and for a key with a namespace one below a directory of that name.
        Regex own = HieraHierarchy.PatternOf(expands ? level.Path + ".yaml" : level.Path, lastSpans: !expands);
        Regex? below = expands ? HieraHierarchy.PatternOf(level.Path + "/%{rest}.yaml", lastSpans: true) : null;
        foreach ((string path, string text) in _source.Files.OrderBy(f => f.Key, StringComparer.Ordinal))
        {
            Match match = own.Match(path);
            string? space = expands ? "" : null;
            if (!match.Success && below?.Match(path) is { Success: true } inside)
            {
                match = inside;
                space = inside.Groups[dimensions.Length + 1].Value.Replace("/", "::") + "::";
            }
            // The last variable of a plain path may have a value that no node has yet; elsewhere that is a directory of something else.
            if (!match.Success || !dimensions.SkipLast(expands ? 0 : 1).Index().All(d => known.TryGetValue(d.Item, out HashSet<string>? values) && values.Contains(match.Groups[d.Index + 1].Value)))
                continue;
            if (Keys(path, text) is { } keys)
                Take(Scope.Of(dimensions.Select((d, i) => new ScopePair(d, match.Groups[i + 1].Value))), path, keys, space);
        }
    }

    private void Take(Scope scope, string path, Value keys, string? space)
    {
        foreach ((string key, Value value) in keys.Members)
        {
            string namespaceOfKey = key.LastIndexOf("::", StringComparison.Ordinal) is >= 0 and int at ? key[..(at + 2)] : "";
            if (space is not null && namespaceOfKey != space)
            {
                Warn($"{path} holds keys that are looked for in other files, so nobody finds them; they are left out");
                continue;
            }
            if (key == OptionsKey)
                _options.AddRange((value.Kind == ValueKind.Map ? value.Members : []).Select(o => (scope, o.Key, o.Value)));
            else
                _entries.Add((scope, key, value));
        }
    }

    private Value? Keys(string path, string text)
    {
        if (!YamlText.TryParse(text, out Value? keys, out string problem))
        {
            _problems.Add(new(ProblemCodes.Import, $"{path} cannot be read: {problem}"));
            return null;
        }
        if (keys.Kind is ValueKind.Map or ValueKind.Null)
            return keys.Kind == ValueKind.Map ? keys : null;
        _problems.Add(new(ProblemCodes.Import, $"{path} is no map of keys."));
        return null;
    }

    /// <summary>Labels that match a node become its values; the weights keep the order of the file.</summary>
    private List<Edit> ReadPatterns(HieraHierarchy hierarchy, HieraLevel level, string[] columns, List<string[]> rows, Dictionary<string, List<ScopePair>> assigned)
    {
        var edits = new List<Edit>();
        string[] variables = [.. HieraHierarchy.VariablesOf(level.Match)];
        if (!_source.Files.TryGetValue(level.Path, out string? text) || Keys(level.Path, text) is not { } labels)
            return edits;
        if (variables.Length != 1 || level.Match != $"%{{{variables[0]}}}" || hierarchy.VariableOf(variables[0], out _) is not { Column: { } column } variable || Array.IndexOf(columns, column) is not (>= 0 and int at))
        {
            _problems.Add(new(ProblemCodes.Import, $"Level {level.Name} matches \"{level.Match}\", which is no column of the nodes. Name one."));
            return edits;
        }
        // Members are held in order of names; which label comes first is in the text alone.
        string[] inOrder = [.. labels.Members.Select(m => m.Key).OrderBy(label => PositionOf(text, label))];
        for (int i = 0; i < inOrder.Length; i++)
        {
            if (!labels.TryGetMember(inOrder[i], out Value? content) || content.Kind != ValueKind.Map || !content.TryGetMember("__regex", out Value? pattern)
                || PatternOf(level.Path, inOrder[i], pattern) is not { } regex)
                continue;
            string[] nodes = [.. rows.Where(r => regex.IsMatch(ValueOf(variable, r[at]))).Select(r => r[0])];
            foreach (string node in nodes)
                assigned[node].Add(new(level.Name, inOrder[i]));
            edits.Add(new WeightEdit(level.Name, inOrder[i], inOrder.Length - i));
            Take(Scope.Of(level.Name, inOrder[i]), level.Path, Value.Map(content.Members.Where(m => m.Key != "__regex")), null);
        }
        return edits;
    }

    private Regex? PatternOf(string path, string label, Value pattern)
    {
        string text = pattern.Kind == ValueKind.String ? pattern.AsString : "";
        if (text.Length >= 2 && text[0] == '/' && text.LastIndexOf('/') is > 0 and int end)
        {
            RegexOptions options = RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.Multiline;   // in Ruby ^ and $ are of a line
            if (text[(end + 1)..].Contains('i'))
                options |= RegexOptions.IgnoreCase;
            try
            {
                return new(text[1..end].Replace(@"\/", "/"), options);
            }
            catch (Exception e) when (e is ArgumentException or NotSupportedException)   // no pattern, or one that needs backtracking
            {
                _problems.Add(new(ProblemCodes.Import, $"{path}, label {label}: the pattern cannot be used: {e.Message}"));
                return null;
            }
        }
        _problems.Add(new(ProblemCodes.Import, $"{path}, label {label}: __regex is no pattern between slashes."));
        return null;
    }

    private static int PositionOf(string text, string label)
    {
        foreach (string quote in (string[])["", "'", "\""])
        {
            string line = $"{quote}{label}{quote}:";
            if (text.StartsWith(line, StringComparison.Ordinal))
                return 0;
            if (text.IndexOf("\n" + line, StringComparison.Ordinal) is >= 0 and int at)
                return at + 1;
        }
        return int.MaxValue;
    }

    /// <summary>Exact names beat patterns. What one part of the fleet merges otherwise than another cannot be said here: a schema is for all.</summary>
    private Dictionary<string, KeySchema> Schemas()
    {
        var schemas = new Dictionary<string, KeySchema>(StringComparer.Ordinal);
        string[] keys = [.. _entries.Select(e => e.Key).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        foreach (IGrouping<string, (Scope Scope, string Name, Value Options)> group in _options.GroupBy(o => o.Name).OrderBy(g => g.Key.StartsWith('^') ? 0 : 1))
        {
            KeySchema[] meanings = [.. group.Select(o => SchemaOf(o.Name, o.Options)).Distinct()];
            if (meanings.Length > 1 || !group.Any(o => o.Scope.IsEmpty))
                _problems.Add(new(ProblemCodes.Import, $"lookup_options of {group.Key} differ between levels ({string.Join(", ", group.Select(o => o.Scope.ToString()))}). A schema holds for every node: give the levels one meaning, in the lowest."));
            string[] named = [group.Key];
            if (group.Key.StartsWith('^'))
            {
                try
                {
                    var pattern = new Regex(group.Key, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
                    named = [.. keys.Where(k => pattern.IsMatch(k))];
                }
                catch (Exception e) when (e is ArgumentException or NotSupportedException)   // no pattern, or one that needs backtracking
                {
                    _problems.Add(new(ProblemCodes.Import, $"lookup_options: the pattern {group.Key} cannot be used: {e.Message}"));
                    continue;
                }
            }
            foreach (string key in named)
                schemas[key] = meanings[^1];   // patterns come first, so exact names overwrite them
        }
        return schemas;
    }

    private KeySchema SchemaOf(string name, Value options)
    {
        var schema = new KeySchema();
        foreach ((string option, Value value) in options.Kind == ValueKind.Map ? options.Members : [])
        {
            Value? strategy = value;
            if (option == "merge" && value.Kind == ValueKind.Map)
            {
                value.TryGetMember("strategy", out strategy);
                foreach ((string refinement, Value _) in value.Members.Where(m => m.Key != "strategy"))
                    _problems.Add(new(ProblemCodes.Import, $"lookup_options of {name} refine the merge by {refinement}, which has no counterpart. Write the result of the merge instead."));
            }
            string? text = strategy?.Kind == ValueKind.String ? strategy.AsString : null;
            MergeKind? merge = (option, text) switch
            {
                ("merge", "first") => MergeKind.Replace,
                ("merge", "hash") => MergeKind.Map,
                ("merge", "deep") => MergeKind.Deep,
                ("merge", "unique") => MergeKind.Union,
                _ => null,
            };
            if (merge is { } kind)
                schema = schema with { Merge = kind };
            else if (option == "convert_to" && text == "Sensitive")
                schema = schema with { Secret = true };
            else
                _problems.Add(new(ProblemCodes.Import, $"lookup_options of {name}: {option} {value} has no counterpart. Drop it, or write what it gives."));
        }
        return schema;
    }

    /// <summary>Of several labels only the first that holds a key counts; weights say so for a key that is replaced, not for one that is merged.</summary>
    private void CheckLabels(Dictionary<string, KeySchema> schemas, List<string[]> rows, Dictionary<string, List<ScopePair>> assigned, List<Dimension> dimensions)
    {
        foreach (Dimension dimension in dimensions.Where(d => d.IsMultiValued))
        {
            Dictionary<string, HashSet<string>> merged = _entries.Where(e => e.Scope.Names(dimension.Name) && schemas.TryGetValue(e.Key, out KeySchema? s) && s.Merge != MergeKind.Replace)
                .GroupBy(e => e.Scope.ValueOf(dimension.Name) ?? "").ToDictionary(g => g.Key, g => g.Select(e => e.Key).ToHashSet(StringComparer.Ordinal));
            foreach (string[] row in rows)
            {
                HashSet<string>[] held = [.. assigned[row[0]].Where(p => p.Dimension == dimension.Name && merged.ContainsKey(p.Value)).Select(p => merged[p.Value])];
                if (held.SelectMany(k => k).GroupBy(k => k).FirstOrDefault(g => g.Count() > 1) is { } twice)
                    _problems.Add(new(ProblemCodes.Import, $"{row[0]} matches several labels of {dimension.Name} that hold {twice.Key}, a key that merges. Hiera takes the first alone. Make the labels exclusive."));
            }
        }
    }

    private static string ValueOf(HieraVariable variable, string cell) =>
        !variable.WithoutFirstLabel ? cell : cell.IndexOf('.') is >= 0 and int point ? cell[(point + 1)..] : "";

    private void Warn(string what) => _warnings[what] = _warnings.GetValueOrDefault(what) + 1;
}
