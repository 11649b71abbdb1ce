using System.Collections.Immutable;
using System.Security.Cryptography;

namespace Conclave.Layers;

/// <summary>A key of an effective document.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">Its value; every string in it a template when <paramref name="IsPending"/>.</param>
/// <param name="IsPending">Secrets (or live members) are still to be filled in: <see cref="PendingValue.Fill"/>.</param>
public sealed record EffectiveEntry(string Key, Value Value, bool IsPending);

/// <summary>What a node gets of a document at a release. Nodes of a class without anything of their own share one object.</summary>
public sealed class EffectiveDocument
{
    private const int KeptBytesMax = 1 << 20;

    [ThreadStatic]
    private static CanonicalWriter? _writer;

    private byte[]? _hash;

    internal EffectiveDocument(string document, long release, ImmutableArray<EffectiveEntry> entries, ImmutableArray<ConfigProblem> problems)
    {
        (Document, Release, Entries, Problems) = (document, release, entries, problems);
    }

    public string Document { get; }

    public long Release { get; }

    /// <summary>In ordinal order of keys. Keys without a value are not in it.</summary>
    public ImmutableArray<EffectiveEntry> Entries { get; }

    /// <summary>Why keys are missing that should be there: a fact that is not reported. A document with problems must not be applied.</summary>
    public ImmutableArray<ConfigProblem> Problems { get; }

    /// <summary>All nodes of a class that have nothing of their own have this very object.</summary>
    public bool IsShared { get; internal init; }

    /// <summary>SHA-256 of <see cref="Bytes"/>. Secrets are not in it, only their names.</summary>
    public ReadOnlySpan<byte> Hash => _hash ??= Hashed();   // who asks twice at the same time gets equal bytes

    /// <summary>The one binary form: version, number of entries, each with key, pending and value. Made anew each time: a server holds thousands of documents.</summary>
    public ReadOnlySpan<byte> Bytes
    {
        get
        {
            var writer = new CanonicalWriter();
            Write(writer);
            return writer.Written;
        }
    }

    /// <summary>The same keys with other values: for showing.</summary>
    public EffectiveDocument With(Func<EffectiveEntry, EffectiveEntry> change) => new(Document, Release, [.. Entries.Select(change)], Problems);

    public EffectiveEntry? Find(string key)
    {
        (int low, int high) = (0, Entries.Length - 1);
        while (low <= high)
        {
            int middle = (low + high) / 2;
            int order = string.CompareOrdinal(Entries[middle].Key, key);
            if (order == 0)
                return Entries[middle];
            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }
        return null;
    }

    /// <exception cref="RecordDamagedException">The bytes are not <see cref="Bytes"/> of a document.</exception>
    public static EffectiveDocument FromBytes(string document, long release, ReadOnlySpan<byte> bytes)
    {
        var reader = new CanonicalReader(bytes);
        if (reader.Byte() != 1)
            throw CanonicalReader.Damaged("it is no document of version 1");
        int count = reader.Count(bytesEach: 3);
        var entries = ImmutableArray.CreateBuilder<EffectiveEntry>(count);
        for (int i = 0; i < count; i++)
        {
            string key = reader.Text();
            if (i > 0 && string.CompareOrdinal(entries[i - 1].Key, key) >= 0)
                throw CanonicalReader.Damaged($"key \"{ValueChecks.Shown(key)}\" is out of order");
            bool pending = reader.Boolean();
            entries.Add(new(key, reader.Value(), pending));
        }
        reader.End();
        return new(document, release, entries.MoveToImmutable(), []);
    }

    private byte[] Hashed()
    {
        // One buffer for each thread: a release makes the hashes of thousands of documents.
        CanonicalWriter writer = _writer ??= new CanonicalWriter();
        Write(writer);
        byte[] hash = SHA256.HashData(writer.Written);
        if (writer.Length > KeptBytesMax)
            _writer = null;
        else
            writer.Clear();
        return hash;
    }

    private void Write(CanonicalWriter writer)
    {
        writer.Byte(1);
        writer.Count(Entries.Length);
        foreach (EffectiveEntry entry in Entries)
        {
            writer.Text(entry.Key);
            writer.Boolean(entry.IsPending);
            writer.Value(entry.Value);
        }
    }
}

/// <summary>What turns one effective document into another.</summary>
/// <param name="Document">The document.</param>
/// <param name="From">The release that it starts at.</param>
/// <param name="To">The release that it leads to.</param>
/// <param name="Changed">New and changed entries, in order of keys.</param>
/// <param name="Gone">Keys that are no longer there, in order.</param>
public sealed record DocumentDelta(string Document, long From, long To, ImmutableArray<EffectiveEntry> Changed, ImmutableArray<string> Gone)
{
    public bool IsEmpty => Changed.IsEmpty && Gone.IsEmpty;

    public static DocumentDelta Between(EffectiveDocument from, EffectiveDocument to)
    {
        var changed = ImmutableArray.CreateBuilder<EffectiveEntry>();
        var gone = ImmutableArray.CreateBuilder<string>();
        int i = 0, j = 0;
        while (i < from.Entries.Length || j < to.Entries.Length)
        {
            int order = i == from.Entries.Length ? 1 : j == to.Entries.Length ? -1 : string.CompareOrdinal(from.Entries[i].Key, to.Entries[j].Key);
            if (order < 0)
            {
                gone.Add(from.Entries[i++].Key);
                continue;
            }
            if (order > 0 || !(ReferenceEquals(from.Entries[i], to.Entries[j]) || from.Entries[i] == to.Entries[j]))
                changed.Add(to.Entries[j]);
            i += order == 0 ? 1 : 0;
            j++;
        }
        return new(to.Document, from.Release, to.Release, changed.ToImmutable(), gone.ToImmutable());
    }

    /// <summary>The document after the delta. Compare its hash with the one that came with the delta.</summary>
    public EffectiveDocument ApplyTo(EffectiveDocument document)
    {
        var entries = new SortedDictionary<string, EffectiveEntry>(document.Entries.ToDictionary(e => e.Key), StringComparer.Ordinal);
        foreach (string key in Gone)
            entries.Remove(key);
        foreach (EffectiveEntry entry in Changed)
            entries[entry.Key] = entry;
        return new(Document, To, [.. entries.Values], []);
    }
}
