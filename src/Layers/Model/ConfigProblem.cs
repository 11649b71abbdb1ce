using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>Codes of problems: stable, for programs.</summary>
public static class ProblemCodes
{
    /// <summary>Two scopes of equal rank and weight give one node different values.</summary>
    public const string Ambiguous = "E_AMBIGUOUS";

    /// <summary>Nodes that must agree on a value do not.</summary>
    public const string Uniform = "E_UNIFORM";

    /// <summary>A more specific scope overrides a final value.</summary>
    public const string Final = "E_FINAL";

    /// <summary>A value does not keep to its schema, or a schema is wrong itself.</summary>
    public const string Schema = "E_SCHEMA";

    /// <summary>A reference is malformed, leads nowhere, in a circle or too far.</summary>
    public const string Reference = "E_REFERENCE";

    /// <summary>What the change was made for has changed since.</summary>
    public const string Conflict = "E_CONFLICT";

    /// <summary>A release that is still on its way to the nodes stands in the way.</summary>
    public const string Rollout = "E_ROLLOUT";

    /// <summary>Too long, too many, too deep.</summary>
    public const string Limit = "E_LIMIT";

    /// <summary>A name is malformed or names nothing.</summary>
    public const string Name = "E_NAME";

    /// <summary>A value cannot be written in the format asked for.</summary>
    public const string Format = "E_FORMAT";

    /// <summary>Something to import cannot be taken over as it is.</summary>
    public const string Import = "E_IMPORT";

    /// <summary>A secret cannot be sealed here, or may not be used.</summary>
    public const string Secret = "E_SECRET";

    /// <summary>Warning: releases that are past hold a value in clear that is a secret now.</summary>
    public const string SecretInHistory = "W_SECRET";

    /// <summary>Warning: a node has not reported a fact that its configuration needs.</summary>
    public const string FactMissing = "W_FACT";

    /// <summary>Warning: keys that differ only by case; .NET programs take them for one.</summary>
    public const string Case = "W_CASE";

    /// <summary>Warning: something was left out of an import.</summary>
    public const string Skipped = "W_SKIPPED";
}

/// <summary>Something that stops a change (codes E_...) or that its author should know (W_...).</summary>
/// <param name="Code">One of <see cref="ProblemCodes"/>.</param>
/// <param name="Message">What happened, with the values, and what to do. Names at most <see cref="Limits.NodesNamedMax"/> nodes.</param>
public sealed record ConfigProblem(string Code, string Message)
{
    public string? Document { get; init; }

    public string? Key { get; init; }

    /// <summary>Nodes concerned, in ordinal order; all of them, however many the message names.</summary>
    public ImmutableArray<string> Nodes { get; init => field = value.IsDefault ? [] : value; } = [];

    public bool IsError => Code.StartsWith("E_", StringComparison.Ordinal);

    public override string ToString() => $"{(IsError ? "error" : "warning")} {Code} {Message}";

    /// <summary>"c01, c02 and 39 more".</summary>
    internal static string Named(IReadOnlyList<string> nodes) => nodes.Count == 0 ? "no node"
        : nodes.Count <= Limits.NodesNamedMax ? string.Join(", ", nodes)
        : $"{string.Join(", ", nodes.Take(Limits.NodesNamedMax))} and {nodes.Count - Limits.NodesNamedMax} more";

    public bool Equals(ConfigProblem? other) => other is not null && (Code, Message, Document, Key) == (other.Code, other.Message, other.Document, other.Key)
        && Nodes.AsSpan().SequenceEqual(other.Nodes.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Code, Message, Document, Key);
}
