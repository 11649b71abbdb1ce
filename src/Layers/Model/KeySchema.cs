using System.Collections.Immutable;

namespace Conclave.Layers;

/// <summary>The type of a key's value. The numbers are written to records and never change.</summary>
public enum KeyType
{
    /// <summary>Any value.</summary>
    Any = 0,
    String = 1,
    Integer = 2,

    /// <summary>A float; an integer is one too.</summary>
    Float = 3,
    Boolean = 4,
    List = 5,
    Map = 6,
}

/// <summary>What a string or number has to look like beyond its type.</summary>
public enum ValueFormat
{
    None = 0,

    /// <summary>0 to 65535.</summary>
    Port = 1,

    /// <summary>Something with a scheme and a colon.</summary>
    Uri = 2,

    /// <summary>An IP address or a host's name.</summary>
    HostAddress = 3,

    /// <summary>As <see cref="HostAddress"/>, and underscores in labels.</summary>
    HostDomain = 4,
}

/// <summary>How <see cref="EntryOp.Append"/> adds to what is less specific.</summary>
public enum MergeKind
{
    /// <summary>It may not: the most specific value is the value.</summary>
    Replace = 0,

    /// <summary>Elements are joined, least specific first, none twice.</summary>
    Append = 1,

    /// <summary>Elements are flattened and joined, MOST specific first, none twice.</summary>
    Union = 2,

    /// <summary>Members of maps are joined, one level deep; the more specific member wins whole.</summary>
    Map = 3,

    /// <summary>Maps are joined at every level, lists in them as by <see cref="Append"/>; null and an empty map add nothing where something is.</summary>
    Deep = 4,
}

/// <summary>What a change of a key needs before it takes effect.</summary>
public enum ApplyKind
{
    Restart = 0,
    Live = 1,
}

/// <summary>What is known about one key of one document, whoever reads it.</summary>
public sealed record KeySchema
{
    public static readonly KeySchema Default = new();

    public KeyType Type { get; init; }

    /// <summary>Type of a list's elements or a map's members.</summary>
    public KeyType Element { get; init; }

    public ValueFormat Format { get; init; }

    /// <summary>Smallest number allowed; null is no bound. For lists and maps it binds the elements.</summary>
    public double? Minimum { get; init; }

    public double? Maximum { get; init; }

    /// <summary>Most characters of a string; null is no bound.</summary>
    public int? LengthMax { get; init; }

    /// <summary>The values allowed; empty allows all. For lists it binds the elements.</summary>
    public ImmutableArray<Value> Choices { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>A regular expression that must match the whole string. Matched without backtracking, so its time is bounded.</summary>
    public string? Pattern { get; init; }

    /// <summary>The document may not be without a value for it.</summary>
    public bool Required { get; init; }

    /// <summary>Shown to people only as a fingerprint.</summary>
    public bool Secret { get; init; }

    public ApplyKind Apply { get; init; }

    public MergeKind Merge { get; init; }

    /// <summary>Nodes that share a value of this dimension must have equal values of the key; null is no constraint.</summary>
    public string? Uniform { get; init; }

    /// <summary>The program's own default, for display and for <see cref="Required"/>; never put into a document.</summary>
    public Value? ProgramDefault { get; init; }

    /// <summary>True when the program reads one line per element (oslo's MultiOpt), false when it reads one line.</summary>
    public bool OneLinePerElement { get; init; }

    public string Comment { get; init; } = "";

    public bool Equals(KeySchema? other) => other is not null && Records.StateCodec.BytesOf(this).AsSpan().SequenceEqual(Records.StateCodec.BytesOf(other));

    public override int GetHashCode() => HashCode.Combine(Type, Element, Format, Merge, Pattern, Required, Secret, Uniform);
}
