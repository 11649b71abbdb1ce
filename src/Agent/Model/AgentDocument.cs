using System.Collections.Immutable;
using Conclave.Layers;
using Conclave.Wire;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Agent;

/// <summary>A key of a document as the node got it: secrets in clear.</summary>
/// <param name="Entry">Key and value.</param>
/// <param name="IsSecret">Its value goes into the file and the cache, and nowhere else.</param>
/// <param name="IsLive">A change takes effect without a restart.</param>
/// <param name="LinePerElement">The program reads a line for each element of a list.</param>
public sealed record AgentItem(EffectiveEntry Entry, bool IsSecret, bool IsLive, bool LinePerElement);

/// <summary>A document at one release, whole.</summary>
public sealed record AgentDocument
{
    /// <summary>The canonical bytes of a document without keys: version 1, no entries.</summary>
    private static readonly byte[] Nothing = [1, 0];

    public required string Name { get; init; }

    /// <summary>The newest release of the document that is in it.</summary>
    public required long Release { get; init; }

    /// <summary>The release that the stream was at when it came: where to go on from. At least <see cref="Release"/>.</summary>
    public required long AsOf { get; init; }

    /// <summary>The server's hash of it. Secrets are in it by name only, so that two with equal hashes may differ in them; <see cref="Items"/> decides.</summary>
    public required ByteString Hash { get; init; }

    /// <summary>A release since the last one that was applied said that many keys may go.</summary>
    public bool AllowShrink { get; init; }

    public required ImmutableSortedDictionary<string, AgentItem> Items { get; init; }

    /// <summary>Texts that must not be shown anywhere.</summary>
    public IEnumerable<string> Secrets => Items.Values.Where(i => i.IsSecret).SelectMany(i => TextsOf(i.Entry.Value));

    /// <summary>As the renderers take it.</summary>
    public EffectiveDocument Effective =>
        new DocumentDelta(Name, 0, Release, [.. Items.Values.Select(i => i.Entry)], []).ApplyTo(EffectiveDocument.FromBytes(Name, 0, Nothing));

    /// <summary>What the node has after a message.</summary>
    /// <param name="before">What it had; null is nothing.</param>
    /// <param name="delta">The document's part of the message.</param>
    /// <param name="toRelease">Of the message.</param>
    /// <param name="problem">Why the message cannot be used: ask for the whole document.</param>
    public static AgentDocument? Apply(AgentDocument? before, V1.DocumentDelta delta, long toRelease, out string problem)
    {
        problem = "";
        if (!delta.Whole && before is null)
        {
            problem = $"the server sent changes of {delta.Document}, of which nothing is here";
            return null;
        }

        ImmutableSortedDictionary<string, AgentItem>.Builder items = delta.Whole ? ImmutableSortedDictionary.CreateBuilder<string, AgentItem>(StringComparer.Ordinal) : before!.Items.ToBuilder();   // not whole: before was looked at
        foreach (string gone in delta.Removed) items.Remove(gone);
        foreach (V1.Item item in delta.Set)
        {
            if (!ValueJson.TryParse(item.Value, out Value? value, out string wrong))
            {
                problem = $"the value of {delta.Document} {item.Key} is not JSON: {wrong}";
                return null;
            }

            items[item.Key] = new AgentItem(new EffectiveEntry(item.Key, value, item.Pending), item.Secret, item.Live, item.LinePerElement);
        }

        var document = new AgentDocument
        {
            Name = delta.Document,
            Release = delta.Release > 0 ? delta.Release : toRelease,
            AsOf = toRelease,
            Hash = delta.Hash,
            AllowShrink = delta.AllowShrink,
            Items = items.ToImmutable(),
        };
        // Where secrets were put in, the one hash is of something else than what came; members of older versions send no other.
        bool isWhatWasSent = !delta.ItemsHash.IsEmpty ? delta.ItemsHash.Equals(ItemsHash.Of(document.Items.Values.Select(i => (i.Entry.Key, i.Entry.Value.ToString(), i.Entry.IsPending))))
            : document.Items.Values.Any(i => i.IsSecret) || delta.Hash.Span.SequenceEqual(document.Effective.Hash);
        if (isWhatWasSent) return document;
        problem = $"{delta.Document} at r{document.Release} does not have the hash that came with it";
        return null;
    }

    public V1.DocumentDelta ToMessage()
    {
        var message = new V1.DocumentDelta { Document = Name, Release = Release, Hash = Hash, Whole = true, AllowShrink = AllowShrink };
        message.Set.AddRange(Items.Values.Select(i => new V1.Item { Key = i.Entry.Key, Value = i.Entry.Value.ToString(), Pending = i.Entry.IsPending, Secret = i.IsSecret, Live = i.IsLive, LinePerElement = i.LinePerElement }));
        return message;
    }

    /// <summary>The same content for a program: equal keys with equal values, secrets too.</summary>
    public bool SameContent(AgentDocument other) => Items.Count == other.Items.Count && Items.Values.SequenceEqual(other.Items.Values, ContentOnly.Instance);

    /// <summary>Keys that one has and the other has not, or otherwise.</summary>
    public static IEnumerable<(string Key, AgentItem? Old, AgentItem? New)> Changes(AgentDocument? from, AgentDocument to)
    {
        foreach ((string key, AgentItem now) in to.Items)
        {
            AgentItem? old = from?.Items.GetValueOrDefault(key);
            if (old is null || !ContentOnly.Instance.Equals(old, now)) yield return (key, old, now);
        }

        if (from is null) yield break;
        foreach ((string key, AgentItem old) in from.Items)
        {
            if (!to.Items.ContainsKey(key)) yield return (key, old, null);
        }
    }

    private static IEnumerable<string> TextsOf(Value value) => value.Kind switch
    {
        ValueKind.List => value.Elements.SelectMany(TextsOf),
        ValueKind.Map => value.Members.SelectMany(m => TextsOf(m.Value)),
        ValueKind.String => [value.AsString],
        ValueKind.Boolean or ValueKind.Null => [],
        _ => [value.ToString()],
    };

    private sealed class ContentOnly : IEqualityComparer<AgentItem>
    {
        public static readonly ContentOnly Instance = new();

        public bool Equals(AgentItem? a, AgentItem? b) => a is null || b is null ? ReferenceEquals(a, b) : a.Entry == b.Entry && a.LinePerElement == b.LinePerElement;

        public int GetHashCode(AgentItem item) => item.Entry.GetHashCode();
    }
}
