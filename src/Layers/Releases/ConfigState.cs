using System.Collections.Immutable;
using System.Security.Cryptography;

namespace Conclave.Layers;

/// <summary>One document: the schemas and entries of its keys.</summary>
public sealed class DocumentState
{
    internal static readonly ImmutableSortedDictionary<string, Entry> NoEntries = ImmutableSortedDictionary.Create<string, Entry>(StringComparer.Ordinal);

    internal static readonly DocumentState Empty = new(0, ImmutableSortedDictionary.Create<string, KeySchema>(StringComparer.Ordinal),
        ImmutableSortedDictionary<Scope, ImmutableSortedDictionary<string, Entry>>.Empty);

    internal DocumentState(long head, ImmutableSortedDictionary<string, KeySchema> schemas, ImmutableSortedDictionary<Scope, ImmutableSortedDictionary<string, Entry>> scopes)
    {
        (Head, Schemas, Scopes) = (head, schemas, scopes);
    }

    /// <summary>The last release that touched it.</summary>
    public long Head { get; }

    public ImmutableSortedDictionary<string, KeySchema> Schemas { get; }

    /// <summary>Scope to key to entry. No scope is empty.</summary>
    public ImmutableSortedDictionary<Scope, ImmutableSortedDictionary<string, Entry>> Scopes { get; }

    public KeySchema SchemaOf(string key) => Schemas.TryGetValue(key, out KeySchema? schema) ? schema : KeySchema.Default;

    public Entry? EntryOf(Scope scope, string key) => Scopes.TryGetValue(scope, out ImmutableSortedDictionary<string, Entry>? entries) && entries.TryGetValue(key, out Entry? entry) ? entry : null;
}

/// <summary>A change and what takes it back, kept for diffs and rollbacks.</summary>
/// <param name="Forward">The edits as they were applied.</param>
/// <param name="Inverse">The edits that give exactly the content before.</param>
/// <param name="Bytes">Canonical size of both.</param>
internal sealed record ReleaseBody(ImmutableArray<Edit> Forward, ImmutableArray<Edit> Inverse, int Bytes);

/// <summary>Everything at one release. Immutable: a change makes a new one that shares what is the same.</summary>
public sealed class ConfigState
{
    public static readonly ConfigState Initial = new()
    {
        Dimensions = Dimensions.Initial,
        Nodes = ImmutableSortedDictionary.Create<string, Assignment>(StringComparer.Ordinal),
        Documents = ImmutableSortedDictionary.Create<string, DocumentState>(StringComparer.Ordinal),
        Notes = ImmutableSortedDictionary<long, ReleaseNote>.Empty,
    };

    private byte[]? _contentHash;

    internal ConfigState()
    {
    }

    /// <summary>The last release; 0 before the first.</summary>
    public long Release { get; internal init; }

    public required Dimensions Dimensions { get; init; }

    /// <summary>Node to what was assigned to it.</summary>
    public required ImmutableSortedDictionary<string, Assignment> Nodes { get; init; }

    public required ImmutableSortedDictionary<string, DocumentState> Documents { get; init; }

    /// <summary>The last release that touched dimensions, weights or nodes.</summary>
    public long NodesHead { get; internal init; }

    /// <summary>Entries of all documents.</summary>
    public int EntryCount { get; internal init; }

    /// <summary>Notes of releases; the last <see cref="Limits.NotesMax"/>.</summary>
    public required ImmutableSortedDictionary<long, ReleaseNote> Notes { get; init; }

    internal ImmutableSortedDictionary<long, ReleaseBody> Bodies { get; init; } = ImmutableSortedDictionary<long, ReleaseBody>.Empty;

    internal long BodyBytes { get; init; }

    /// <summary>The oldest release that can still be shown, compared with and returned to.</summary>
    public long OldestReachable => Release - Bodies.Count;

    /// <summary>SHA-256 of the content: dimensions, weights, nodes, schemas and entries with the releases that wrote them; not of the history.</summary>
    public ReadOnlySpan<byte> ContentHash => _contentHash ??= SHA256.HashData(Records.StateCodec.WriteContent(this));

    /// <summary>The canonical form of everything, history included: a checkpoint.</summary>
    public byte[] ToBytes() => Records.StateCodec.Write(this);

    /// <exception cref="RecordDamagedException">The bytes are no checkpoint of a version that is known here.</exception>
    public static ConfigState FromBytes(ReadOnlySpan<byte> bytes) => Records.StateCodec.Read(bytes);

    /// <summary>The canonical form of the content alone.</summary>
    public byte[] ContentBytes() => Records.StateCodec.WriteContent(this);

    /// <summary>The edits of a release, or null when they are no longer kept.</summary>
    public ImmutableArray<Edit>? EditsOf(long release) => Bodies.TryGetValue(release, out ReleaseBody? body) ? body.Forward : null;

    public DocumentState Document(string name) => Documents.TryGetValue(name, out DocumentState? document) ? document : DocumentState.Empty;
}
