using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Conclave.Layers;
using Conclave.Layers.Wire;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Commands;

/// <summary>A space as a directory: conclave.json has dimensions, weights and nodes; NAME.json the schemas and entries of document NAME.</summary>
/// <remarks>
/// <code>
/// conclave.json  { "dimensions": ["region", "aggregate*", "host"], "node_dimension": "host", "weights": {"aggregate=ssd": 2}, "nodes": {"c17": ["region=eu"]} }
/// nova.json      { "schemas": {"DEFAULT/debug": {"type": "boolean"}}, "entries": {"*": {"DEFAULT/debug": {"set": true, "comment": "why"}, "DEFAULT/x": {"unset": null}}} }
/// </code>
/// </remarks>
internal static class ConfigDirectory
{
    private const string Model = "conclave.json";

    private static readonly JsonDocumentOptions OneOfEach = new() { AllowDuplicateProperties = false };

    /// <summary>What cannot be read is not replaced by U+FFFD, which would then be published.</summary>
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private static readonly JsonSerializerOptions Written = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <returns>How many files.</returns>
    /// <exception cref="ArgumentException">The directory cannot be written.</exception>
    public static int Write(DirectoryInfo directory, V1.Change all)
    {
        var files = new Dictionary<string, JsonObject>(StringComparer.Ordinal) { [Model] = ModelOf(all) };
        foreach (string document in all.Entries.Select(e => e.Document).Concat(all.Schemas.Select(s => s.Document)).Distinct())
        {
            if (document + ".json" == Model) throw new ArgumentException($"A document named {document} has no file of its own beside {Model}. Export it with another name.");
            var schemas = new JsonObject();
            foreach (V1.SchemaEdit schema in all.Schemas.Where(s => s.Document == document)) schemas[schema.Key] = JsonNode.Parse(schema.Schema);
            var scopes = new JsonObject();
            foreach (IGrouping<string, V1.EntryEdit> scope in all.Entries.Where(e => e.Document == document).GroupBy(e => e.Scope))
            {
                var entries = new JsonObject();
                foreach (V1.EntryEdit entry in scope)
                {
                    var content = new JsonObject { [entry.Op] = entry.Value.Length > 0 ? JsonNode.Parse(entry.Value) : null };
                    if (entry.Comment.Length > 0) content["comment"] = entry.Comment;
                    entries[entry.Key] = content;
                }

                scopes[scope.Key] = entries;
            }

            files[document + ".json"] = new JsonObject { ["schemas"] = schemas, ["entries"] = scopes };
        }

        try
        {
            directory.Create();
            foreach ((string name, JsonObject content) in files) File.WriteAllText(Path.Combine(directory.FullName, name), content.ToJsonString(Written) + "\n", new UTF8Encoding(false));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"Cannot write to {directory.FullName}: {e.Message}", e);
        }

        return files.Count;
    }

    /// <summary>Files that apply would read and that are not of this: of documents that there were when it was written before.</summary>
    public static string[] Left(DirectoryInfo directory, V1.Change all)
    {
        HashSet<string> written = [Model, .. all.Entries.Select(e => e.Document).Concat(all.Schemas.Select(s => s.Document)).Select(d => d + ".json")];
        return [.. Directory.EnumerateFiles(directory.FullName, "*.json").Select(f => Path.GetFileName(f)).Where(f => !written.Contains(f)).Order(StringComparer.Ordinal)];
    }

    /// <returns>What the files say, and the documents that have one, also where there is nothing in it.</returns>
    /// <exception cref="ArgumentException">A file cannot be read, or is not as it should be.</exception>
    public static (V1.Change Content, string[] Documents) Read(DirectoryInfo directory)
    {
        var change = new V1.Change();
        string[] files = directory.Exists ? [.. Directory.EnumerateFiles(directory.FullName, "*.json").Order(StringComparer.Ordinal)] : [];
        if (files.Length == 0) throw new ArgumentException($"There is no .json file in {directory.FullName}.");
        foreach (string file in files)
        {
            try
            {
                JsonObject content = ObjectOf(JsonNode.Parse(File.ReadAllText(file, Strict), documentOptions: OneOfEach), "the file");
                if (Path.GetFileName(file) == Model) ReadModel(content, change);
                else ReadDocument(Path.GetFileNameWithoutExtension(file), content, change);
            }
            catch (Exception e) when (e is IOException or JsonException or InvalidOperationException or NullReferenceException or FormatException or ArgumentException or UnauthorizedAccessException)
            {
                throw new ArgumentException($"{file} is not as export writes it: {(e is NullReferenceException ? "something is null or missing where an object or a name has to be." : e.Message)}", e);
            }
        }

        return (change, [.. files.Select(Path.GetFileNameWithoutExtension).OfType<string>().Where(name => name + ".json" != Model)]);
    }

    /// <summary>The same as the server writes it: what means the same compares equal, however it was written.</summary>
    /// <exception cref="ArgumentException">Something is said twice.</exception>
    public static V1.Change Canonical(V1.Change change, Dimensions dimensions, List<ConfigProblem> problems)
    {
        V1.Change canonical = ChangeMessages.Of(ChangeMessages.Read(change, problems), dimensions);
        if (canonical.Entries.GroupBy(e => (e.Document, e.Scope, e.Key)).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"{twice.Key.Document}.json says two things of {twice.Key.Key} for {twice.Key.Scope}. Drop one.");
        return canonical;
    }

    /// <summary>Edits that make the documents what is wanted. Nodes, dimensions and weights only where they are named.</summary>
    public static V1.Change Difference(V1.Change there, V1.Change wanted, IReadOnlyCollection<string> documents)
    {
        var change = new V1.Change();
        if (wanted.Dimensions is { } dimensions && !dimensions.Equals(there.Dimensions)) change.Dimensions = dimensions;
        if (wanted.Dimensions is not null)
        {
            change.Weights.AddRange(wanted.Weights.Except(there.Weights));
            var named = wanted.Weights.Select(w => (w.Dimension, w.Value)).ToHashSet();
            change.Weights.AddRange(there.Weights.Where(w => !named.Contains((w.Dimension, w.Value))).Select(w => new V1.WeightEdit { Dimension = w.Dimension, Value = w.Value }));
            change.Nodes.AddRange(wanted.Nodes.Except(there.Nodes));
            var nodes = wanted.Nodes.Select(n => n.Node).ToHashSet();
            change.Nodes.AddRange(there.Nodes.Where(n => !nodes.Contains(n.Node)).Select(n => new V1.NodeEdit { Node = n.Node, Delete = true }));
        }

        var schemas = wanted.Schemas.Select(s => (s.Document, s.Key)).ToHashSet();
        change.Schemas.AddRange(wanted.Schemas.Except(there.Schemas));
        change.Schemas.AddRange(there.Schemas.Where(s => documents.Contains(s.Document) && !schemas.Contains((s.Document, s.Key))).Select(s => new V1.SchemaEdit { Document = s.Document, Key = s.Key }));
        var entries = wanted.Entries.Select(e => (e.Document, e.Scope, e.Key)).ToHashSet();
        change.Entries.AddRange(there.Entries.Where(e => documents.Contains(e.Document) && !entries.Contains((e.Document, e.Scope, e.Key))).Select(e => new V1.EntryEdit { Document = e.Document, Scope = e.Scope, Key = e.Key }));
        change.Entries.AddRange(wanted.Entries.Except(there.Entries));
        return change;
    }

    private static JsonObject ModelOf(V1.Change all)
    {
        var weights = new JsonObject();
        foreach (V1.WeightEdit weight in all.Weights) weights[$"{weight.Dimension}={weight.Value}"] = weight.Weight;
        var nodes = new JsonObject();
        foreach (V1.NodeEdit node in all.Nodes) nodes[node.Node] = new JsonArray([.. node.Assigned.Select(p => JsonValue.Create($"{p.Dimension}={p.Value}"))]);
        return new JsonObject
        {
            ["dimensions"] = new JsonArray([.. (all.Dimensions?.Dimensions ?? []).Select(d => JsonValue.Create(d.Name + (d.MultiValued ? "*" : "")))]),
            ["node_dimension"] = all.Dimensions?.NodeDimension ?? "",
            ["weights"] = weights,
            ["nodes"] = nodes,
        };
    }

    private static void ReadModel(JsonObject content, V1.Change change)
    {
        Check(content, "dimensions", "node_dimension", "weights", "nodes");
        if (content.Count != 4) throw new JsonException("one of dimensions, node_dimension, weights and nodes is missing. Without nodes all of them would be removed; write {} for none.");
        change.Dimensions = new V1.DimensionsEdit { NodeDimension = content["node_dimension"]!.GetValue<string>() };   // a missing member throws, and the caller says where
        foreach (JsonNode? name in content["dimensions"]!.AsArray())
        {
            string text = name!.GetValue<string>();
            change.Dimensions.Dimensions.Add(new V1.Dimension { Name = text.TrimEnd('*'), MultiValued = text.EndsWith('*') });
        }

        foreach ((string value, JsonNode? weight) in content["weights"]!.AsObject())
        {
            V1.Pair pair = ConfigOptions.PairOf(value);
            change.Weights.Add(new V1.WeightEdit { Dimension = pair.Dimension, Value = pair.Value, Weight = weight!.GetValue<int>() });
        }

        foreach ((string node, JsonNode? values) in content["nodes"]!.AsObject())
        {
            var edit = new V1.NodeEdit { Node = node };
            edit.Assigned.AddRange(values!.AsArray().Select(v => ConfigOptions.PairOf(v!.GetValue<string>())));
            change.Nodes.Add(edit);
        }
    }

    private static void ReadDocument(string document, JsonObject content, V1.Change change)
    {
        Check(content, "schemas", "entries");
        foreach ((string key, JsonNode? schema) in Members(content, "schemas"))
            change.Schemas.Add(new V1.SchemaEdit { Document = document, Key = key, Schema = Text(schema) });
        foreach ((string scope, JsonNode? entries) in Members(content, "entries"))
        {
            foreach ((string key, JsonNode? entry) in ObjectOf(entries, $"what is said for {scope}"))
            {
                JsonObject said = entry as JsonObject ?? throw new JsonException($"{key} for {scope} is {entry?.ToJsonString() ?? "null"}, which does not say what to do with it. Write {{\"set\": {entry?.ToJsonString() ?? "null"}}}, or unset, append, remove or final.");
                var edit = new V1.EntryEdit { Document = document, Scope = scope, Key = key };
                string[] operations = [.. said.Select(m => m.Key).Where(m => m != "comment")];
                if (operations is not [not ""]) throw new JsonException($"{key} for {scope} has to say one of set, unset, append, remove and final, and it says {(operations.Length == 0 ? "none" : string.Join(" and ", operations))}.");
                foreach ((string name, JsonNode? value) in said)
                {
                    if (name == "comment") edit.Comment = value!.GetValue<string>();
                    else (edit.Op, edit.Value) = (name, name == "unset" ? "" : Text(value));
                }

                change.Entries.Add(edit);
            }
        }
    }

    private static JsonObject Members(JsonObject content, string name) => content.ContainsKey(name) ? ObjectOf(content[name], name) : [];

    private static JsonObject ObjectOf(JsonNode? node, string what) => node as JsonObject ?? throw new JsonException($"{what} has to be a JSON object, and is {node?.ToJsonString() ?? "null"}.");

    /// <summary>A mistyped name would be content that is not there, and what is not there is removed.</summary>
    private static void Check(JsonObject content, params string[] names)
    {
        if (content.FirstOrDefault(m => !names.Contains(m.Key)).Key is { } unknown) throw new JsonException($"\"{unknown}\" is not known; there are {string.Join(", ", names)}.");
    }

    /// <summary>As the server writes it, so that what is equal compares equal.</summary>
    private static string Text(JsonNode? node) => Layers.ValueJson.TryParse(node?.ToJsonString(Written) ?? "null", out Layers.Value? value, out string problem) ? value.ToString() : throw new JsonException(problem);
}
