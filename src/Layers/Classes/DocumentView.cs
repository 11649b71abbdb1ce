using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>What a class resolves a document to.</summary>
/// <param name="Stack">The layers that match it, without those that name a node.</param>
/// <param name="Values">By key number; null, or beyond the end, where no layer speaks of the key.</param>
internal sealed record ClassView(LayerStack Stack, ResolvedKey?[] Values)
{
    public ResolvedKey? this[int key] => key < Values.Length ? Values[key] : null;
}

/// <summary>What a node resolves differently from its class, because entries name it.</summary>
internal sealed record Overlay(int[] Keys, ResolvedKey[] Values)
{
    public ResolvedKey? this[int key] => Array.BinarySearch(Keys, key) is >= 0 and int at ? Values[at] : null;
}

/// <summary>One document, resolved for every class, with sparse overlays for nodes. Immutable; <see cref="Advance"/> makes the next from the edits.</summary>
internal sealed class DocumentView
{
    private readonly Dimensions _dimensions;
    private readonly Dictionary<Scope, Layer> _classLayers;
    private readonly ImmutableDictionary<string, ImmutableArray<Layer>> _nodeLayers;
    private readonly HashSet<string> _shapes;
    private readonly Dictionary<Assignment, ClassView> _classes;
    private readonly ImmutableDictionary<string, Overlay> _overlays;
    private Dictionary<int, List<string>>? _nodesByKey;
    private int _scans;

    private DocumentView(Dimensions dimensions, DocumentState state, KeyTable keys, Dictionary<Scope, Layer> classLayers,
        ImmutableDictionary<string, ImmutableArray<Layer>> nodeLayers, HashSet<string> shapes, Dictionary<Assignment, ClassView> classes, ImmutableDictionary<string, Overlay> overlays)
    {
        (_dimensions, State, Keys, _classLayers, _nodeLayers, _shapes, _classes, _overlays) = (dimensions, state, keys, classLayers, nodeLayers, shapes, classes, overlays);
    }

    public DocumentState State { get; }

    public KeyTable Keys { get; }

    public int OverlayCount => _overlays.Count;

    public ClassView Of(NodeClass nodeClass) => _classes[nodeClass.Assignment];

    public Overlay? OverlayOf(string node) => _overlays.GetValueOrDefault(node);

    public ResolvedKey? Find(NodeClass nodeClass, string? node, int key) => node is not null && OverlayOf(node)?[key] is { } own ? own : Of(nodeClass)[key];

    /// <summary>Nodes whose overlay has the key.</summary>
    public IReadOnlyList<string> NodesWithOwn(int key)
    {
        // A few keys: look through the overlays. Many: turn them around once. Two threads may both do so and get the same.
        if (_nodesByKey is null && ++_scans <= 8)
            return [.. _overlays.Where(o => o.Value[key] is not null).Select(o => o.Key)];
        if (_nodesByKey is null)
        {
            var byKey = new Dictionary<int, List<string>>();
            foreach ((string node, Overlay overlay) in _overlays)
            {
                foreach (int own in overlay.Keys)
                {
                    if (!byKey.TryGetValue(own, out List<string>? nodes))
                        byKey[own] = nodes = [];
                    nodes.Add(node);
                }
            }
            _nodesByKey = byKey;
        }
        return _nodesByKey.TryGetValue(key, out List<string>? found) ? found : [];
    }

    public static DocumentView Build(ConfigState state, DocumentState document, ClassTable classes)
    {
        string nodeDimension = state.Dimensions.NodeDimension;
        KeyTable keys = KeyTable.Empty.With(document.Scopes.Values.SelectMany(e => e.Keys));
        var classLayers = new Dictionary<Scope, Layer>();
        var nodeLayers = new Dictionary<string, List<Layer>>(StringComparer.Ordinal);
        var shapes = new HashSet<string>(StringComparer.Ordinal);
        foreach ((Scope scope, ImmutableSortedDictionary<string, Entry> entries) in document.Scopes)
        {
            Layer layer = Layer.Of(scope, entries, keys);
            if (scope.ValueOf(nodeDimension) is { } node)
            {
                if (!nodeLayers.TryGetValue(node, out List<Layer>? layers))
                    nodeLayers[node] = layers = [];
                layers.Add(layer);
            }
            else
            {
                classLayers.Add(scope, layer);
                shapes.Add(ShapeOf(scope));
            }
        }
        return new DocumentView(state.Dimensions, document, keys, classLayers,
            nodeLayers.ToImmutableDictionary(n => n.Key, n => n.Value.ToImmutableArray(), StringComparer.Ordinal), shapes, [], ImmutableDictionary.Create<string, Overlay>(StringComparer.Ordinal))
            .WithNodes(state, classes);
    }

    /// <summary>The same entries for other nodes and classes; classes that were there stay as they are.</summary>
    public DocumentView WithNodes(ConfigState state, ClassTable classes)
    {
        var pool = new KeyPool();
        var views = new Dictionary<Assignment, ClassView>();
        foreach (NodeClass nodeClass in classes.Classes)
            views[nodeClass.Assignment] = _classes.TryGetValue(nodeClass.Assignment, out ClassView? known) ? known : Resolve(nodeClass.Assignment, pool);
        var next = new DocumentView(_dimensions, State, Keys, _classLayers, _nodeLayers, _shapes, views, _overlays);
        var overlays = ImmutableDictionary.CreateBuilder<string, Overlay>(StringComparer.Ordinal);
        foreach (string node in _nodeLayers.Keys)
        {
            if (classes.OfNode(node) is { } nodeClass && next.ResolveOverlay(node, nodeClass) is { } overlay)
                overlays.Add(node, overlay);
        }
        return new(_dimensions, State, Keys, _classLayers, _nodeLayers, _shapes, views, overlays.ToImmutable());
    }

    /// <summary>The view after edits of entries and schemas of this document. Dimensions, weights and nodes are as before.</summary>
    public DocumentView Advance(DocumentState document, IEnumerable<Edit> edits, ClassTable classes)
    {
        string nodeDimension = _dimensions.NodeDimension;
        KeyTable keys = Keys.With(edits.OfType<EntryEdit>().Where(e => e.Entry is not null).Select(e => e.Key));
        var byScope = new Dictionary<Scope, Dictionary<int, Entry?>>();
        var everywhere = new HashSet<int>();   // keys whose schema changed
        foreach (Edit edit in edits)
        {
            if (edit is SchemaEdit schema && keys[schema.Key] >= 0)
                everywhere.Add(keys[schema.Key]);
            if (edit is not EntryEdit entry || keys[entry.Key] < 0)
                continue;
            if (!byScope.TryGetValue(entry.Scope, out Dictionary<int, Entry?>? changes))
                byScope[entry.Scope] = changes = [];
            changes[keys[entry.Key]] = document.EntryOf(entry.Scope, entry.Key);   // as it was stamped
        }

        var classLayers = new Dictionary<Scope, Layer>(_classLayers);
        var nodeLayers = _nodeLayers;
        var shapes = new HashSet<string>(_shapes, StringComparer.Ordinal);
        var touchedNodes = new HashSet<string>(StringComparer.Ordinal);
        foreach ((Scope scope, Dictionary<int, Entry?> changes) in byScope)
        {
            if (scope.ValueOf(nodeDimension) is { } node)
            {
                ImmutableArray<Layer> layers = nodeLayers.TryGetValue(node, out ImmutableArray<Layer> known) ? known : [];
                Layer? changed = (layers.FirstOrDefault(l => l.Scope.Equals(scope)) ?? Layer.Of(scope, DocumentState.NoEntries, keys)).With(changes);
                layers = [.. layers.Where(l => !l.Scope.Equals(scope)), .. changed is null ? Array.Empty<Layer>() : [changed]];
                nodeLayers = layers.IsEmpty ? nodeLayers.Remove(node) : nodeLayers.SetItem(node, layers);
                touchedNodes.Add(node);
                continue;
            }
            shapes.Add(ShapeOf(scope));
            Layer? layer = (classLayers.GetValueOrDefault(scope) ?? Layer.Of(scope, DocumentState.NoEntries, keys)).With(changes);
            if (layer is null)
                classLayers.Remove(scope);
            else
                classLayers[scope] = layer;
        }

        var views = new Dictionary<Assignment, ClassView>(_classes);
        var next = new DocumentView(_dimensions, document, keys, classLayers, nodeLayers, shapes, views, _overlays);
        var pool = new KeyPool();
        var touchedKeys = new HashSet<int>(everywhere);
        foreach (NodeClass nodeClass in classes.Classes)
        {
            bool matched = false;
            var touched = new HashSet<int>(everywhere);
            foreach ((Scope scope, Dictionary<int, Entry?> changes) in byScope)
            {
                if (scope.Names(nodeDimension) || !nodeClass.Matches(scope, nodeDimension))
                    continue;
                matched = true;
                touched.UnionWith(changes.Keys);
            }
            if (touched.Count == 0)
                continue;
            touchedKeys.UnionWith(touched);
            ClassView old = _classes[nodeClass.Assignment];
            LayerStack stack = matched ? LayerStack.Of(next.LayersOf(nodeClass.Assignment), _dimensions) : old.Stack;
            var values = new ResolvedKey?[keys.Names.Length];
            old.Values.CopyTo(values, 0);
            foreach (int key in touched)
                values[key] = next.Resolve(stack, key, pool);
            views[nodeClass.Assignment] = new(stack, values);
        }

        var overlays = _overlays.ToBuilder();
        foreach (int key in touchedKeys)
            touchedNodes.UnionWith(NodesWithOwn(key));
        foreach (string node in touchedNodes)
        {
            if (classes.OfNode(node) is { } nodeClass && next.ResolveOverlay(node, nodeClass) is { } overlay)
                overlays[node] = overlay;
            else
                overlays.Remove(node);
        }
        return new(_dimensions, document, keys, classLayers, nodeLayers, shapes, views, overlays.ToImmutable());
    }

    /// <summary>Every layer that matches a node that has these values; <paramref name="node"/> null: none that names a node.</summary>
    public LayerStack StackOf(Assignment assignment, string? node)
    {
        IEnumerable<Layer> layers = LayersOf(assignment);
        if (node is not null && _nodeLayers.TryGetValue(node, out ImmutableArray<Layer> own))
            layers = layers.Concat(own.Where(l => NodeClass.Matches(assignment, l.Scope, _dimensions.NodeDimension)));
        return LayerStack.Of(layers, _dimensions);
    }

    /// <summary>One key by the layers of a stack, or null when none speaks of it.</summary>
    public ResolvedKey? Resolve(LayerStack stack, int key, KeyPool pool, MergeKind? merge = null)
    {
        var contributions = new Contribution[stack.Layers.Length];
        Span<int> levels = stack.Layers.Length <= 64 ? stackalloc int[stack.Layers.Length] : new int[stack.Layers.Length];
        int count = stack.Matching(key, contributions, levels);
        return count == 0 ? null : pool.Of(Keys.Names[key], contributions.AsSpan(0, count), levels[..count], merge ?? State.SchemaOf(Keys.Names[key]).Merge);
    }

    private static string ShapeOf(Scope scope) => string.Join('\0', scope.Pairs.Select(p => p.Dimension));

    /// <summary>Asks for every scope that these values can form, instead of looking at every scope that there is.</summary>
    private IEnumerable<Layer> LayersOf(Assignment assignment)
    {
        foreach (string shape in _shapes)
        {
            if (shape.Length == 0)
            {
                if (_classLayers.TryGetValue(Scope.Everything, out Layer? everything))
                    yield return everything;
                continue;
            }
            string[] dimensions = shape.Split('\0');
            IEnumerable<ImmutableArray<ScopePair>> combinations = [[]];
            foreach (string dimension in dimensions)
                combinations = combinations.SelectMany(c => assignment[dimension].Select(value => c.Add(new(dimension, value))));
            foreach (ImmutableArray<ScopePair> combination in combinations)
            {
                if (_classLayers.TryGetValue(Scope.Of(combination), out Layer? layer))
                    yield return layer;
            }
        }
    }

    /// <summary>All keys at once: each layer is walked, instead of each key looked up in each.</summary>
    private ClassView Resolve(Assignment assignment, KeyPool pool)
    {
        LayerStack stack = LayerStack.Of(LayersOf(assignment), _dimensions);
        int keys = Keys.Names.Length;
        var counts = new int[keys];
        foreach (Layer layer in stack.Layers)
        {
            foreach (int key in layer.Keys)
                counts[key]++;
        }
        var starts = new int[keys + 1];
        for (int key = 0; key < keys; key++)
            starts[key + 1] = starts[key] + counts[key];
        var contributions = new Contribution[starts[keys]];
        var levels = new int[starts[keys]];
        int[] next = [.. starts];
        for (int i = 0; i < stack.Layers.Length; i++)
        {
            ReadOnlySpan<int> numbers = stack.Layers[i].Keys;
            ReadOnlySpan<Contribution> entries = stack.Layers[i].Contributions;
            for (int j = 0; j < numbers.Length; j++)
            {
                int at = next[numbers[j]]++;
                (contributions[at], levels[at]) = (entries[j], stack.Levels[i]);
            }
        }
        var values = new ResolvedKey?[keys];
        for (int key = 0; key < keys; key++)
        {
            if (counts[key] > 0)
                values[key] = pool.Of(Keys.Names[key], contributions.AsSpan(starts[key], counts[key]), levels.AsSpan(starts[key], counts[key]), State.SchemaOf(Keys.Names[key]).Merge);
        }
        return new(stack, values);
    }

    private Overlay? ResolveOverlay(string node, NodeClass nodeClass)
    {
        if (!_nodeLayers.TryGetValue(node, out ImmutableArray<Layer> own))
            return null;
        Layer[] matching = [.. own.Where(l => nodeClass.Matches(l.Scope, _dimensions.NodeDimension))];
        if (matching.Length == 0)
            return null;
        var keys = new SortedSet<int>();
        foreach (Layer layer in matching)
        {
            foreach (int key in layer.Keys)
                keys.Add(key);
        }
        LayerStack stack = LayerStack.Of(Of(nodeClass).Stack.Layers.Concat(matching), _dimensions);
        var pool = new KeyPool();
        int[] numbers = [.. keys];
        return new(numbers, [.. numbers.Select(key => Resolve(stack, key, pool)!)]);   // a matching layer has it
    }
}
