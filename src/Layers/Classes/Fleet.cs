using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>A state, resolved: what every node gets of every document at one release. Immutable for its users; safe for any number of threads.</summary>
/// <remarks>
/// Nodes are grouped into classes, which share resolved keys; nodes with entries of their own have sparse overlays. References are followed when a
/// document is asked for: once per class where the result does not depend on the node.
/// </remarks>
public sealed partial class Fleet
{
    private readonly ClassTable _classes;
    private readonly ImmutableSortedDictionary<string, DocumentView> _documents;
    private readonly ReferenceIndex _references;

    // Filled on demand. Whoever computes the same thing twice computes an equal thing.
    private readonly ConcurrentDictionary<(Assignment Class, string Document, string Key), ClassEvaluation> _evaluations = new();
    private readonly ConcurrentDictionary<(Assignment Class, string Document), ClassDocument> _classDocuments = new();

    /// <summary>Which fleet another node is on, where not all are on one.</summary>
    private Func<string, Fleet>? _others;

    private Fleet(ConfigState state, ClassTable classes, ImmutableSortedDictionary<string, DocumentView> documents, ReferenceIndex references)
    {
        (State, _classes, _documents, _references) = (state, classes, documents, references);
    }

    public ConfigState State { get; }

    public int ClassCount => _classes.Classes.Count;

    internal ClassTable Classes => _classes;

    internal ReferenceIndex References => _references;

    /// <summary>Resolves everything from nothing.</summary>
    public static Fleet Of(ConfigState state)
    {
        ClassTable classes = ClassTable.Of(state.Nodes);
        return new(state, classes, state.Documents.ToImmutableSortedDictionary(d => d.Key, d => DocumentView.Build(state, d.Value, classes), StringComparer.Ordinal), ReferenceIndex.Of(state));
    }

    /// <summary>The fleet after the edits that led from this state to <paramref name="next"/>. Costs what they touch.</summary>
    public Fleet Advance(ConfigState next, ImmutableArray<Edit> edits)
    {
        if (edits.Any(e => e is DimensionsEdit or WeightEdit))
            return Of(next);
        bool nodesChanged = edits.Any(e => e is NodeEdit);
        ClassTable classes = nodesChanged ? ClassTable.Of(next.Nodes) : _classes;
        var documents = _documents.ToBuilder();
        foreach (IGrouping<string?, Edit> group in edits.GroupBy(e => e switch { EntryEdit entry => entry.Document, SchemaEdit schema => schema.Document, _ => null }))
        {
            if (group.Key is not { } name)
                continue;
            if (!next.Documents.TryGetValue(name, out DocumentState? document))
                documents.Remove(name);
            else if (documents.TryGetValue(name, out DocumentView? view) && group.Count() <= 2000)
                documents[name] = view.Advance(document, group, _classes);
            else
                documents[name] = DocumentView.Build(next, document, _classes);   // many edits: from nothing is as fast
        }
        if (nodesChanged)
        {
            foreach (string name in documents.Keys.ToArray())
                documents[name] = documents[name].WithNodes(next, classes);
        }
        return new(next, classes, documents.ToImmutable(), _references.Advance(State, next, edits.OfType<EntryEdit>()));
    }

    /// <summary>The same, for nodes of which each may be on another fleet: references to a node see the one that it is on.</summary>
    /// <param name="fleetOf">The fleet of a node, made by this method too. Asked while something is evaluated, never here.</param>
    public Fleet Among(Func<string, Fleet> fleetOf) => new(State, _classes, _documents, _references) { _others = fleetOf };

    /// <summary>Whether any value refers to a node by its name.</summary>
    public bool NamesNodes => _references.NamesNodes;

    /// <summary>The class of a node, or null when there is no such node.</summary>
    public NodeClass? ClassOf(string node) => _classes.OfNode(node);

    /// <summary>What the node gets of the document.</summary>
    /// <returns>Null when there is no such node: then nothing may be rendered, least of all defaults. A document that nobody wrote is empty.</returns>
    public EffectiveDocument? Effective(string node, string document, ResolutionInputs inputs) =>
        WithoutVersions(node, document, inputs) is { } effective ? inputs.Secrets.Stamp(effective) : null;

    private EffectiveDocument? WithoutVersions(string node, string document, ResolutionInputs inputs)
    {
        if (_classes.OfNode(node) is not { } nodeClass)
            return null;
        if (!_documents.TryGetValue(document, out DocumentView? view))
            return new(document, State.Release, [], []);
        ClassDocument shared = ClassDocumentOf(nodeClass, document, view);
        Overlay? overlay = view.OverlayOf(node);
        if (overlay is null && !shared.HasLocal && !shared.UsedElsewhere.Any(k => HasOwn(node, k)))
            return shared.Document;

        var evaluator = new Evaluator(new NodeSource(this, nodeClass, node), inputs, document);
        var entries = ImmutableArray.CreateBuilder<EffectiveEntry>(shared.Rows.Length);
        var problems = ImmutableArray.CreateBuilder<ConfigProblem>();
        foreach (int key in view.Keys.InOrder)
        {
            ResolvedKey? own = overlay?[key];
            ClassDocument.Row row = shared.Rows[key];
            if (own is null && (row.Evaluation is null || IsShared(row.Evaluation, node)))
            {
                if (row.Entry is not null)
                    entries.Add(row.Entry);
                else if (row.Evaluation?.Result.Problem is { } sharedProblem)
                    problems.Add(sharedProblem);
                continue;
            }
            Evaluated evaluated = evaluator.Evaluate((own ?? view.Of(nodeClass)[key])!);   // a row with an evaluation has a resolved key
            if (evaluated.Problem is { } problem)
                problems.Add(problem with { Document = document, Key = view.Keys.Names[key], Nodes = [node] });
            else if (evaluated.Value is { } value)
                entries.Add(new(view.Keys.Names[key], value, evaluated.IsPending));
        }
        return new(document, State.Release, entries.ToImmutable(), problems.ToImmutable());
    }

    /// <summary>One key of one node, references followed. Absent when nothing gives it a value.</summary>
    public Evaluated EffectiveKey(string node, string document, string key, ResolutionInputs inputs)
    {
        if (_classes.OfNode(node) is not { } nodeClass || !_documents.TryGetValue(document, out DocumentView? view))
            return Evaluated.Absent;
        return inputs.Secrets.Stamp(EvaluateFor(node, nodeClass, new(document, key), inputs));
    }

    /// <summary>Delivers deltas from this release to a later one: see <see cref="FleetDelta"/>.</summary>
    public FleetDelta DeltaTo(Fleet next, ResolutionInputs before, ResolutionInputs after) => new(this, next, before, after);

    internal DocumentView? ViewOf(string document) => _documents.GetValueOrDefault(document);

    internal IEnumerable<(string Name, DocumentView View)> Views => _documents.Select(d => (d.Key, d.Value));

    internal ResolvedKey? Resolve(NodeClass nodeClass, string? node, KeyAddress key) =>
        _documents.TryGetValue(key.Document, out DocumentView? view) && view.Keys[key.Key] is >= 0 and int number ? view.Find(nodeClass, node, number) : null;

    /// <summary>What a class evaluates a key to, with what that depends on.</summary>
    internal ClassEvaluation EvaluateClass(NodeClass nodeClass, KeyAddress key)
    {
        if (Resolve(nodeClass, null, key) is not { } resolved)
            return ClassEvaluation.Absent;
        if (!resolved.HasTemplate)
            return new(resolved.Constant is null ? Evaluated.Absent : new(resolved.Constant), false, []);
        if (_evaluations.TryGetValue((nodeClass.Assignment, key.Document, key.Key), out ClassEvaluation? known))
            return known;
        var evaluator = new Evaluator(new NodeSource(this, nodeClass, null), ResolutionInputs.None, key.Document);
        Evaluated result = evaluator.Evaluate(resolved);
        if (result.Problem is { } problem)
            result = result with { Problem = problem with { Document = key.Document, Key = key.Key } };
        var evaluation = new ClassEvaluation(result, evaluator.IsLocal, [.. evaluator.Used.Select(u => new KeyAddress(u.Document, u.Key)).Where(u => u != key)]);
        return _evaluations.GetOrAdd((nodeClass.Assignment, key.Document, key.Key), evaluation);
    }

    internal Evaluated EvaluateFor(string node, NodeClass nodeClass, KeyAddress key, ResolutionInputs inputs)
    {
        if (!HasOwn(node, key))
        {
            ClassEvaluation shared = EvaluateClass(nodeClass, key);
            if (IsShared(shared, node))
                return shared.Result;
        }
        if (Resolve(nodeClass, node, key) is not { } resolved)
            return Evaluated.Absent;
        Evaluated evaluated = new Evaluator(new NodeSource(this, nodeClass, node), inputs, key.Document).Evaluate(resolved);
        return evaluated.Problem is { } problem ? evaluated with { Problem = problem with { Document = key.Document, Key = key.Key, Nodes = [node] } } : evaluated;
    }

    internal bool HasOwn(string node, KeyAddress key) =>
        _documents.TryGetValue(key.Document, out DocumentView? view) && view.OverlayOf(node) is { } overlay && view.Keys[key.Key] is >= 0 and int number && overlay[number] is not null;

    /// <summary>Keys of the document that the node does not simply share with its class.</summary>
    internal void AddOwnKeys(SortedSet<string> own, string node, string document, ClassDocument shared)
    {
        DocumentView view = _documents[document];
        foreach (int key in view.OverlayOf(node)?.Keys ?? [])
            own.Add(view.Keys.Names[key]);
        foreach (int key in shared.Evaluated)
        {
            if (shared.Rows[key].Evaluation is { } evaluation && !IsShared(evaluation, node))
                own.Add(view.Keys.Names[key]);
        }
    }

    private bool IsShared(ClassEvaluation evaluation, string node)
    {
        if (evaluation.IsLocal)
            return false;
        foreach (KeyAddress used in evaluation.Used)
        {
            if (HasOwn(node, used))
                return false;
        }
        return true;
    }

    internal ClassDocument ClassDocumentOf(NodeClass nodeClass, string document) => ClassDocumentOf(nodeClass, document, _documents[document]);

    private ClassDocument ClassDocumentOf(NodeClass nodeClass, string document, DocumentView view)
    {
        if (_classDocuments.TryGetValue((nodeClass.Assignment, document), out ClassDocument? known))
            return known;
        var rows = new ClassDocument.Row[view.Keys.Names.Length];
        var entries = ImmutableArray.CreateBuilder<EffectiveEntry>(rows.Length);
        var problems = ImmutableArray.CreateBuilder<ConfigProblem>();
        var used = new HashSet<KeyAddress>();
        var evaluated = ImmutableArray.CreateBuilder<int>();
        bool hasLocal = false;
        ClassView values = view.Of(nodeClass);
        foreach (int key in view.Keys.InOrder)
        {
            if (values[key] is not { IsAbsent: false } resolved)
                continue;
            ClassEvaluation? evaluation = resolved.HasTemplate ? EvaluateClass(nodeClass, new(document, resolved.Key)) : null;
            EffectiveEntry? entry = evaluation is null ? new(resolved.Key, resolved.Constant!, false)   // neither absent nor a template: a constant
                : evaluation.Result.Value is { } value ? new(resolved.Key, value, evaluation.Result.IsPending) : null;
            rows[key] = new(entry, evaluation);
            if (entry is not null)
                entries.Add(entry);
            if (evaluation is null)
                continue;
            evaluated.Add(key);
            hasLocal |= evaluation.IsLocal;
            used.UnionWith(evaluation.Used);
            if (evaluation.Result.Problem is { } problem)
                problems.Add(problem);
        }
        var made = new ClassDocument(new(document, State.Release, entries.ToImmutable(), problems.ToImmutable()) { IsShared = true }, rows, hasLocal, [.. used], evaluated.ToImmutable());
        return _classDocuments.GetOrAdd((nodeClass.Assignment, document), made);
    }

    /// <summary>A key's value for a class.</summary>
    /// <param name="Result">The value; meaningless when local.</param>
    /// <param name="IsLocal">It depends on the node or on inputs.</param>
    /// <param name="Used">Keys of the same node that it depends on: a node that has one of its own evaluates anew.</param>
    internal sealed record ClassEvaluation(Evaluated Result, bool IsLocal, ImmutableArray<KeyAddress> Used)
    {
        public static readonly ClassEvaluation Absent = new(Evaluated.Absent, false, []);
    }

    /// <summary>A document as a class has it.</summary>
    /// <param name="Document">For nodes that have nothing of their own.</param>
    /// <param name="Rows">By key number.</param>
    /// <param name="HasLocal">Some key depends on the node or on inputs.</param>
    /// <param name="UsedElsewhere">Keys that evaluated ones depend on.</param>
    /// <param name="Evaluated">Numbers of the keys with references.</param>
    internal sealed record ClassDocument(EffectiveDocument Document, ClassDocument.Row[] Rows, bool HasLocal, ImmutableArray<KeyAddress> UsedElsewhere, ImmutableArray<int> Evaluated)
    {
        /// <summary>One key; the evaluation is null for constants.</summary>
        internal readonly record struct Row(EffectiveEntry? Entry, ClassEvaluation? Evaluation);
    }

    private sealed class NodeSource(Fleet fleet, NodeClass nodeClass, string? node) : IKeySource
    {
        public string? Node => node;

        public Dimensions Dimensions => fleet.State.Dimensions;

        public ResolvedKey? Find(string document, string key) => fleet.Resolve(nodeClass, node, new(document, key));

        public ImmutableArray<string> Assigned(string dimension) => nodeClass.Assignment[dimension];

        public IKeySource? Other(string other)
        {
            Fleet theirs = fleet._others?.Invoke(other) ?? fleet;
            return theirs._classes.OfNode(other) is { } otherClass ? new NodeSource(theirs, otherClass, other) : null;
        }
    }
}

/// <summary>Deltas from one release to another, computed once per pair of classes and shared by the nodes that have nothing of their own.</summary>
public sealed class FleetDelta
{
    private readonly Fleet _from, _to;
    private readonly ResolutionInputs _before, _after;
    private readonly ConcurrentDictionary<(EffectiveDocument From, EffectiveDocument To), DocumentDelta> _shared = new();

    internal FleetDelta(Fleet from, Fleet to, ResolutionInputs before, ResolutionInputs after)
    {
        (_from, _to, _before, _after) = (from, to, before, after);
    }

    /// <summary>How many different deltas were made so far.</summary>
    public int SharedCount => _shared.Count;

    /// <returns>Null when the node is not in both releases: send the whole document, or nothing.</returns>
    public DocumentDelta? For(string node, string document)
    {
        if (_from.ClassOf(node) is not { } classFrom || _to.ClassOf(node) is not { } classTo)
            return null;
        if (_from.ViewOf(document) is null || _to.ViewOf(document) is null)
            return DocumentDelta.Between(_from.Effective(node, document, _before)!, _to.Effective(node, document, _after)!);   // the node is in both
        Fleet.ClassDocument sharedFrom = _from.ClassDocumentOf(classFrom, document), sharedTo = _to.ClassDocumentOf(classTo, document);
        DocumentDelta shared = _shared.GetOrAdd((_before.Secrets.Stamp(sharedFrom.Document), _after.Secrets.Stamp(sharedTo.Document)), static pair => DocumentDelta.Between(pair.From, pair.To));
        var own = new SortedSet<string>(StringComparer.Ordinal);
        _from.AddOwnKeys(own, node, document, sharedFrom);
        _to.AddOwnKeys(own, node, document, sharedTo);
        if (own.Count == 0)
            return shared;

        List<EffectiveEntry> changed = [.. shared.Changed.Where(e => !own.Contains(e.Key))];
        List<string> gone = [.. shared.Gone.Where(k => !own.Contains(k))];
        foreach (string key in own)
        {
            ResolvedKey? before = _from.Resolve(classFrom, node, new(document, key)), after = _to.Resolve(classTo, node, new(document, key));
            if (ReferenceEquals(before, after) && before is { HasTemplate: false })
                continue;
            Evaluated old = _before.Secrets.Stamp(_from.EvaluateFor(node, classFrom, new(document, key), _before)), now = _after.Secrets.Stamp(_to.EvaluateFor(node, classTo, new(document, key), _after));
            if (now.Value is null && old.Value is not null)
                gone.Add(key);
            else if (now.Value is { } value && !(value.Equals(old.Value) && now.IsPending == old.IsPending))
                changed.Add(new(key, value, now.IsPending));
        }
        changed.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        gone.Sort(StringComparer.Ordinal);
        return new(document, shared.From, shared.To, [.. changed], [.. gone]);
    }
}
