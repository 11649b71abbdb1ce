using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Conclave.Layers.Wire;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving;

/// <summary>Values as people and programs are shown them: secrets as a fingerprint, unless they are to be revealed.</summary>
public static class Shown
{
    private const string Opening = "<secret ";

    public static string Value(SpaceSnapshot space, string document, string key, Value value, bool reveal = false) =>
        !reveal && space.IsSecret(document, key) ? Quoted(document, key, value) : value.ToString();

    /// <summary>Whether a value is what a secret is shown as, so that nobody writes a fingerprint where a secret was.</summary>
    public static bool IsFingerprint(Value value) => value.Kind == ValueKind.String && value.AsString is var text && text.StartsWith(Opening, StringComparison.Ordinal) && text.EndsWith('>');

    public static V1.Item Item(SpaceSnapshot space, EffectiveDocument document, EffectiveEntry entry, Contribution? winner, bool reveal)
    {
        KeySchema schema = space.State.Document(document.Document).SchemaOf(entry.Key);
        bool secret = space.IsSecret(document.Document, entry.Key);
        return new V1.Item
        {
            Key = entry.Key,
            Value = secret && !reveal ? Quoted(document.Document, entry.Key, entry.Value) : entry.Value.ToString(),
            Scope = winner is null ? "" : space.State.Dimensions.TextOf(winner.Scope),
            Release = winner?.Entry.Release ?? 0,
            Secret = secret,
            Live = schema.Apply == ApplyKind.Live,
            Pending = entry.IsPending,
            LinePerElement = schema.OneLinePerElement,
        };
    }

    public static V1.ReleaseInfo Release(ConfigState state, long release, ReleaseNote? note)
    {
        var info = new V1.ReleaseInfo { Release = release, Author = note?.Author ?? "", UnixMs = note?.TimeUnixMs ?? 0, Reason = note?.Reason ?? "", Ticket = note?.Ticket ?? "" };
        if (state.EditsOf(release) is not { } edits) return info;
        info.Edits = edits.Length;
        info.Documents.AddRange(new Change(0, edits).Documents());
        return info;
    }

    public static V1.Problem Problem(ConfigProblem problem)
    {
        var message = new V1.Problem { Code = problem.Code, Message = problem.Message, Document = problem.Document ?? "", Key = problem.Key ?? "" };
        message.Nodes.AddRange(problem.Nodes.Take(ImpactNodesMax));
        return message;
    }

    public static V1.Impact Impact(Impact impact)
    {
        var message = new V1.Impact { Nodes = impact.Nodes.Length, NodesTotal = impact.NodesTotal, Keys = impact.Keys.Length, Restarts = impact.Restarts };
        message.Masked.AddRange(impact.Masked.Take(ImpactNodesMax));
        message.Sample.AddRange(impact.Nodes.Take(ImpactNodesMax));
        return message;
    }

    /// <summary>What entries were and are, by the two states; secrets of either are hidden.</summary>
    public static V1.EntryChange? EntryChange(SpaceSnapshot before, Fleet after, EntryEdit edit)
    {
        Entry? old = before.State.Document(edit.Document).EntryOf(edit.Scope, edit.Key), now = after.State.Document(edit.Document).EntryOf(edit.Scope, edit.Key);
        if (Same(old, now)) return null;
        bool secret = before.IsSecret(edit.Document, edit.Key) || after.State.Document(edit.Document).SchemaOf(edit.Key).Secret;
        return new V1.EntryChange
        {
            Document = edit.Document,
            Scope = after.State.Dimensions.TextOf(edit.Scope),
            Key = edit.Key,
            Before = Text(old),
            After = Text(now),
        };

        string Text(Entry? entry) => entry is null ? "" : entry.Op == EntryOp.Unset ? "unset"
            : $"{ChangeMessages.NameOf(entry.Op)} {(secret ? Quoted(edit.Document, edit.Key, entry.Value) : entry.Value.ToString())}";
    }

    /// <summary>Equal but for the release that wrote it.</summary>
    public static bool Same(Entry? a, Entry? b) => a is null || b is null ? a is null && b is null : (a with { Release = 0 }) == (b with { Release = 0 });

    /// <summary>Without the edits that change nothing.</summary>
    public static ImmutableArray<Edit> Effective(ConfigState state, ImmutableArray<Edit> edits) => [.. edits.Where(edit => edit switch
    {
        EntryEdit entry => !Same(state.Document(entry.Document).EntryOf(entry.Scope, entry.Key), entry.Entry),
        SchemaEdit schema => !Equals(state.Document(schema.Document).Schemas.GetValueOrDefault(schema.Key), schema.Schema),
        NodeEdit node => !Equals(state.Nodes.GetValueOrDefault(node.Node), node.Assignment),
        WeightEdit weight => (state.Dimensions.Weights.TryGetValue((weight.Dimension, weight.Value), out int known) ? known : null) != weight.Weight,
        DimensionsEdit list => list.NodeDimension != state.Dimensions.NodeDimension || !list.List.AsSpan().SequenceEqual(state.Dimensions.List.AsSpan()),
        _ => true,
    })];

    private const int ImpactNodesMax = 100;

    // Short, so that it tells two secrets apart for a person and is of little help to who tries out guesses.
    private static string Quoted(string document, string key, Value value)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{document}\0{key}\0{value}"));
        return Layers.Value.Of($"{Opening}{Convert.ToHexStringLower(hash.AsSpan(0, 4))}>").ToString();
    }
}
