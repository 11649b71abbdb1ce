using System.Collections.Immutable;
using System.Text;

namespace Conclave.Layers;

/// <summary>What a reference points at.</summary>
public enum ReferenceKind
{
    /// <summary>Another key of the same document and node.</summary>
    Key,

    /// <summary>A key of another document, same node.</summary>
    Document,

    /// <summary>A key of a document of another node.</summary>
    Node,

    /// <summary>A value that the node's agent reported. Never chooses scopes.</summary>
    Fact,

    /// <summary>A dimension's value that was assigned to the node, or the node's name for the node dimension.</summary>
    Dimension,

    /// <summary>Addresses of the live members of a service. Known only where liveness is.</summary>
    Live,

    /// <summary>A secret. Filled in last, on the way to an authorised node.</summary>
    Secret,

    /// <summary>A reference in the program's own syntax (oslo's <c>$name</c>), which the program follows itself. Only formats that have one can write it.</summary>
    Program,
}

/// <summary>One <c>%{...}</c>: <c>%{[text:]kind:target[#/pointer][|default]}</c>.</summary>
public sealed record Reference
{
    public required ReferenceKind Kind { get; init; }

    /// <summary>The node of a <see cref="ReferenceKind.Node"/> reference, else null.</summary>
    public string? Node { get; init; }

    /// <summary>The document of a <see cref="ReferenceKind.Document"/> or <see cref="ReferenceKind.Node"/> reference, else null.</summary>
    public string? Document { get; init; }

    /// <summary>The key, fact, dimension, service or secret.</summary>
    public required string Name { get; init; }

    /// <summary>Names and positions that lead into the value, as a JSON pointer; empty is the whole value.</summary>
    public ImmutableArray<string> Pointer { get; init; } = [];

    /// <summary>True gives text even where the reference is the whole value.</summary>
    public bool AsText { get; init; }

    /// <summary>What a missing target gives; null makes it an error.</summary>
    public string? Default { get; init; }

    /// <summary>The reference as it is written.</summary>
    public override string ToString()
    {
        var text = new StringBuilder("%{");
        if (AsText)
            text.Append("text:");
        text.Append(Kind switch
        {
            ReferenceKind.Key => "key:",
            ReferenceKind.Document => "doc:",
            ReferenceKind.Node => "node:",
            ReferenceKind.Fact => "fact:",
            ReferenceKind.Dimension => "dim:",
            ReferenceKind.Live => "live:",
            ReferenceKind.Program => "program:",
            _ => "secret:",
        });
        if (Node is not null)
            text.Append(Node).Append('/');
        if (Document is not null)
            text.Append(Document).Append('/');
        text.Append(Name);
        if (!Pointer.IsEmpty)
            text.Append('#');
        foreach (string step in Pointer)
            text.Append('/').Append(step.Replace("~", "~0").Replace("/", "~1"));
        if (Default is not null)
            text.Append('|').Append(Default);
        return text.Append('}').ToString();
    }

    /// <summary>Characters that a target cannot have, because they end it. A key with one of them cannot be referenced.</summary>
    public static bool CanName(string target) => target.Length > 0 && target.AsSpan().IndexOfAny('}', '|', '#') < 0;

    /// <param name="body">What stands between the braces.</param>
    /// <param name="reference">The reference.</param>
    /// <param name="problem">What is wrong with it.</param>
    internal static bool TryParse(ReadOnlySpan<char> body, out Reference? reference, out string problem)
    {
        reference = null;
        string shown = $"%{{{ValueChecks.Shown(body.ToString())}}}";
        string? byDefault = null;
        if (body.IndexOf('|') is >= 0 and int bar)
        {
            byDefault = body[(bar + 1)..].ToString();
            body = body[..bar];
        }
        ImmutableArray<string> pointer = [];
        if (body.IndexOf('#') is >= 0 and int hash)
        {
            string steps = body[(hash + 1)..].ToString();
            if (!steps.StartsWith('/'))
            {
                problem = $"{shown}: what follows # is a JSON pointer and begins with /. Write for example %{{key:servers#/0/name}}.";
                return false;
            }
            pointer = [.. steps[1..].Split('/').Select(step => step.Replace("~1", "/").Replace("~0", "~"))];
            body = body[..hash];
        }
        bool asText = body.StartsWith("text:", StringComparison.Ordinal);
        if (asText)
            body = body["text:".Length..];
        int colon = body.IndexOf(':');
        string target = colon < 0 ? "" : body[(colon + 1)..].ToString();
        ReferenceKind? kind = (colon < 0 ? "" : body[..colon].ToString()) switch
        {
            "key" => ReferenceKind.Key,
            "doc" => ReferenceKind.Document,
            "node" => ReferenceKind.Node,
            "fact" => ReferenceKind.Fact,
            "dim" => ReferenceKind.Dimension,
            "live" => ReferenceKind.Live,
            "secret" => ReferenceKind.Secret,
            "program" => ReferenceKind.Program,
            _ => null,
        };
        int slashes = kind switch { ReferenceKind.Document => 1, ReferenceKind.Node => 2, _ => 0 };
        string[] parts = target.Split('/', slashes + 1);
        if (kind is not { } known || parts.Length != slashes + 1 || parts.Any(part => part.Length == 0))
        {
            problem = $"{shown} is no reference. Use key:KEY, doc:DOCUMENT/KEY, node:NODE/DOCUMENT/KEY, fact:NAME, dim:DIMENSION, live:SERVICE, secret:NAME or program:NAME; a literal %{{ is written %%{{.";
            return false;
        }
        if (known is ReferenceKind.Secret or ReferenceKind.Program && (!pointer.IsEmpty || byDefault is not null))
        {
            problem = $"{shown}: what is filled in last has no pointer and no default. Name it alone.";
            return false;
        }
        reference = new Reference
        {
            Kind = known,
            Node = known == ReferenceKind.Node ? parts[0] : null,
            Document = known switch { ReferenceKind.Document => parts[0], ReferenceKind.Node => parts[1], _ => null },
            Name = parts[^1],
            Pointer = pointer,
            AsText = asText,
            Default = byDefault,
        };
        problem = "";
        return true;
    }
}
