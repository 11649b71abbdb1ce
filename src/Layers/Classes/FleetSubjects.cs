using System.Collections.Immutable;

namespace Conclave.Layers;

// The same questions for a node that is only thought of, and where a value comes from.
public sealed partial class Fleet
{
    /// <summary>The entry that wins for a key of a node; null where nobody says anything.</summary>
    public Contribution? WinnerOf(string node, string document, string key) =>
        _classes.OfNode(node) is { } nodeClass ? Resolve(nodeClass, node, new(document, key))?.Winner : null;

    /// <summary>The same for anybody with these values: the answer finds the winner of each key.</summary>
    public Func<string, Contribution?> WinnersAs(Assignment assignment, string document)
    {
        var source = new ThoughtSource(this, assignment);
        return key => source.Find(document, key)?.Winner;
    }

    /// <summary>Why anybody with these values would have this value.</summary>
    public Explanation ExplainAs(Assignment assignment, string document, string key, ResolutionInputs inputs)
    {
        var source = new ThoughtSource(this, assignment);
        ResolvedKey? resolved = source.Find(document, key);
        var entries = ImmutableArray.CreateBuilder<ExplainedEntry>();
        if (_documents.TryGetValue(document, out DocumentView? view) && view.Keys[key] is >= 0 and int number)
        {
            foreach (Layer layer in view.StackOf(assignment, null).Layers.Reverse())
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
            Node = "",
            Document = document,
            Key = key,
            Release = State.Release,
            Result = resolved is null ? Evaluated.Absent : inputs.Secrets.Stamp(new Evaluator(source, inputs, document).Evaluate(resolved)),
            Schema = State.Document(document).SchemaOf(key),
            Entries = entries.ToImmutable(),
            UsedBy = WhoUses(document, key),
        };
    }

    /// <summary>The entries whose values refer to a key, in order of documents, keys and scopes.</summary>
    public IEnumerable<Found> EntriesThatUse(string document, string key)
    {
        foreach (KeyAddress holder in _references.HoldersOf(new(document, key)))
        {
            foreach ((Scope scope, ImmutableSortedDictionary<string, Entry> entries) in State.Document(holder.Document).Scopes)
            {
                if (entries.TryGetValue(holder.Key, out Entry? entry) && Template.ReferencesOf(entry.Value).Any(r => r.Kind is ReferenceKind.Key or ReferenceKind.Document or ReferenceKind.Node
                    && (r.Document ?? holder.Document) == document && r.Name == key))
                    yield return new(holder.Document, State.Dimensions.TextOf(scope), holder.Key, entry);
            }
        }
    }

    /// <summary>Keys that are called secret, and keys whose values are made of such: what must not be shown.</summary>
    public IReadOnlySet<KeyAddress> SecretKeys() => _references.Closure(State.Documents.SelectMany(d => d.Value.Schemas.Where(s => s.Value.Secret).Select(s => new KeyAddress(d.Key, s.Key))));
}
