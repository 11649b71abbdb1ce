using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>What became of an entry.</summary>
public enum EntryFate
{
    /// <summary>It gives the value, or the last piece of it.</summary>
    Wins,

    /// <summary>A piece of the value.</summary>
    Merged,

    /// <summary>Something more specific hides it.</summary>
    Hidden,

    /// <summary>A final value below it forbids it.</summary>
    Blocked,
}

/// <summary>One entry that matches the node.</summary>
/// <param name="Scope">Canonical text of its scope.</param>
/// <param name="Entry">The entry.</param>
/// <param name="Fate">What became of it.</param>
/// <param name="Note">Who wrote it, when and why; null when that is no longer kept.</param>
public sealed record ExplainedEntry(string Scope, Entry Entry, EntryFate Fate, ReleaseNote? Note);

/// <summary>Why a node has the value that it has.</summary>
public sealed record Explanation
{
    public required string Node { get; init; }

    public required string Document { get; init; }

    public required string Key { get; init; }

    public required long Release { get; init; }

    /// <summary>The value as it stands before secrets; null when the key is absent.</summary>
    public required Evaluated Result { get; init; }

    public required KeySchema Schema { get; init; }

    /// <summary>Most specific first.</summary>
    public required ImmutableArray<ExplainedEntry> Entries { get; init; }

    /// <summary>Keys whose entries refer to this one, anywhere.</summary>
    public required ImmutableArray<KeyAddress> UsedBy { get; init; }
}
