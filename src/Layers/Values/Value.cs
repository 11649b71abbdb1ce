using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Conclave.Layers;

/// <summary>An immutable typed value: null, boolean, integer, float, string, list or map. <c>1</c> and <c>1.0</c> are different values, as are null and "".</summary>
/// <remarks>Members of a map are held in ordinal order of their names, so equal values have equal bytes (<see cref="ToBytes"/>).</remarks>
public sealed class Value : IEquatable<Value>
{
    public static readonly Value Null = new(ValueKind.Null, 0, null, false);
    public static readonly Value True = new(ValueKind.Boolean, 1, null, false);
    public static readonly Value False = new(ValueKind.Boolean, 0, null, false);
    public static readonly Value EmptyList = new(ValueKind.List, 0, ImmutableArray<Value>.Empty, false);
    public static readonly Value EmptyMap = new(ValueKind.Map, 0, ImmutableArray<KeyValuePair<string, Value>>.Empty, false);

    private readonly long _bits;
    private readonly object? _object;
    private Template? _template;

    private Value(ValueKind kind, long bits, object? @object, bool hasTemplate)
    {
        (Kind, _bits, _object, HasTemplate) = (kind, bits, @object, hasTemplate);
    }

    public ValueKind Kind { get; }

    /// <summary>True when a string in it (a name of a map's member too) has <c>%{</c>: a reference, or its escape.</summary>
    public bool HasTemplate { get; }

    public static Value Of(bool value) => value ? True : False;

    public static Value Of(long value) => new(ValueKind.Integer, value, null, false);

    /// <exception cref="ArgumentException">NaN and infinities have no text in most formats and are no values.</exception>
    public static Value Of(double value)
    {
        if (!double.IsFinite(value))
            throw new ArgumentException($"{value} is not a finite number. Write it as a string.", nameof(value));
        return new(ValueKind.Float, BitConverter.DoubleToInt64Bits(value == 0 ? 0.0 : value), null, false);   // -0.0 equals 0.0, so it has its bytes
    }

    public static Value Of(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(ValueKind.String, 0, value, value.Contains(Template.Opening, StringComparison.Ordinal));
    }

    public static Value List(ImmutableArray<Value> elements) =>
        elements.IsDefaultOrEmpty ? EmptyList : new(ValueKind.List, 0, elements, elements.Any(e => e.HasTemplate));

    public static Value ListOf(params ReadOnlySpan<Value> elements) => List(elements.ToImmutableArray());

    /// <exception cref="ArgumentException">Two members have one name.</exception>
    public static Value Map(IEnumerable<KeyValuePair<string, Value>> members)
    {
        KeyValuePair<string, Value>[] sorted = [.. members];
        Array.Sort(sorted, static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        for (int i = 1; i < sorted.Length; i++)
        {
            if (sorted[i].Key == sorted[i - 1].Key)
                throw new ArgumentException($"The map has two members named \"{sorted[i].Key}\".", nameof(members));
        }
        return FromSorted(System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsImmutableArray(sorted));
    }

    public bool AsBoolean => Kind == ValueKind.Boolean ? _bits != 0 : throw Not(ValueKind.Boolean);

    public long AsInteger => Kind == ValueKind.Integer ? _bits : throw Not(ValueKind.Integer);

    public double AsFloat => Kind == ValueKind.Float ? BitConverter.Int64BitsToDouble(_bits) : throw Not(ValueKind.Float);

    public string AsString => Kind == ValueKind.String ? (string)_object! : throw Not(ValueKind.String);   // a string's object is its text

    public ImmutableArray<Value> Elements => Kind == ValueKind.List ? (ImmutableArray<Value>)_object! : throw Not(ValueKind.List);   // set for every list

    /// <summary>Members of a map, in ordinal order of their names.</summary>
    public ImmutableArray<KeyValuePair<string, Value>> Members =>
        Kind == ValueKind.Map ? (ImmutableArray<KeyValuePair<string, Value>>)_object! : throw Not(ValueKind.Map);   // set for every map

    public bool TryGetMember(string name, [NotNullWhen(true)] out Value? member)
    {
        ImmutableArray<KeyValuePair<string, Value>> members = Members;
        (int low, int high) = (0, members.Length - 1);
        while (low <= high)
        {
            int middle = (low + high) / 2;
            int order = string.CompareOrdinal(members[middle].Key, name);
            if (order == 0)
            {
                member = members[middle].Value;
                return true;
            }
            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }
        member = null;
        return false;
    }

    /// <summary>The one binary form of this value (docs/layers.md, "Records").</summary>
    public byte[] ToBytes()
    {
        var writer = new CanonicalWriter();
        writer.Value(this);
        return writer.ToArray();
    }

    /// <summary>JSON without spaces, members in ordinal order, a float always with a point or an exponent.</summary>
    public override string ToString() => ValueJson.Write(this);

    public bool Equals(Value? other)
    {
        if (ReferenceEquals(this, other))
            return true;
        if (other is null || other.Kind != Kind || other._bits != _bits)
            return false;
        switch (Kind)
        {
            case ValueKind.String:
                return (string)_object! == (string)other._object!;   // set for every string
            case ValueKind.List:
                return Elements.AsSpan().SequenceEqual(other.Elements.AsSpan());
            case ValueKind.Map:
                ImmutableArray<KeyValuePair<string, Value>> mine = Members, theirs = other.Members;
                if (mine.Length != theirs.Length)
                    return false;
                for (int i = 0; i < mine.Length; i++)
                {
                    if (mine[i].Key != theirs[i].Key || !mine[i].Value.Equals(theirs[i].Value))
                        return false;
                }
                return true;
            default:
                return true;
        }
    }

    public override bool Equals(object? obj) => Equals(obj as Value);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(Kind);
        hash.Add(_bits);
        if (Kind == ValueKind.String)
            hash.Add(AsString);
        else if (Kind == ValueKind.List)
            foreach (Value element in Elements)
                hash.Add(element);
        else if (Kind == ValueKind.Map)
            foreach (KeyValuePair<string, Value> member in Members)
            {
                hash.Add(member.Key);
                hash.Add(member.Value);
            }
        return hash.ToHashCode();
    }

    /// <summary>The string, parsed once. Two threads may both parse it; they store equal results.</summary>
    internal Template Template => _template ??= Template.Parse(AsString);

    /// <param name="members">In ordinal order, no name twice.</param>
    internal static Value FromSorted(ImmutableArray<KeyValuePair<string, Value>> members) => members.IsDefaultOrEmpty
        ? EmptyMap
        : new(ValueKind.Map, 0, members, members.Any(m => m.Value.HasTemplate || m.Key.Contains(Template.Opening, StringComparison.Ordinal)));

    private InvalidOperationException Not(ValueKind wanted) => new($"The value is of kind {Kind}, not {wanted}. Look at Kind first.");
}
