using System.Collections.Immutable;

namespace Conclave.Layers.Serving.Secrets;

/// <summary>Who refers to which secrets.</summary>
public static class SecretUses
{
    /// <summary>Keys whose entries, in any scope of any of the states, refer to each secret.</summary>
    public static ImmutableSortedDictionary<string, ImmutableSortedSet<KeyAddress>> Of(params IReadOnlyList<ConfigState> states)
    {
        var uses = new SortedDictionary<string, SortedSet<KeyAddress>>(StringComparer.Ordinal);
        foreach ((string document, DocumentState content) in states.SelectMany(s => s.Documents))
        {
            foreach (ImmutableSortedDictionary<string, Entry> entries in content.Scopes.Values)
            {
                foreach ((string key, Entry entry) in entries)
                {
                    if (!entry.Value.HasTemplate) continue;
                    foreach (string name in SecretReferences.NamesIn(entry.Value))
                    {
                        if (!uses.TryGetValue(name, out SortedSet<KeyAddress>? users)) uses[name] = users = [];
                        users.Add(new(document, key));
                    }
                }
            }
        }

        return uses.ToImmutableSortedDictionary(u => u.Key, u => u.Value.ToImmutableSortedSet(), StringComparer.Ordinal);
    }

    /// <summary>Secrets that the edits refer to, and that are not there.</summary>
    public static IEnumerable<ConfigProblem> Missing(SpaceSecrets secrets, ConfigState state, IEnumerable<Edit> edits)
    {
        foreach (EntryEdit edit in edits.OfType<EntryEdit>())
        {
            foreach (string name in NamesIn(edit).Where(n => !secrets.All.ContainsKey(n)))
            {
                yield return new(ProblemCodes.Reference, $"{edit.Document} {edit.Key} at {state.Dimensions.TextOf(edit.Scope)}: there is no secret {name}. "
                    + (SecretNames.IsOfEntry(name) ? "It was dropped; write the value again." : $"Write it first: conclave secret set {name}."))
                { Document = edit.Document, Key = edit.Key };
            }
        }
    }

    /// <summary>All secrets that edits refer to.</summary>
    public static ImmutableSortedSet<string> In(IEnumerable<Edit> edits) => edits.OfType<EntryEdit>().SelectMany(NamesIn).ToImmutableSortedSet(StringComparer.Ordinal);

    /// <summary>What the edits bring to where it was not: whoever does this has to be allowed to use it. Values that were sealed for the same key do not count.</summary>
    /// <param name="state">The state before.</param>
    /// <param name="edits">As they were asked for.</param>
    /// <param name="isOwn">Whether a sealed value is the author's own: of a draft, what was sealed for it. Other names of sealed values somebody wrote who knew them.</param>
    public static Brought BroughtIn(ConfigState state, IReadOnlyCollection<Edit> edits, Func<string, bool> isOwn)
    {
        var secrets = ImmutableSortedSet.CreateBuilder<string>(StringComparer.Ordinal);
        var documents = ImmutableSortedSet.CreateBuilder<string>(StringComparer.Ordinal);
        var targets = new Queue<KeyAddress>();
        foreach (EntryEdit edit in edits.OfType<EntryEdit>())
        {
            if (edit.Entry is not { Value.HasTemplate: true } entry) continue;
            Value? before = state.Document(edit.Document).EntryOf(edit.Scope, edit.Key) is { Value.HasTemplate: true } there ? there.Value : null;
            string[] had = before is null ? [] : [.. SecretReferences.NamesIn(before)];
            secrets.UnionWith(SecretReferences.NamesIn(entry.Value).Where(n => !had.Contains(n) && !SecretNames.IsOfKey(n, edit.Document, edit.Key)));
            HashSet<string> followed = before is null ? [] : [.. KeyReferences.In(before).Select(KeyReferences.Meaning)];
            foreach (Reference reference in KeyReferences.In(entry.Value).Where(r => !followed.Contains(KeyReferences.Meaning(r))))
            {
                if (reference.Document is { } other && other != edit.Document) documents.Add(other);
                targets.Enqueue(KeyReferences.TargetOf(reference, edit.Document));
            }
        }

        if (targets.Count > 0) secrets.UnionWith(Behind(targets, state, edits, isOwn));
        return new(secrets.ToImmutable(), documents.ToImmutable());
    }

    /// <summary>Secrets that keys lead to, in whatever scope, when the edits are made.</summary>
    private static HashSet<string> Behind(Queue<KeyAddress> targets, ConfigState state, IEnumerable<Edit> edits, Func<string, bool> isOwn)
    {
        ILookup<KeyAddress, EntryEdit> edited = edits.OfType<EntryEdit>().ToLookup(e => new KeyAddress(e.Document, e.Key));
        var seen = new HashSet<KeyAddress>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        while (targets.TryDequeue(out KeyAddress target))
        {
            if (!seen.Add(target)) continue;
            var entries = new Dictionary<Scope, Entry>();
            foreach (Scope scope in state.Document(target.Document).Scopes.Keys)
            {
                if (state.Document(target.Document).EntryOf(scope, target.Key) is { Value.HasTemplate: true } entry) entries[scope] = entry;
            }

            HashSet<string> before = [.. entries.Values.SelectMany(e => SecretReferences.NamesIn(e.Value))];
            foreach (EntryEdit edit in edited[target])
            {
                if (edit.Entry is { Value.HasTemplate: true } entry) entries[edit.Scope] = entry;
                else entries.Remove(edit.Scope);
            }

            foreach (Entry entry in entries.Values)
            {
                // What a draft brings for this very key is its author's own value.
                names.UnionWith(SecretReferences.NamesIn(entry.Value).Where(n => before.Contains(n) || !SecretNames.IsOfKey(n, target.Document, target.Key) || !isOwn(n)));
                foreach (Reference reference in KeyReferences.In(entry.Value)) targets.Enqueue(KeyReferences.TargetOf(reference, target.Document));
            }
        }

        return names;
    }

    private static IEnumerable<string> NamesIn(EntryEdit edit) => edit.Entry is { Value.HasTemplate: true } entry ? SecretReferences.NamesIn(entry.Value) : [];
}

/// <summary>What a change brings to where it was not.</summary>
/// <param name="Secrets">By name: those it refers to, and those behind the keys that it refers to, however far.</param>
/// <param name="Documents">Other documents whose keys it refers to. Only the next ones: what these refer to was published by somebody who could read that.</param>
public sealed record Brought(ImmutableSortedSet<string> Secrets, ImmutableSortedSet<string> Documents)
{
    public static readonly Brought Nothing = new(ImmutableSortedSet<string>.Empty, ImmutableSortedSet<string>.Empty);
}
