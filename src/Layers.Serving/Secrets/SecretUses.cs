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
                    + (SecretNames.IsOfEntry(name) ? "It was dropped; write the value again." : $"Write it first: conclave secret set {name}.")) { Document = edit.Document, Key = edit.Key };
            }
        }
    }

    /// <summary>All secrets that edits refer to.</summary>
    public static ImmutableSortedSet<string> In(IEnumerable<Edit> edits) => edits.OfType<EntryEdit>().SelectMany(NamesIn).ToImmutableSortedSet(StringComparer.Ordinal);

    /// <summary>Secrets that the edits bring to where they were not: whoever does this has to be allowed to use them. Values that were sealed for the same key do not count.</summary>
    public static ImmutableSortedSet<string> BroughtIn(ConfigState state, IEnumerable<Edit> edits)
    {
        var brought = ImmutableSortedSet.CreateBuilder<string>(StringComparer.Ordinal);
        foreach (EntryEdit edit in edits.OfType<EntryEdit>())
        {
            string[] there = state.Document(edit.Document).EntryOf(edit.Scope, edit.Key) is { Value.HasTemplate: true } before ? [.. SecretReferences.NamesIn(before.Value)] : [];
            brought.UnionWith(NamesIn(edit).Where(n => !there.Contains(n) && !SecretNames.IsOfKey(n, edit.Document, edit.Key)));
        }

        return brought.ToImmutable();
    }

    private static IEnumerable<string> NamesIn(EntryEdit edit) => edit.Entry is { Value.HasTemplate: true } entry ? SecretReferences.NamesIn(entry.Value) : [];
}
