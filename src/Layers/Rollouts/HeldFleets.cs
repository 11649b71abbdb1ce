using System.Collections.Immutable;

namespace Conclave.Layers.Rollouts;

/// <summary>What a release touches, and the fleet as it is without it.</summary>
public static class HeldFleets
{
    /// <summary>The head with some documents as they were before their releases. What it costs is what those releases touched.</summary>
    /// <param name="head">The newest release.</param>
    /// <param name="inverses">For each release the edits that take it back. No later release touched the same documents.</param>
    public static Fleet Without(this Fleet head, IEnumerable<ImmutableArray<Edit>> inverses)
    {
        ImmutableArray<Edit> edits = [.. inverses.SelectMany(i => i)];
        return edits.IsEmpty ? head : head.Advance(Editing.Apply(head.State, edits, head.State.Release), edits);
    }

    /// <summary>The edits that take a release back, whatever other documents did since.</summary>
    public static ImmutableArray<Edit> InverseOf(ConfigState before, ImmutableArray<Edit> edits) => Editing.Invert(before, edits);

    /// <summary>Documents whose values the edits can change, and the dimensions in which nodes have to agree on those values; both in ordinal order.</summary>
    public static (ImmutableArray<string> Documents, ImmutableArray<string> Uniform) ReachOf(Fleet before, Fleet after, ImmutableArray<Edit> edits)
    {
        KeyAddress[] touched = [.. edits.Select(e => e switch
        {
            EntryEdit entry => new KeyAddress(entry.Document, entry.Key),
            SchemaEdit schema => new KeyAddress(schema.Document, schema.Key),
            _ => default(KeyAddress?),
        }).Where(k => k is not null).Select(k => k!.Value)];   // nulls are filtered out
        SortedSet<KeyAddress> keys = after.References.Closure(touched);
        keys.UnionWith(before.References.Closure(touched));
        IEnumerable<string?> uniform = keys.SelectMany(k => new[] { before, after }.Select(f => f.State.Document(k.Document).SchemaOf(k.Key).Uniform));
        return ([.. keys.Select(k => k.Document).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
            [.. uniform.OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]);
    }
}
