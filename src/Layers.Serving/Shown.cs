using System.Collections.Immutable;
using Conclave.Layers.Serving.Secrets;
using Conclave.Layers.Wire;
using V1 = Conclave.Wire.V1;

namespace Conclave.Layers.Serving;

/// <summary>Values as people and programs are shown them: secrets as a fingerprint, unless they are to be revealed.</summary>
public static class Shown
{
    /// <summary>The value of an entry. References to secrets that people named are shown, since they are no secret; what was sealed, or lies there in clear, is not.</summary>
    public static string Entry(SpaceSnapshot space, string document, string key, Value value) =>
        IsHidden(value, space.State.Document(document).SchemaOf(key).Secret) ? space.Secrets.Hide(value).ToString() : value.ToString();

    /// <summary>Whether the value of an entry must not be shown as it stands.</summary>
    public static bool IsHidden(Value value, bool isSecret) =>
        (isSecret && SecretReferences.HasLiteral(value)) || (value.HasTemplate && SecretReferences.NamesIn(value).Any(SecretNames.IsOfEntry));

    /// <summary>An effective value.</summary>
    /// <param name="space">Where.</param>
    /// <param name="document">The document.</param>
    /// <param name="key">The key.</param>
    /// <param name="value">The value; a template when it is pending.</param>
    /// <param name="isPending">Whether it is. Afterwards whether it still is.</param>
    /// <param name="reveal">Secrets in clear.</param>
    /// <exception cref="SecretUnavailableException">A secret is to be revealed that this member cannot open.</exception>
    public static Value Effective(SpaceSnapshot space, string document, string key, Value value, ref bool isPending, bool reveal = false)
    {
        if (!reveal && space.IsSecret(document, key))
        {
            isPending = false;
            return space.Secrets.Hide(value);
        }

        if (!isPending || !SecretReferences.HasAny(value)) return value;
        return reveal ? space.Secrets.Reveal(value, out isPending) : space.Secrets.Conceal(value, out isPending);
    }

    public static V1.Item Item(SpaceSnapshot space, EffectiveDocument document, EffectiveEntry entry, Contribution? winner, bool reveal)
    {
        KeySchema schema = space.State.Document(document.Document).SchemaOf(entry.Key);
        bool isPending = entry.IsPending;
        Value value = Effective(space, document.Document, entry.Key, entry.Value, ref isPending, reveal);
        return new V1.Item
        {
            Key = entry.Key,
            Value = value.ToString(),
            Scope = winner is null ? "" : space.State.Dimensions.TextOf(winner.Scope),
            Release = winner?.Entry.Release ?? 0,
            Secret = IsSecret(space, document.Document, entry),
            Live = schema.Apply == ApplyKind.Live,
            Pending = isPending,
            LinePerElement = schema.OneLinePerElement,
        };
    }

    /// <summary>Whether the value of an effective key is a secret, or has one in it.</summary>
    public static bool IsSecret(SpaceSnapshot space, string document, EffectiveEntry entry) => space.IsSecret(document, entry.Key) || (entry.IsPending && SecretReferences.HasAny(entry.Value));

    public static V1.ReleaseInfo Release(ConfigState state, long release, ReleaseNote? note) => Release(release, note, state.EditsOf(release));

    /// <param name="release">Its number.</param>
    /// <param name="note">Null when it is not known.</param>
    /// <param name="changed">Null when they are not known.</param>
    public static V1.ReleaseInfo Release(long release, ReleaseNote? note, ImmutableArray<Edit>? changed)
    {
        var info = new V1.ReleaseInfo { Release = release, Author = note?.Author ?? "", UnixMs = note?.TimeUnixMs ?? 0, Reason = note?.Reason ?? "", Ticket = note?.Ticket ?? "" };
        if (note is { Reverts: > 0 }) info.Reverts = note.Reverts;
        if (note is { Reverts: < 0 }) info.ReturnedTo = -note.Reverts;
        if (changed is not { } edits) return info;
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
        Layers.Entry? old = before.State.Document(edit.Document).EntryOf(edit.Scope, edit.Key), now = after.State.Document(edit.Document).EntryOf(edit.Scope, edit.Key);
        if (Same(old, now)) return null;
        bool secret = before.State.Document(edit.Document).SchemaOf(edit.Key).Secret || after.State.Document(edit.Document).SchemaOf(edit.Key).Secret;
        return new V1.EntryChange
        {
            Document = edit.Document,
            Scope = after.State.Dimensions.TextOf(edit.Scope),
            Key = edit.Key,
            Before = Text(old),
            After = Text(now),
        };

        string Text(Layers.Entry? entry) => entry is null ? "" : entry.Op == EntryOp.Unset ? "unset"
            : $"{ChangeMessages.NameOf(entry.Op)} {(IsHidden(entry.Value, secret) ? before.Secrets.Hide(entry.Value) : entry.Value)}";
    }

    /// <summary>Equal but for the release that wrote it.</summary>
    public static bool Same(Layers.Entry? a, Layers.Entry? b) => a is null || b is null ? a is null && b is null : (a with { Release = 0 }) == (b with { Release = 0 });

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
}
