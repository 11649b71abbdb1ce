using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>What can be said about edits without resolving anything: names, limits, types of plain values, conflicts.</summary>
internal static class EditChecks
{
    /// <param name="state">The state before.</param>
    /// <param name="record">The change.</param>
    /// <param name="problems">Where problems go.</param>
    /// <returns>The state after, or null when the edits cannot be put in at all.</returns>
    public static ConfigState? Check(ConfigState state, ChangeRecord record, ProblemList problems)
    {
        Change change = record.Change;
        if (change.Edits.IsDefaultOrEmpty)
        {
            problems.Add(new(ProblemCodes.Name, "The change has no edits, so there is nothing to publish."));
            return null;
        }
        foreach (Edit edit in change.Edits)
            CheckAlone(edit, problems);
        if (change.Edits.OfType<SchemaEdit>().Any(e => e.Schema is { Minimum: { } minimum } && !double.IsFinite(minimum) || e.Schema is { Maximum: { } maximum } && !double.IsFinite(maximum)))
            return null;   // it cannot even be written
        var writer = new CanonicalWriter();
        Records.ChangeCodec.Write(writer, change.Edits);
        if (writer.Length > Limits.ChangeBytesMax)
            problems.Add(new(ProblemCodes.Limit, $"The change has {writer.Length} bytes; {Limits.ChangeBytesMax} are allowed. Split it into several releases."));
        foreach ((string what, string text) in new[] { ("author", record.Note.Author), ("reason", record.Note.Reason), ("ticket", record.Note.Ticket) })
        {
            if (ValueChecks.CommentProblem(what, text) is { } problem)
                problems.Add(new(ProblemCodes.Limit, problem));
        }
        Conflicts(state, change, problems);
        if (problems.HasErrors)
            return null;

        ConfigState after = Editing.Apply(state, change.Edits, state.Release + 1);
        if (after.Nodes.Count > Limits.NodesMax || after.EntryCount > Limits.EntriesMax || after.Documents.Count > Limits.DocumentsMax)
            problems.Add(new(ProblemCodes.Limit, $"There would be {after.Nodes.Count} nodes, {after.EntryCount} entries and {after.Documents.Count} documents; "
                + $"{Limits.NodesMax}, {Limits.EntriesMax} and {Limits.DocumentsMax} are allowed. Use another space for some of them."));
        bool dimensionsChanged = change.Edits.Any(e => e is DimensionsEdit);
        if (dimensionsChanged)
            CheckAllDimensions(after, problems);
        foreach (Edit edit in change.Edits)
            CheckWithin(after, edit, problems);
        foreach (IGrouping<string, SchemaEdit> schemas in change.Edits.OfType<SchemaEdit>().GroupBy(e => e.Document))
            CheckEntries(after, schemas.Key, schemas.Select(e => e.Key).ToHashSet(StringComparer.Ordinal), problems);
        return problems.HasErrors ? null : after;
    }

    private static void Conflicts(ConfigState state, Change change, ProblemList problems)
    {
        if (change.Base > state.Release || change.Base < state.OldestReachable)
        {
            problems.Add(new(ProblemCodes.Conflict, $"The change was made for release {change.Base}, but this is release {state.Release} and the oldest that can be compared with is {state.OldestReachable}. Plan it again."));
            return;
        }
        ImmutableSortedSet<string> documents = change.Documents();
        for (long release = change.Base + 1; release <= state.Release; release++)
        {
            var earlier = new Change(0, state.Bodies[release].Forward);
            string[] both = [.. documents.Intersect(earlier.Documents())];
            bool nodes = change.TouchesNodes && earlier.TouchesNodes;
            if (both.Length > 0 || nodes)
                problems.Add(new(ProblemCodes.Conflict, $"The change was made for release {change.Base}, and release {release} by {Author(state, release)} has changed {string.Join(", ", nodes ? [.. both, "nodes or dimensions"] : both)} since. Plan it again on release {state.Release}."));
        }
    }

    private static string Author(ConfigState state, long release) => state.Notes.TryGetValue(release, out ReleaseNote? note) && note.Author.Length > 0 ? note.Author : "somebody";

    private static void CheckAlone(Edit edit, ProblemList problems)
    {
        switch (edit)
        {
            case DimensionsEdit dimensions:
                try
                {
                    _ = Dimensions.Create(dimensions.List.IsDefault ? [] : dimensions.List, dimensions.NodeDimension);
                }
                catch (ArgumentException e)
                {
                    problems.Add(new(ProblemCodes.Name, e.Message));
                }
                break;
            case WeightEdit weight:
                Name("dimension's value", weight.Value, slashIsFine: true, problems);
                break;
            case NodeEdit node:
                Name("node's name", node.Node, slashIsFine: false, problems);
                foreach (ScopePair pair in node.Assignment?.Pairs ?? [])
                    Name("dimension's value", pair.Value, slashIsFine: true, problems);
                break;
            case SchemaEdit schema:
                Name("document's name", schema.Document, slashIsFine: false, problems);
                Key(schema.Document, schema.Key, problems);
                if (schema.Schema is { } known && SchemaChecks.Problem(known) is { } wrong)
                    problems.Add(new(ProblemCodes.Schema, $"{schema.Document} {schema.Key}: {wrong}") { Document = schema.Document, Key = schema.Key });
                break;
            case EntryEdit entry:
                Name("document's name", entry.Document, slashIsFine: false, problems);
                Key(entry.Document, entry.Key, problems);
                foreach (ScopePair pair in entry.Scope.Pairs)
                    Name("dimension's value", pair.Value, slashIsFine: true, problems);
                if (entry.Entry is not { } content)
                    break;
                if ((ValueChecks.Problem(content.Value) ?? ValueChecks.CommentProblem("comment", content.Comment)) is { } limit)
                    problems.Add(new(ProblemCodes.Limit, $"{entry.Document} {entry.Key} at {entry.Scope}: {limit}") { Document = entry.Document, Key = entry.Key });
                else if (Template.ProblemOf(content.Value) is { } template)
                    problems.Add(new(ProblemCodes.Reference, $"{entry.Document} {entry.Key} at {entry.Scope}: {template}") { Document = entry.Document, Key = entry.Key });
                break;
            default:
                throw new InvalidOperationException($"{edit.GetType().Name} is not checked. This is a bug: report it.");
        }
    }

    private static void CheckWithin(ConfigState after, Edit edit, ProblemList problems)
    {
        switch (edit)
        {
            case WeightEdit { Weight: not null } weight when after.Dimensions.PositionOf(weight.Dimension) is var at && (at < 0 || !after.Dimensions[at].IsMultiValued):
                problems.Add(new(ProblemCodes.Name, $"A weight is given to {weight.Value} of dimension {weight.Dimension}, which is no multi-valued dimension. Only there can two values of one dimension meet."));
                break;
            case NodeEdit { Assignment: { } assignment } node:
                CheckAssignment(after, node.Node, assignment, problems);
                break;
            case SchemaEdit { Schema: { } schema } edited:
                if (schema.Uniform is { } uniform && !after.Dimensions.Contains(uniform))
                    problems.Add(new(ProblemCodes.Schema, $"{edited.Document} {edited.Key} is to be uniform in {uniform}, which is no dimension. There are: {Names(after)}.") { Document = edited.Document, Key = edited.Key });
                break;
            case EntryEdit { Entry: not null } entry:
                CheckScope(after, entry.Document, entry.Key, entry.Scope, problems);
                if (after.Document(entry.Document).EntryOf(entry.Scope, entry.Key) is { } content)
                    CheckEntry(after, entry.Document, entry.Scope, entry.Key, content, problems);
                break;
        }
    }

    /// <summary>Every entry of keys whose schema changed. Thousands of schemas and thousands of scopes may meet: each scope is walked by whichever is fewer.</summary>
    private static void CheckEntries(ConfigState after, string document, HashSet<string> keys, ProblemList problems)
    {
        foreach ((Scope scope, ImmutableSortedDictionary<string, Entry> entries) in after.Document(document).Scopes)
        {
            foreach (string key in entries.Count < keys.Count ? entries.Keys.Where(keys.Contains) : keys.Where(entries.ContainsKey).Order(StringComparer.Ordinal))
                CheckEntry(after, document, scope, key, entries[key], problems);
        }
    }

    /// <summary>One entry against its schema, whoever it matches. What references make of it is checked where they are followed.</summary>
    private static void CheckEntry(ConfigState after, string document, Scope scope, string key, Entry entry, ProblemList problems)
    {
        string? problem = SchemaChecks.Problem(after.Document(document).SchemaOf(key), entry);
        if (problem is not null)
            problems.Add(new(ProblemCodes.Schema, $"{document} {key} at {after.Dimensions.TextOf(scope)}: {problem}.") { Document = document, Key = key });
    }

    private static void CheckAllDimensions(ConfigState after, ProblemList problems)
    {
        foreach ((string node, Assignment assignment) in after.Nodes)
            CheckAssignment(after, node, assignment, problems);
        foreach ((string name, DocumentState document) in after.Documents)
        {
            foreach (Scope scope in document.Scopes.Keys)
                CheckScope(after, name, "", scope, problems);
            foreach ((string key, KeySchema schema) in document.Schemas)
            {
                if (schema.Uniform is { } uniform && !after.Dimensions.Contains(uniform))
                    problems.Add(new(ProblemCodes.Schema, $"{name} {key} is uniform in {uniform}, which would be no dimension any more. Change the schema in the same release.") { Document = name, Key = key });
            }
        }
    }

    private static void CheckScope(ConfigState after, string document, string key, Scope scope, ProblemList problems)
    {
        foreach (ScopePair pair in scope.Pairs)
        {
            if (!after.Dimensions.Contains(pair.Dimension))
                problems.Add(new(ProblemCodes.Name, $"{document}{(key.Length > 0 ? " " + key : "")} at {scope}: {pair.Dimension} is no dimension. There are: {Names(after)}.") { Document = document, Key = key });
        }
    }

    private static void CheckAssignment(ConfigState after, string node, Assignment assignment, ProblemList problems)
    {
        foreach ((string name, ImmutableArray<string> values) in assignment.Values)
        {
            int at = after.Dimensions.PositionOf(name);
            string? problem = at < 0 ? $"{name} is no dimension. There are: {Names(after)}"
                : name == after.Dimensions.NodeDimension ? $"{name} is the node's own name and is not assigned"
                : values.Length > 1 && !after.Dimensions[at].IsMultiValued ? $"{name} has {values.Length} values ({string.Join(", ", values.Take(5))}), and it is single-valued"
                : values.Length > Limits.ValuesPerDimensionMax ? $"{name} has {values.Length} values; {Limits.ValuesPerDimensionMax} are allowed"
                : null;
            if (problem is not null)
                problems.Add(new(ProblemCodes.Name, $"Node {node}: {problem}.") { Nodes = [node] });
        }
    }

    private static void Name(string what, string name, bool slashIsFine, ProblemList problems)
    {
        if (ValueChecks.NameProblem(what, name, slashIsFine) is { } problem)
            problems.Add(new(ProblemCodes.Name, problem));
    }

    private static void Key(string document, string key, ProblemList problems)
    {
        if (ValueChecks.KeyProblem(key) is { } problem)
            problems.Add(new(ProblemCodes.Name, $"{document}: {problem}") { Document = document, Key = key });
    }

    private static string Names(ConfigState state) => string.Join(", ", state.Dimensions.List.Select(d => d.Name));
}

/// <summary>Problems as they are found: equal ones once, a bounded number of them.</summary>
internal sealed class ProblemList
{
    private readonly List<ConfigProblem> _list = [];
    private readonly HashSet<ConfigProblem> _seen = [];

    public bool HasErrors { get; private set; }

    /// <summary>Problems beyond the bound.</summary>
    public int NotListed { get; private set; }

    public void Add(ConfigProblem problem)
    {
        HasErrors |= problem.IsError;
        if (_list.Count >= Limits.ProblemsMax)
            NotListed++;
        else if (_seen.Add(problem))
            _list.Add(problem);
    }

    public ImmutableArray<ConfigProblem> ToArray() => [.. _list.OrderBy(p => p.IsError ? 0 : 1)];
}
