using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>One edit of a change: an address and what is there afterwards (null: nothing).</summary>
public abstract record Edit
{
    /// <summary>What it is about: two edits of equal address overwrite each other.</summary>
    public object Address => Editing.AddressOf(this);
}

/// <summary>Replaces the list of dimensions. Weights stay.</summary>
public sealed record DimensionsEdit(ImmutableArray<Dimension> List, string NodeDimension) : Edit
{
    public bool Equals(DimensionsEdit? other) => other is not null && NodeDimension == other.NodeDimension && List.AsSpan().SequenceEqual(other.List.AsSpan());

    public override int GetHashCode() => HashCode.Combine(NodeDimension, List.Length);
}

/// <summary>Sets or drops the weight of a value of a multi-valued dimension.</summary>
public sealed record WeightEdit(string Dimension, string Value, int? Weight) : Edit;

/// <summary>Adds, moves or removes a node.</summary>
public sealed record NodeEdit(string Node, Assignment? Assignment) : Edit;

/// <summary>Sets or drops the schema of a key.</summary>
public sealed record SchemaEdit(string Document, string Key, KeySchema? Schema) : Edit;

/// <summary>Sets or drops an entry. Without one the scope inherits.</summary>
public sealed record EntryEdit(string Document, Scope Scope, string Key, Entry? Entry) : Edit;

/// <summary>Edits that take effect together or not at all.</summary>
/// <param name="Base">The release that the author saw. The change is refused when a later one touched the same documents.</param>
/// <param name="Edits">In any order; of two edits of one address the later counts.</param>
public sealed record Change(long Base, ImmutableArray<Edit> Edits)
{
    public bool Equals(Change? other) => other is not null && Base == other.Base && Edits.AsSpan().SequenceEqual(other.Edits.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Base, Edits.Length);

    /// <summary>Documents that the change touches, in ordinal order.</summary>
    public ImmutableSortedSet<string> Documents() =>
        Edits.Select(e => e switch { EntryEdit entry => entry.Document, SchemaEdit schema => schema.Document, _ => null })
            .Where(d => d is not null).ToImmutableSortedSet(StringComparer.Ordinal)!;   // nulls are filtered out

    /// <summary>True when it touches dimensions, weights or nodes.</summary>
    public bool TouchesNodes => Edits.Any(e => e is DimensionsEdit or WeightEdit or NodeEdit);
}

/// <summary>What one log entry holds: the change, its note, and for which release it was checked.</summary>
/// <param name="Change">The edits.</param>
/// <param name="Note">Who, when, why.</param>
/// <param name="CheckedAt">
/// The release at which a plan of this change found no errors, or -1. At exactly that release the checks are not repeated;
/// at any other every replica makes them itself.
/// </param>
public sealed record ChangeRecord(Change Change, ReleaseNote Note, long CheckedAt = -1)
{
    public byte[] ToBytes() => Records.ChangeCodec.Write(this);

    /// <exception cref="RecordDamagedException">The bytes are no change record of a version that is known here.</exception>
    public static ChangeRecord FromBytes(ReadOnlySpan<byte> bytes) => Records.ChangeCodec.ReadRecord(bytes);
}
