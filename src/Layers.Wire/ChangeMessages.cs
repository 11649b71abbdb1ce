using System.Collections.Immutable;
using Conclave.Wire.V1;

namespace Conclave.Layers.Wire;

/// <summary>Changes of the library as messages of the API, and back.</summary>
public static class ChangeMessages
{
    private static readonly Dictionary<string, EntryOp> Ops = Enum.GetValues<EntryOp>().ToDictionary(NameOf);

    /// <summary>"set", "unset", "append", "remove", "final".</summary>
    public static string NameOf(EntryOp op) => op.ToString().ToLowerInvariant();

    /// <param name="edits">In their order.</param>
    /// <param name="dimensions">For the canonical text of scopes.</param>
    /// <param name="show">What a value is shown as; null shows it as it is.</param>
    public static Conclave.Wire.V1.Change Of(IEnumerable<Edit> edits, Dimensions dimensions, Func<string, string, Value, string>? show = null)
    {
        var change = new Conclave.Wire.V1.Change();
        foreach (Edit edit in edits)
        {
            switch (edit)
            {
                case DimensionsEdit list: change.Dimensions = Of(list.List, list.NodeDimension); break;
                case WeightEdit weight: change.Weights.Add(new Conclave.Wire.V1.WeightEdit { Dimension = weight.Dimension, Value = weight.Value, Weight = weight.Weight ?? 0 }); break;
                case NodeEdit node: change.Nodes.Add(Of(node)); break;
                case SchemaEdit schema: change.Schemas.Add(new Conclave.Wire.V1.SchemaEdit { Document = schema.Document, Key = schema.Key, Schema = schema.Schema is { } known ? SchemaJson.Write(known) : "" }); break;
                case EntryEdit entry: change.Entries.Add(Of(entry.Document, dimensions.TextOf(entry.Scope), entry.Key, entry.Entry, show)); break;
                default: throw new InvalidOperationException($"{edit.GetType().Name} has no message. This is a bug: report it.");
            }
        }
        return change;
    }

    public static Conclave.Wire.V1.EntryEdit Of(string document, string scope, string key, Entry? entry, Func<string, string, Value, string>? show = null)
    {
        var message = new Conclave.Wire.V1.EntryEdit { Document = document, Scope = scope, Key = key };
        if (entry is not null)
        {
            message.Op = NameOf(entry.Op);
            message.Value = entry.Op == EntryOp.Unset ? "" : show?.Invoke(document, key, entry.Value) ?? entry.Value.ToString();
            message.Comment = entry.Comment;
        }
        return message;
    }

    public static Conclave.Wire.V1.DimensionsEdit Of(IEnumerable<Dimension> list, string nodeDimension)
    {
        var message = new Conclave.Wire.V1.DimensionsEdit { NodeDimension = nodeDimension };
        message.Dimensions.AddRange(list.Select(d => new Conclave.Wire.V1.Dimension { Name = d.Name, MultiValued = d.IsMultiValued }));
        return message;
    }

    private static Conclave.Wire.V1.NodeEdit Of(NodeEdit node)
    {
        var message = new Conclave.Wire.V1.NodeEdit { Node = node.Node, Delete = node.Assignment is null };
        if (node.Assignment is { } assignment)
            message.Assigned.AddRange(assignment.Pairs.Select(p => new Pair { Dimension = p.Dimension, Value = p.Value }));
        return message;
    }

    /// <summary>Edits in the order dimensions, weights, nodes, schemas, entries. A weight of 0 is none.</summary>
    /// <param name="message">A change.</param>
    /// <param name="problems">What in it is malformed.</param>
    public static ImmutableArray<Edit> Read(Conclave.Wire.V1.Change? message, List<ConfigProblem> problems)
    {
        if (message is null)
            return [];
        var edits = ImmutableArray.CreateBuilder<Edit>(message.Entries.Count + message.Schemas.Count + message.Nodes.Count + message.Weights.Count + 1);
        if (message.Dimensions is { } dimensions)
            edits.Add(new DimensionsEdit([.. dimensions.Dimensions.Select(d => new Dimension(d.Name, d.MultiValued))], dimensions.NodeDimension));
        foreach (Conclave.Wire.V1.WeightEdit weight in message.Weights)
            edits.Add(new WeightEdit(weight.Dimension, weight.Value, weight.Weight == 0 ? null : weight.Weight));
        foreach (Conclave.Wire.V1.NodeEdit node in message.Nodes)
            edits.Add(new NodeEdit(node.Node, node.Delete ? null : Assignment.Of(node.Assigned.Select(p => new ScopePair(p.Dimension, p.Value)))));
        foreach (Conclave.Wire.V1.SchemaEdit schema in message.Schemas)
        {
            KeySchema? known = null;
            if (schema.Schema.Length > 0 && !SchemaJson.TryParse(schema.Schema, out known, out string problem))
                problems.Add(new(ProblemCodes.Schema, $"{schema.Document} {schema.Key}: {problem}") { Document = schema.Document, Key = schema.Key });
            edits.Add(new SchemaEdit(schema.Document, schema.Key, known));
        }
        foreach (Conclave.Wire.V1.EntryEdit entry in message.Entries)
        {
            if (Read(entry, problems) is { } edit)
                edits.Add(edit);
        }
        return edits.ToImmutable();
    }

    private static EntryEdit? Read(Conclave.Wire.V1.EntryEdit entry, List<ConfigProblem> problems)
    {
        if (!Scope.TryParse(entry.Scope.Length == 0 ? "*" : entry.Scope, out Scope? scope, out string problem))
            return Refuse(ProblemCodes.Name, problem);
        if (entry.Op.Length == 0)
            return new(entry.Document, scope, entry.Key, null);
        if (!Ops.TryGetValue(entry.Op, out EntryOp op))
            return Refuse(ProblemCodes.Name, $"\"{entry.Op}\" is no operation; there are {string.Join(", ", Ops.Keys)}, and an empty one that deletes the entry.");
        if (op == EntryOp.Unset)
            return new(entry.Document, scope, entry.Key, Entry.Unset(entry.Comment));
        if (!ValueJson.TryParse(entry.Value, out Value? value, out problem))
            return Refuse(ProblemCodes.Schema, problem);
        return new(entry.Document, scope, entry.Key, new Entry(op, value, entry.Comment));

        EntryEdit? Refuse(string code, string what)
        {
            problems.Add(new(code, $"{entry.Document} {entry.Key} at {entry.Scope}: {what}") { Document = entry.Document, Key = entry.Key });
            return null;
        }
    }
}
