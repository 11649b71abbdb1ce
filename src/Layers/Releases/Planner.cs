using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>Checks a change against a fleet and tells what it would do.</summary>
internal sealed class Planner
{
    private readonly Fleet _before, _after;
    private readonly ImmutableArray<Edit> _edits;
    private readonly ResolutionInputs _inputs;
    private readonly ProblemList _problems;

    private readonly HashSet<string> _changedNodes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _restartedNodes = new(StringComparer.Ordinal);
    private readonly SortedSet<KeyAddress> _changedKeys = [];
    private readonly HashSet<ResolvedKey> _schemaIsFine = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<KeyAddress, IReadOnlyList<string>> _special = [];
    private readonly Dictionary<(string Code, string Document, string Key, string What), SortedSet<string>> _byNodes = [];

    private Planner(Fleet before, Fleet after, ImmutableArray<Edit> edits, ResolutionInputs inputs, ProblemList problems)
    {
        (_before, _after, _edits, _inputs, _problems) = (before, after, edits, inputs, problems);
    }

    public static Plan Plan(Fleet before, Change change, ReleaseNote note, ResolutionInputs inputs)
    {
        var problems = new ProblemList();
        var record = new ChangeRecord(change, note);
        if (EditChecks.Check(before.State, record, problems) is not { } state)
            return new() { Problems = problems.ToArray(), ProblemsNotListed = problems.NotListed };
        Fleet after = before.Advance(Publishing.Stamp(before.State, state, record), change.Edits);
        var planner = new Planner(before, after, change.Edits, inputs, problems);
        Impact impact = planner.Run();
        bool failed = problems.HasErrors;
        return new()
        {
            Problems = problems.ToArray(),
            ProblemsNotListed = problems.NotListed,
            Impact = impact,
            After = failed ? null : after,
            Record = failed ? null : record with { CheckedAt = before.State.Release },
        };
    }

    /// <summary>Nodes that were of one class and are of one class.</summary>
    private sealed record Cohort(NodeClass? Before, NodeClass After, IReadOnlyList<string> Nodes)
    {
        public bool HasMoved => Before is null || !Before.Assignment.Equals(After.Assignment);
    }

    private Impact Run()
    {
        SortedSet<KeyAddress> touched = TouchedKeys(out bool everything);
        List<Cohort> cohorts = Cohorts();
        SortedSet<KeyAddress>? all = everything || cohorts.Any(c => c.HasMoved) ? AllKeys() : null;
        foreach (Cohort cohort in cohorts)
        {
            foreach (KeyAddress key in everything || cohort.HasMoved ? all! : touched)   // made just above
                Visit(cohort, key);
        }
        foreach (KeyAddress key in all ?? touched)
            CheckUniform(key);
        foreach (((string code, string document, string key, string what), SortedSet<string> nodes) in _byNodes.OrderBy(p => p.Key.Document, StringComparer.Ordinal).ThenBy(p => p.Key.Key, StringComparer.Ordinal).ThenBy(p => p.Key.What, StringComparer.Ordinal))
            _problems.Add(new(code, $"{what} ({(nodes.Count == 1 ? "1 node" : $"{nodes.Count} nodes")}: {ConfigProblem.Named([.. nodes])})") { Document = document, Key = key, Nodes = [.. nodes] });
        CheckCase();

        return new()
        {
            Nodes = [.. _changedNodes.Order(StringComparer.Ordinal)],
            NodesTotal = _after.State.Nodes.Count,
            Keys = [.. _changedKeys],
            Restarts = _restartedNodes.Count,
            Masked = Masked(),
            NodesAdded = cohorts.Where(c => c.Before is null).Sum(c => c.Nodes.Count),
            NodesRemoved = _before.State.Nodes.Keys.Count(n => !_after.State.Nodes.ContainsKey(n)),
        };
    }

    /// <summary>Keys whose value could change: those edited, those that refer to them, and required keys of documents that begin.</summary>
    private SortedSet<KeyAddress> TouchedKeys(out bool everything)
    {
        everything = _edits.Any(e => e is DimensionsEdit or WeightEdit);
        if (everything)
            return [];
        var seeds = new HashSet<KeyAddress>();
        foreach (Edit edit in _edits)
        {
            switch (edit)
            {
                case EntryEdit entry: seeds.Add(new(entry.Document, entry.Key)); break;
                case SchemaEdit schema: seeds.Add(new(schema.Document, schema.Key)); break;
                case NodeEdit node:
                    seeds.UnionWith(_before.References.HoldersOfNode(node.Node));
                    seeds.UnionWith(_after.References.HoldersOfNode(node.Node));
                    break;
            }
        }
        foreach (string document in new Change(0, _edits).Documents())
        {
            foreach ((string key, KeySchema schema) in _after.State.Document(document).Schemas)
            {
                if (schema.Required)
                    seeds.Add(new(document, key));
            }
        }
        SortedSet<KeyAddress> closure = _after.References.Closure(seeds);
        closure.UnionWith(_before.References.Closure(seeds));
        return closure;
    }

    private SortedSet<KeyAddress> AllKeys()
    {
        var all = new SortedSet<KeyAddress>();
        foreach ((string document, DocumentView view) in _before.Views.Concat(_after.Views))
        {
            foreach (string key in view.Keys.Names)
                all.Add(new(document, key));
        }
        foreach ((string document, DocumentState state) in _after.State.Documents)
        {
            foreach ((string key, KeySchema schema) in state.Schemas)
            {
                if (schema.Required)
                    all.Add(new(document, key));
            }
        }
        return all;
    }

    private List<Cohort> Cohorts()
    {
        if (!_edits.Any(e => e is NodeEdit))
            return [.. _after.Classes.Classes.Select(c => new Cohort(_before.Classes.Of(c.Assignment), c, c.Nodes))];
        return
        [
            .. _after.State.Nodes.Keys.GroupBy(n => (_before.ClassOf(n), _after.ClassOf(n)!))   // it is a node of this state
                .Select(g => new Cohort(g.Key.Item1, g.Key.Item2, [.. g])),
        ];
    }

    private void Visit(Cohort cohort, KeyAddress key)
    {
        ResolvedKey? before = cohort.Before is null ? null : _before.Resolve(cohort.Before, null, key);
        ResolvedKey? after = _after.Resolve(cohort.After, null, key);
        Fleet.ClassEvaluation evaluatedBefore = cohort.Before is null ? Fleet.ClassEvaluation.Absent : _before.EvaluateClass(cohort.Before, key);
        Fleet.ClassEvaluation evaluatedAfter = _after.EvaluateClass(cohort.After, key);
        bool local = evaluatedBefore.IsLocal || evaluatedAfter.IsLocal;

        IReadOnlyList<string> special = local ? cohort.Nodes : SpecialNodes(cohort, key, evaluatedBefore, evaluatedAfter);
        if (special.Count < cohort.Nodes.Count)
        {
            HashSet<string> apart = [.. special];
            IReadOnlyList<string> rest = apart.Count == 0 ? cohort.Nodes : [.. cohort.Nodes.Where(n => !apart.Contains(n))];
            Judge(key, after, evaluatedBefore.Result, evaluatedAfter.Result, rest, ReferenceEquals(before, after));
        }
        foreach (string node in special)
        {
            Evaluated nodeBefore = cohort.Before is null ? Evaluated.Absent : _before.EvaluateFor(node, cohort.Before, key, _inputs);
            Evaluated nodeAfter = _after.EvaluateFor(node, cohort.After, key, _inputs);
            Judge(key, _after.Resolve(cohort.After, node, key), nodeBefore, nodeAfter, [node], same: false);
        }
    }

    /// <summary>Nodes of the cohort that have an entry of their own for the key, or for one that it depends on.</summary>
    private IReadOnlyList<string> SpecialNodes(Cohort cohort, KeyAddress key, Fleet.ClassEvaluation before, Fleet.ClassEvaluation after)
    {
        HashSet<string>? special = null;
        foreach (KeyAddress depended in before.Used.Concat(after.Used).Append(key))
        {
            foreach (string node in NodesWithOwn(depended))
                (special ??= new(StringComparer.Ordinal)).Add(node);
        }
        return special is null ? [] : [.. cohort.Nodes.Where(special.Contains)];
    }

    private IReadOnlyList<string> NodesWithOwn(KeyAddress key)
    {
        if (!_special.TryGetValue(key, out IReadOnlyList<string>? nodes))
            _special[key] = nodes = [.. Own(_before).Concat(Own(_after)).Distinct(StringComparer.Ordinal)];
        return nodes;

        IReadOnlyList<string> Own(Fleet fleet) => fleet.ViewOf(key.Document) is { } view && view.Keys[key.Key] is >= 0 and int number ? view.NodesWithOwn(number) : [];
    }

    private void Judge(KeyAddress key, ResolvedKey? resolved, Evaluated before, Evaluated after, IReadOnlyList<string> nodes, bool same)
    {
        KeySchema schema = _after.State.Document(key.Document).SchemaOf(key.Key);
        if (!(same && ReferenceEquals(before.Value, after.Value)) && !Equals((before.Value, before.IsPending), (after.Value, after.IsPending)))
        {
            _changedNodes.UnionWith(nodes);
            _changedKeys.Add(key);
            if (schema.Apply == ApplyKind.Restart)
                _restartedNodes.UnionWith(nodes);
        }
        if (resolved?.Ambiguity is { } tie)
            Report(ProblemCodes.Ambiguous, key, nodes, $"{key} has two values of equal precedence: {Written(schema, tie.First)} and {Written(schema, tie.Second)}. Give {WeightsOf(tie)} different weights, or set the key in a more specific scope");
        if (resolved is { Blocked.IsEmpty: false })
            Report(ProblemCodes.Final, key, nodes, $"{key} is final at {Text(resolved.Winner.Scope)}, and {string.Join(" and ", resolved.Blocked.Select(b => Written(schema, b)))} would override it. Delete {(resolved.Blocked.Length == 1 ? "that entry" : "those entries")}, or make the final one a plain set");
        if (after.Problem is { } problem)
            Report(problem.Code, key, nodes, problem.Message.TrimEnd('.'));
        else if (after.Value is { } value)
            CheckSchema(key, resolved, schema, value, after.IsPending, nodes);
        else if (schema is { Required: true, ProgramDefault: null } && nodes.Any(n => HasAnything(n, key.Document)))
            Report(ProblemCodes.Schema, key, [.. nodes.Where(n => HasAnything(n, key.Document))], $"{key} is required, but nothing gives it a value. Set it at *, or drop required from its schema");
    }

    private void CheckSchema(KeyAddress key, ResolvedKey? resolved, KeySchema schema, Value value, bool isPending, IReadOnlyList<string> nodes)
    {
        if (isPending || (resolved is { HasTemplate: false } && !_schemaIsFine.Add(resolved)))
            return;   // a secret's value is not known here; a shared constant was checked
        if (SchemaChecks.Problem(schema, value) is { } problem)
        {
            if (resolved is not null)
                _schemaIsFine.Remove(resolved);
            Report(ProblemCodes.Schema, key, nodes, $"{key}: {problem}");
        }
    }

    private bool HasAnything(string node, string document) => _after.ViewOf(document) is { } view && _after.ClassOf(node) is { } nodeClass
        && (view.Of(nodeClass).Values.Any(v => v is { IsAbsent: false }) || view.OverlayOf(node) is not null);

    /// <summary>Every value of the dimension must see one value of the key, over all its nodes.</summary>
    private void CheckUniform(KeyAddress key)
    {
        if (_after.State.Document(key.Document).SchemaOf(key.Key).Uniform is not { } dimension)
            return;
        var groups = new SortedDictionary<string, List<(Value? Value, List<string> Nodes)>>(StringComparer.Ordinal);
        foreach (NodeClass nodeClass in _after.Classes.Classes)
        {
            IEnumerable<string> values = dimension == _after.State.Dimensions.NodeDimension ? [] : nodeClass.Assignment[dimension];
            foreach (string value in values)
            {
                if (!groups.TryGetValue(value, out List<(Value?, List<string>)>? group))
                    groups[value] = group = [];
                foreach (string node in nodeClass.Nodes)
                {
                    Evaluated evaluated = _after.EvaluateFor(node, nodeClass, key, _inputs);
                    if (evaluated.Problem is not null)
                        continue;   // reported where it was found
                    int at = group.FindIndex(g => Equals(g.Item1, evaluated.Value));
                    if (at < 0)
                        group.Add((evaluated.Value, [node]));
                    else
                        group[at].Item2.Add(node);
                }
            }
        }
        bool secret = _after.State.Document(key.Document).SchemaOf(key.Key).Secret;
        foreach ((string value, List<(Value? Value, List<string> Nodes)> group) in groups)
        {
            if (group.Count < 2)
                continue;
            group.Sort((a, b) => b.Nodes.Count != a.Nodes.Count ? b.Nodes.Count.CompareTo(a.Nodes.Count) : string.CompareOrdinal(a.Value?.ToString(), b.Value?.ToString()));
            IEnumerable<string> lines = group.Take(Limits.NodesNamedMax).Select((g, i) =>
                $"{(secret ? $"value {i + 1}" : g.Value is null ? "no value" : ValueChecks.Shown(g.Value.ToString()))} on {g.Nodes.Count} ({ConfigProblem.Named([.. g.Nodes.Order(StringComparer.Ordinal)])}) from {Origin(key, g.Nodes[0])}");
            string[] odd = [.. group.Skip(1).SelectMany(g => g.Nodes).Order(StringComparer.Ordinal)];
            _problems.Add(new(ProblemCodes.Uniform, $"{key} must be equal within {dimension}={value}: {string.Join("; ", lines)}. Set it for the whole {dimension}, or move the nodes.")
            {
                Document = key.Document,
                Key = key.Key,
                Nodes = [.. odd],
            });
        }
    }

    private string Origin(KeyAddress key, string node) =>
        _after.ClassOf(node) is { } nodeClass && _after.Resolve(nodeClass, node, key) is { } resolved ? Text(resolved.Winner.Scope) : "nowhere";

    private void CheckCase()
    {
        foreach (IGrouping<string, EntryEdit> group in _edits.OfType<EntryEdit>().Where(e => e.Entry is not null).GroupBy(e => e.Document))
        {
            if (_after.ViewOf(group.Key) is not { } view)
                continue;
            ILookup<string, string> names = view.Keys.Names.ToLookup(n => n, StringComparer.OrdinalIgnoreCase);
            foreach (string key in group.Select(e => e.Key).Distinct(StringComparer.Ordinal))
            {
                if (names[key].FirstOrDefault(n => n != key && view.State.Scopes.Values.Any(s => s.ContainsKey(n))) is { } twin)
                    _problems.Add(new(ProblemCodes.Case, $"{group.Key} has the keys {twin} and {key}, which differ only by case. Programs that ignore case read one of them.") { Document = group.Key, Key = key });
            }
        }
    }

    private ImmutableArray<string> Masked()
    {
        var masked = new SortedSet<string>(StringComparer.Ordinal);
        foreach (EntryEdit edit in _edits.OfType<EntryEdit>().Where(e => e.Entry is not null).Take(20))   // of a mass change nobody reads which nodes keep their own
        {
            foreach (NodeClass nodeClass in _after.Classes.Classes.Where(c => c.Matches(edit.Scope, _after.State.Dimensions.NodeDimension)))
            {
                string? only = edit.Scope.ValueOf(_after.State.Dimensions.NodeDimension);
                bool shared = Hides(_after.Resolve(nodeClass, null, new(edit.Document, edit.Key)));
                IReadOnlyList<string> own = NodesWithOwn(new(edit.Document, edit.Key));
                if (shared && only is null)
                    masked.UnionWith(nodeClass.Nodes.Except(own, StringComparer.Ordinal));
                foreach (string node in nodeClass.Nodes.Intersect(own, StringComparer.Ordinal))
                {
                    if ((only is null || only == node) && Hides(_after.Resolve(nodeClass, node, new(edit.Document, edit.Key))))
                        masked.Add(node);
                }
            }

            bool Hides(ResolvedKey? resolved) => resolved is not null && !resolved.Parts.Any(p => p.Scope.Equals(edit.Scope));
        }
        masked.ExceptWith(_changedNodes);
        return [.. masked];
    }

    private void Report(string code, KeyAddress key, IReadOnlyList<string> nodes, string what)
    {
        if (!_byNodes.TryGetValue((code, key.Document, key.Key, what), out SortedSet<string>? known))
            _byNodes[(code, key.Document, key.Key, what)] = known = new(StringComparer.Ordinal);
        known.UnionWith(nodes);
    }

    private string WeightsOf(ResolvedKey.Tie tie) =>
        string.Join(" and ", tie.First.Scope.Pairs.Where(p => tie.Second.Scope.ValueOf(p.Dimension) != p.Value).SelectMany(p => new[] { $"{p.Dimension}={p.Value}", $"{p.Dimension}={tie.Second.Scope.ValueOf(p.Dimension)}" }));

    private string Written(KeySchema schema, Contribution contribution)
    {
        string op = contribution.Entry.Op.ToString().ToLowerInvariant();
        return contribution.Entry.Op == EntryOp.Unset ? $"unset at {Text(contribution.Scope)}" : $"{op} {SchemaChecks.Shown(schema, contribution.Entry.Value)} at {Text(contribution.Scope)}";
    }

    private string Text(Scope scope) => _after.State.Dimensions.TextOf(scope);
}
