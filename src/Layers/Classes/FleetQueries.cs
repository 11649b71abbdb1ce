using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>A key on which two nodes differ; null is no value.</summary>
public sealed record Difference(string Key, Evaluated First, Evaluated Second);

/// <summary>An entry that a search found.</summary>
public sealed record Found(string Document, string Scope, string Key, Entry Entry);

// The questions of operators: why, who else, where.
public sealed partial class Fleet
{
    /// <summary>Why the node has this value.</summary>
    /// <returns>Null when there is no such node.</returns>
    public Explanation? Explain(string node, string document, string key, ResolutionInputs inputs)
    {
        if (_classes.OfNode(node) is not { } nodeClass)
            return null;
        DocumentState state = State.Document(document);
        var entries = ImmutableArray.CreateBuilder<ExplainedEntry>();
        if (_documents.TryGetValue(document, out DocumentView? view) && view.Keys[key] is >= 0 and int number)
        {
            ResolvedKey? resolved = view.Find(nodeClass, node, number);
            foreach (Layer layer in view.StackOf(nodeClass.Assignment, node).Layers.Reverse())
            {
                if (layer.Find(number) is not { } contribution)
                    continue;
                EntryFate fate = resolved is null ? EntryFate.Hidden
                    : ReferenceEquals(resolved.Winner.Entry, contribution.Entry) ? EntryFate.Wins
                    : resolved.Parts.Any(p => ReferenceEquals(p.Entry, contribution.Entry)) ? EntryFate.Merged
                    : resolved.Blocked.Any(p => ReferenceEquals(p.Entry, contribution.Entry)) ? EntryFate.Blocked
                    : EntryFate.Hidden;
                entries.Add(new(State.Dimensions.TextOf(layer.Scope), contribution.Entry, fate, State.Notes.GetValueOrDefault(contribution.Entry.Release)));
            }
        }
        return new()
        {
            Node = node,
            Document = document,
            Key = key,
            Release = State.Release,
            Result = EffectiveKey(node, document, key, inputs),
            Schema = state.SchemaOf(key),
            Entries = entries.ToImmutable(),
            UsedBy = WhoUses(document, key),
        };
    }

    /// <summary>Keys whose entries refer to this one, in any scope.</summary>
    public ImmutableArray<KeyAddress> WhoUses(string document, string key) => [.. _references.HoldersOf(new(document, key))];

    /// <summary>The keys on which two nodes differ, in order; empty when they agree.</summary>
    /// <param name="first">A node.</param>
    /// <param name="second">Another.</param>
    /// <param name="document">The document.</param>
    /// <param name="selected">Which keys to look at.</param>
    /// <param name="inputs">Facts of both.</param>
    /// <returns>Null when one of the nodes does not exist.</returns>
    public ImmutableArray<Difference>? Compare(string first, string second, string document, Func<string, bool> selected, ResolutionInputs inputs)
    {
        if (_classes.OfNode(first) is null || _classes.OfNode(second) is null)
            return null;
        if (!_documents.TryGetValue(document, out DocumentView? view))
            return [];
        var differences = ImmutableArray.CreateBuilder<Difference>();
        foreach (string key in view.Keys.InOrder.Select(number => view.Keys.Names[number]).Where(selected))
        {
            Evaluated a = EffectiveKey(first, document, key, inputs), b = EffectiveKey(second, document, key, inputs);
            if (a.Problem is not null || b.Problem is not null || a.IsPending != b.IsPending || !Equals(a.Value, b.Value))
                differences.Add(new(key, a, b));
        }
        return differences.ToImmutable();
    }

    /// <summary>Entries whose key, value or comment has the text; at most <see cref="Limits.SearchResultsMax"/>, in order of documents, scopes and keys.</summary>
    /// <remarks>Values of keys that the schema calls secret are not searched.</remarks>
    public ImmutableArray<Found> Search(string text)
    {
        var found = ImmutableArray.CreateBuilder<Found>();
        foreach ((string name, DocumentState document) in State.Documents)
        {
            foreach ((Scope scope, ImmutableSortedDictionary<string, Entry> entries) in document.Scopes)
            {
                foreach ((string key, Entry entry) in entries)
                {
                    if (!key.Contains(text, StringComparison.Ordinal) && !entry.Comment.Contains(text, StringComparison.Ordinal)
                        && (document.SchemaOf(key).Secret || !HasText(entry.Value, text)))
                        continue;
                    found.Add(new(name, State.Dimensions.TextOf(scope), key, entry));
                    if (found.Count == Limits.SearchResultsMax)
                        return found.ToImmutable();
                }
            }
        }
        return found.ToImmutable();
    }

    /// <summary>The document of a node that is only thought of: by criteria, without a node.</summary>
    /// <param name="assignment">Its dimensions' values.</param>
    /// <param name="document">The document.</param>
    /// <param name="inputs">Live members; facts are those of no node, so keys that need them are among the problems.</param>
    public EffectiveDocument EffectiveAs(Assignment assignment, string document, ResolutionInputs inputs)
    {
        if (!_documents.TryGetValue(document, out DocumentView? view))
            return new(document, State.Release, [], []);
        var source = new ThoughtSource(this, assignment);
        var evaluator = new Evaluator(source, inputs, document);
        var entries = ImmutableArray.CreateBuilder<EffectiveEntry>();
        var problems = ImmutableArray.CreateBuilder<ConfigProblem>();
        foreach (string key in view.Keys.InOrder.Select(number => view.Keys.Names[number]))
        {
            if (source.Find(document, key) is not { } resolved)
                continue;
            Evaluated evaluated = evaluator.Evaluate(resolved);
            if (evaluated.Problem is { } problem)
                problems.Add(problem with { Document = document, Key = key });
            else if (evaluated.Value is { } value)
                entries.Add(new(key, value, evaluated.IsPending));
        }
        return inputs.Secrets.Stamp(new EffectiveDocument(document, State.Release, entries.ToImmutable(), problems.ToImmutable()));
    }

    /// <summary>One key as it would be if its schema merged in another way and every set added: the question of <c>lookup --merge</c>.</summary>
    /// <remarks>For comparison with other tools. Which value a node gets is the schema's decision, never the reader's.</remarks>
    public Evaluated EffectiveKeyMergedAs(string node, string document, string key, MergeKind merge, ResolutionInputs inputs)
    {
        if (_classes.OfNode(node) is not { } nodeClass || !_documents.TryGetValue(document, out DocumentView? view) || view.Keys[key] is not (>= 0 and int number))
            return Evaluated.Absent;
        LayerStack stack = view.StackOf(nodeClass.Assignment, node);
        var contributions = new Contribution[stack.Layers.Length];
        var levels = new int[stack.Layers.Length];
        int count = stack.Matching(number, contributions, levels);
        if (count == 0)
            return Evaluated.Absent;
        Contribution[] adding = [.. contributions.Take(count).Select(c => merge != MergeKind.Replace && c.Entry.Op == EntryOp.Set ? c with { Entry = c.Entry with { Op = EntryOp.Append } } : c)];
        return new Evaluator(new NodeSource(this, nodeClass, node), inputs, document).Evaluate(ResolvedKey.Of(key, adding, levels.AsSpan(0, count), merge));
    }

    /// <summary>Every key that some scope gives the node a say on, in order, evaluated or not.</summary>
    public ImmutableArray<string> KeysOf(string document) =>
        _documents.TryGetValue(document, out DocumentView? view) ? [.. view.Keys.InOrder.Select(number => view.Keys.Names[number])] : [];

    private static bool HasText(Value value, string text) => value.Kind switch
    {
        ValueKind.String => value.AsString.Contains(text, StringComparison.Ordinal),
        ValueKind.List => value.Elements.Any(e => HasText(e, text)),
        ValueKind.Map => value.Members.Any(m => m.Key.Contains(text, StringComparison.Ordinal) || HasText(m.Value, text)),
        _ => value.ToString().Contains(text, StringComparison.Ordinal),
    };

    private sealed class ThoughtSource(Fleet fleet, Assignment assignment) : IKeySource
    {
        private readonly Dictionary<string, LayerStack> _stacks = new(StringComparer.Ordinal);
        private readonly KeyPool _pool = new();

        public string? Node => null;

        public Dimensions Dimensions => fleet.State.Dimensions;

        public ResolvedKey? Find(string document, string key)
        {
            if (!fleet._documents.TryGetValue(document, out DocumentView? view) || view.Keys[key] is not (>= 0 and int number))
                return null;
            if (!_stacks.TryGetValue(document, out LayerStack? stack))
                _stacks[document] = stack = view.StackOf(assignment, null);
            return view.Resolve(stack, number, _pool);
        }

        public ImmutableArray<string> Assigned(string dimension) => assignment[dimension];

        public IKeySource? Other(string node) => fleet._classes.OfNode(node) is { } nodeClass ? new NodeSource(fleet, nodeClass, node) : null;
    }
}
