using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>Puts edits into a state, and finds the edits that take them back.</summary>
internal static class Editing
{
    /// <summary>The content after the edits. <paramref name="release"/> is stamped on entries that carry none, and on heads.</summary>
    public static ConfigState Apply(ConfigState state, ImmutableArray<Edit> edits, long release)
    {
        Dimensions dimensions = state.Dimensions;
        var nodes = state.Nodes.ToBuilder();
        var documents = new Dictionary<string, DocumentEditor>(StringComparer.Ordinal);
        int entries = state.EntryCount;
        bool touchesNodes = false;
        foreach (Edit edit in edits)
        {
            switch (edit)
            {
                case DimensionsEdit list:
                    dimensions = Dimensions.Create(list.List, list.NodeDimension).WithWeightsOf(dimensions);
                    touchesNodes = true;
                    break;
                case WeightEdit weight:
                    dimensions = dimensions.WithWeight(weight.Dimension, weight.Value, weight.Weight);
                    touchesNodes = true;
                    break;
                case NodeEdit { Assignment: { } assignment } node:
                    nodes[node.Node] = assignment;
                    touchesNodes = true;
                    break;
                case NodeEdit node:
                    nodes.Remove(node.Node);
                    touchesNodes = true;
                    break;
                case SchemaEdit schema:
                    Document(schema.Document).SetSchema(schema.Key, schema.Schema);
                    break;
                case EntryEdit entry:
                    entries += Document(entry.Document).SetEntry(entry.Scope, entry.Key, entry.Entry is { Release: 0 } fresh ? fresh with { Release = release } : entry.Entry);
                    break;
                default:
                    throw new InvalidOperationException($"{edit.GetType().Name} has no meaning here. This is a bug: report it.");
            }
        }

        var all = state.Documents;
        foreach ((string name, DocumentEditor editor) in documents.OrderBy(d => d.Key, StringComparer.Ordinal))
            all = editor.IsEmpty ? all.Remove(name) : all.SetItem(name, editor.ToState(release));
        return new ConfigState
        {
            Release = state.Release,
            Dimensions = dimensions,
            Nodes = nodes.ToImmutable(),
            Documents = all,
            NodesHead = touchesNodes ? release : state.NodesHead,
            EntryCount = entries,
            Notes = state.Notes,
            Bodies = state.Bodies,
            BodyBytes = state.BodyBytes,
        };

        DocumentEditor Document(string name)
        {
            if (!documents.TryGetValue(name, out DocumentEditor? editor))
                documents[name] = editor = new DocumentEditor(state.Document(name));
            return editor;
        }
    }

    /// <summary>Edits that give back what <paramref name="before"/> had at every address that <paramref name="edits"/> touch.</summary>
    public static ImmutableArray<Edit> Invert(ConfigState before, ImmutableArray<Edit> edits)
    {
        var inverse = ImmutableArray.CreateBuilder<Edit>(edits.Length);
        var seen = new HashSet<object>();
        foreach (Edit edit in edits)
        {
            if (!seen.Add(AddressOf(edit)))
                continue;
            inverse.Add(edit switch
            {
                DimensionsEdit => new DimensionsEdit(before.Dimensions.List, before.Dimensions.NodeDimension),
                WeightEdit weight => weight with { Weight = before.Dimensions.Weights.TryGetValue((weight.Dimension, weight.Value), out int old) ? old : null },
                NodeEdit node => node with { Assignment = before.Nodes.GetValueOrDefault(node.Node) },
                SchemaEdit schema => schema with { Schema = before.Document(schema.Document).Schemas.GetValueOrDefault(schema.Key) },
                EntryEdit entry => entry with { Entry = before.Document(entry.Document).EntryOf(entry.Scope, entry.Key) },
                _ => throw new InvalidOperationException($"{edit.GetType().Name} has no inverse. This is a bug: report it."),
            });
        }
        return inverse.ToImmutable();
    }

    /// <summary>What an edit is about: two edits of equal address overwrite each other.</summary>
    public static object AddressOf(Edit edit) => edit switch
    {
        WeightEdit weight => ("weight", weight.Dimension, weight.Value),
        NodeEdit node => ("node", node.Node),
        SchemaEdit schema => ("schema", schema.Document, schema.Key),
        EntryEdit entry => (entry.Document, entry.Scope, entry.Key),
        _ => "dimensions",
    };

    private sealed class DocumentEditor(DocumentState before)
    {
        private readonly ImmutableSortedDictionary<string, KeySchema>.Builder _schemas = before.Schemas.ToBuilder();
        private readonly Dictionary<Scope, ImmutableSortedDictionary<string, Entry>.Builder> _scopes = [];

        public bool IsEmpty => _schemas.Count == 0 && before.Scopes.Keys.All(s => _scopes.TryGetValue(s, out var b) && b.Count == 0) && _scopes.Values.All(b => b.Count == 0);

        public void SetSchema(string key, KeySchema? schema)
        {
            if (schema is null)
                _schemas.Remove(key);
            else
                _schemas[key] = schema;
        }

        /// <returns>By how much the number of entries changed.</returns>
        public int SetEntry(Scope scope, string key, Entry? entry)
        {
            if (!_scopes.TryGetValue(scope, out ImmutableSortedDictionary<string, Entry>.Builder? entries))
                _scopes[scope] = entries = (before.Scopes.GetValueOrDefault(scope) ?? DocumentState.NoEntries).ToBuilder();
            int count = entries.Count;
            if (entry is null)
                entries.Remove(key);
            else
                entries[key] = entry;
            return entries.Count - count;
        }

        public DocumentState ToState(long release)
        {
            var scopes = before.Scopes.ToBuilder();
            foreach ((Scope scope, ImmutableSortedDictionary<string, Entry>.Builder entries) in _scopes)
            {
                if (entries.Count == 0)
                    scopes.Remove(scope);
                else
                    scopes[scope] = entries.ToImmutable();
            }
            return new(release, _schemas.ToImmutable(), scopes.ToImmutable());
        }
    }
}
