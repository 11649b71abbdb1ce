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
        Value value = key switch
        {
            "list" or "union" => Value.List([.. Enumerable.Range(0, _random.Next(3)).Select(_ => Scalar())]),
            "map" or "deep" => Value.Map(((string[])["x", "y", "z"]).Where(_ => _random.Next(2) == 0).Select(m => KeyValuePair.Create(m,
                _random.Next(3) switch { 0 => Value.ListOf(Value.Of(_random.Next(3))), 1 => Value.Map([new("k", Value.Of(_random.Next(3)))]), _ => Value.Of(_random.Next(3)) }))),
            _ => Scalar(),
        };
        bool merges = key.Length > 1;
        return _random.Next(12) switch
        {
            0 => Layers.Entry.Unset(),
            1 => Layers.Entry.Final(value),
            2 when merges => Layers.Entry.Remove(value),
            < 8 when merges => Layers.Entry.Append(value),
            _ => Layers.Entry.Set(value),
        };
    }

    private Value Scalar() => _random.Next(9) switch
    {
        0 => Value.Of("%{key:a|none}"),
        1 => Value.Of("<%{key:b|}>"),
        2 => Value.Of("%{doc:glance/c|}"),
        3 => Value.Of("%{fact:ip}"),
        4 => Value.Of("%{dim:site|}-%{dim:host}"),
        5 => Value.Of("%{node:n1/nova/c|gone}"),
        6 => Value.Of("100%% %%{no}"),
        _ => Value.Of(_random.Next(4)),
    };

    private string Pick(string[] from) => from[_random.Next(from.Length)];
}
