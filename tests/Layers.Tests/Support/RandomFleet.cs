using System.Collections.Immutable;

namespace Conclave.Layers.Tests.Support;

/// <summary>Small fleets in which everything meets: few names, so that scopes, keys and references collide often.</summary>
internal sealed class RandomFleet(int seed)
{
    private static readonly string[] Sites = ["eu", "us"], Groups = ["red", "green", "blue"], Roles = ["web", "db"], Nodes = ["n1", "n2", "n3", "n4", "n5", "n6"];
    private static readonly string[] Keys = ["a", "b", "c", "list", "union", "map", "deep"], Documents = ["nova", "glance"];
    private readonly Random _random = new(seed);

    public static Change Foundation => new(0,
    [
        new DimensionsEdit([new("site"), new("group", IsMultiValued: true), new("role"), new("host")], "host"),
        new WeightEdit("group", "red", 5),
        .. Documents.SelectMany(d => new Edit[]
        {
            new SchemaEdit(d, "list", new KeySchema { Merge = MergeKind.Append }),
            new SchemaEdit(d, "union", new KeySchema { Merge = MergeKind.Union }),
            new SchemaEdit(d, "map", new KeySchema { Merge = MergeKind.Map }),
            new SchemaEdit(d, "deep", new KeySchema { Merge = MergeKind.Deep }),
        }),
        .. Nodes.Take(4).Select((n, i) => new NodeEdit(n, Assignment.Of(new ScopePair("site", Sites[i % 2]), new ScopePair("role", Roles[i / 2])))),
    ]);

    public static ResolutionInputs Facts => Nodes.Aggregate(ResolutionInputs.None, (inputs, n) => inputs.WithFacts(n, [new("ip", Value.Of($"10.0.0.{n[1]}"))]));

    public ImmutableArray<Edit> Edits() => [.. Enumerable.Range(0, 1 + _random.Next(4)).Select(_ => Edit())];

    private Edit Edit()
    {
        switch (_random.Next(20))
        {
            case 0:
                return new NodeEdit(Pick(Nodes), _random.Next(4) == 0 ? null : Assignment.Of(Assigned()));
            case 1:
                return new WeightEdit("group", Pick(Groups), _random.Next(3) == 0 ? null : _random.Next(3));
            case 2:
                return new SchemaEdit(Pick(Documents), Pick(Keys), _random.Next(3) == 0 ? null : new KeySchema { Merge = (MergeKind)_random.Next(5) });
            default:
                string key = Pick(Keys);
                return new EntryEdit(Pick(Documents), Scope(), key, _random.Next(5) == 0 ? null : Entry(key));
        }
    }

    private List<ScopePair> Assigned()
    {
        var pairs = new List<ScopePair>();
        if (_random.Next(4) > 0)
            pairs.Add(new("site", Pick(Sites)));
        if (_random.Next(4) > 0)
            pairs.Add(new("role", Pick(Roles)));
        pairs.AddRange(Groups.Where(_ => _random.Next(2) == 0).Select(g => new ScopePair("group", g)));
        return pairs;
    }

    private Scope Scope()
    {
        var pairs = new List<ScopePair>();
        if (_random.Next(3) == 0)
            pairs.Add(new("site", Pick(Sites)));
        if (_random.Next(3) == 0)
            pairs.Add(new("group", Pick(Groups)));
        if (_random.Next(4) == 0)
            pairs.Add(new("role", Pick(Roles)));
        if (_random.Next(4) == 0)
            pairs.Add(new("host", Pick(Nodes)));
        return Layers.Scope.Of(pairs);
    }

    private Entry Entry(string key)
    {
        bool merges = key.Length > 1;
        Value value = key switch
        {
            // What is merged may come by a reference as a whole.
            _ when merges && _random.Next(6) == 0 => Value.Of(Pick(["%{key:map|}", "%{key:deep#/x|none}", "%{doc:nova/list|}", "%{node:n2/nova/deep|}"])),
            "list" or "union" => Value.List([.. Enumerable.Range(0, _random.Next(3)).Select(_ => Element(1))]),
            "map" or "deep" => Map(2),
            _ when _random.Next(6) == 0 => Element(1),
            _ => Scalar(),
        };
        return _random.Next(12) switch
        {
            0 => Layers.Entry.Unset(),
            1 => Layers.Entry.Final(value),
            2 when merges => Layers.Entry.Remove(_random.Next(2) == 0 ? Value.ListOf(Value.Of("x"), Value.Of(1), Scalar()) : value),
            < 8 when merges => Layers.Entry.Append(value),
            _ => Layers.Entry.Set(value),
        };
    }

    private Value Element(int depth) => _random.Next(depth > 0 ? 6 : 4) switch
    {
        4 => Value.List([.. Enumerable.Range(0, 1 + _random.Next(3)).Select(_ => Element(depth - 1))]),
        5 => Map(depth),
        3 when _random.Next(3) == 0 => Value.Null,
        _ => Scalar(),
    };

    /// <summary>Two names may become one when their references are followed.</summary>
    private Value Map(int depth) => Value.Map(((string[])["x", "y", "z", "%{dim:site|x}", "%{key:b|y}"]).Where((_, i) => _random.Next(i < 3 ? 2 : 8) == 0).Select(m => KeyValuePair.Create(m, Element(depth - 1))));

    private Value Scalar() => _random.Next(24) switch
    {
        0 => Value.Of("%{key:a|none}"),
        1 => Value.Of("<%{key:b|}>"),
        2 => Value.Of("%{doc:glance/c|}"),
        3 => Value.Of("%{fact:ip}"),
        4 => Value.Of("%{dim:site|}-%{dim:host}"),
        5 => Value.Of("%{node:n1/nova/c|gone}"),
        6 => Value.Of("100%% %%{no} %%%{fact:rack|0}"),
        7 => Value.Of("%{key:map#/x|none}"),
        8 => Value.Of("%{text:key:list#/0|}"),
        9 => Value.Of("%{dim:group|}"),
        10 => Value.Of("groups %{dim:group|-}"),
        _ => Value.Of(_random.Next(4)),
    };

    private string Pick(string[] from) => from[_random.Next(from.Length)];
}
