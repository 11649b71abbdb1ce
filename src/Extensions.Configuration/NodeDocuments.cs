using System.Collections.Immutable;
using Conclave.Wire;
using Google.Protobuf;
using V1 = Conclave.Wire.V1;

namespace Conclave.Extensions.Configuration;

/// <summary>One document as a node gets it.</summary>
/// <param name="Items">By key, in ordinal order.</param>
/// <param name="Hash">The server's hash of the whole content; equal hashes are equal contents.</param>
/// <param name="Release">The newest release of the document that is in it, as the server said; 0 is not known.</param>
internal sealed record NodeDocument(ImmutableSortedDictionary<string, V1.Item> Items, ByteString Hash, long Release);

/// <summary>All documents that a stream has brought, and what a next message makes of them.</summary>
/// <param name="Release">Newest release that is in them.</param>
/// <param name="ByName">In ordinal order of names.</param>
internal sealed record NodeDocuments(long Release, ImmutableSortedDictionary<string, NodeDocument> ByName)
{
    public static NodeDocuments None { get; } = new(0, ImmutableSortedDictionary.Create<string, NodeDocument>(StringComparer.Ordinal));

    /// <returns>Null when the message builds on something that is not here, or does not lead to what it says: begin anew, with nothing.</returns>
    public NodeDocuments? After(V1.Delta delta)
    {
        ImmutableSortedDictionary<string, NodeDocument> documents = ByName;
        foreach (V1.DocumentDelta change in delta.Documents)
        {
            ImmutableSortedDictionary<string, V1.Item> items = ImmutableSortedDictionary.Create<string, V1.Item>(StringComparer.Ordinal);
            if (!change.Whole)
            {
                if (!documents.TryGetValue(change.Document, out NodeDocument? before)) return null;
                items = before.Items.RemoveRange(change.Removed);
            }

            items = items.SetItems(change.Set.Select(i => KeyValuePair.Create(i.Key, i)));
            // Members of older versions send none.
            if (!change.ItemsHash.IsEmpty && !change.ItemsHash.Equals(ItemsHash.Of(items.Values.Select(i => (i.Key, i.Value, i.Pending))))) return null;
            documents = documents.SetItem(change.Document, new NodeDocument(items, change.Hash, change.Release));
        }

        return new NodeDocuments(delta.ToRelease, documents);
    }

    /// <summary>One message that brings all of it.</summary>
    public V1.Delta Whole()
    {
        var delta = new V1.Delta { ToRelease = Release };
        foreach ((string name, NodeDocument document) in ByName)
            delta.Documents.Add(new V1.DocumentDelta { Document = name, Whole = true, Hash = document.Hash, Release = document.Release, Set = { document.Items.Values } });
        return delta;
    }

    public bool Holds(IEnumerable<string> documents) => documents.All(ByName.ContainsKey);

    /// <summary>Whether every document has the content that it has there.</summary>
    public bool HasContentOf(NodeDocuments other) =>
        ByName.Count == other.ByName.Count && ByName.All(d => other.ByName.TryGetValue(d.Key, out NodeDocument? there) && there.Hash.Equals(d.Value.Hash));
}
