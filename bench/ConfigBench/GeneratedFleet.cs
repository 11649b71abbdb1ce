using Conclave.Wire.V1;

namespace Conclave.ConfigBench;

/// <summary>10,000 hosts x 500 keys over 200 classes, five entries of its own for every host, a reference and a fact: the data of bench/LayersBench, as messages.</summary>
internal static class GeneratedFleet
{
    public const string Document = "nova";

    private const int Classes = 200, Keys = 500, OwnKeys = 5, PartEdits = 8_000;

    /// <summary>A key that everybody has from the global scope.</summary>
    public const string GlobalKey = "section1/option_401";

    public static string Host(int i) => $"c{i:00000}";

    public static string Fact(int i) => $"\"10.{i >> 16}.{i >> 8 & 255}.{i & 255}\"";

    /// <summary>What all hosts share, for an empty space.</summary>
    public static IEnumerable<Change> Shared()
    {
        var change = new Change { Dimensions = new DimensionsEdit { NodeDimension = "host" } };
        foreach (string name in (string[])["region", "aggregate", "hardware", "role", "host"])
            change.Dimensions.Dimensions.Add(new Dimension { Name = name, MultiValued = name == "aggregate" });
        for (int k = 0; k < Keys - 2; k++)
            change.Entries.Add(Set("*", Key(k), $"value of option {k} for everybody"));
        change.Entries.Add(Set("*", "DEFAULT/url", $"rabbit://%{{key:{GlobalKey}}}:5672/"));
        change.Entries.Add(Set("*", "DEFAULT/my_ip", "%{fact:mgmt_ip}"));
        for (int v = 0; v < 10; v++)
            for (int k = 0; k < 50; k++)
                change.Entries.Add(Set($"region=r{v}", Key(k * 3), $"of region {v}"));
        for (int v = 0; v < 5; v++)
            for (int k = 0; k < 30; k++)
                change.Entries.Add(Set($"aggregate=a{v}", Key(k * 5), $"of aggregate {v}"));
        for (int v = 0; v < 4; v++)
            for (int k = 0; k < 20; k++)
                change.Entries.Add(Set($"hardware=h{v}", Key(k * 7), $"of hardware {v}"));
        change.Entries.Add(Set("role=compute", Key(0), "of compute hosts"));
        yield return change;
    }

    /// <summary>Hosts with their own entries, in parts that fit into a release each.</summary>
    public static IEnumerable<Change> Hosts(int first, int count)
    {
        var change = new Change();
        for (int i = first; i < first + count; i++)
        {
            int c = i % Classes;
            var node = new NodeEdit { Node = Host(i) };
            foreach ((string dimension, string value) in (IEnumerable<(string, string)>)[("region", $"r{c % 10}"), ("aggregate", $"a{c / 10 % 5}"), ("hardware", $"h{c / 50}"), ("role", "compute")])
                node.Assigned.Add(new Pair { Dimension = dimension, Value = value });
            change.Nodes.Add(node);
            for (int k = 0; k < OwnKeys; k++)
                change.Entries.Add(Set($"host={Host(i)}", Key((i + k * 97) % (Keys - 2) is var at && at == 401 ? 402 : at), $"of {Host(i)}"));
            if (change.Entries.Count + change.Nodes.Count < PartEdits)
                continue;
            yield return change;
            change = new Change();
        }
        if (change.Nodes.Count > 0)
            yield return change;
    }

    public static Change One(string scope, string key, string value, string document = Document)
    {
        var change = new Change();
        EntryEdit edit = Set(scope, key, value);
        edit.Document = document;
        change.Entries.Add(edit);
        return change;
    }

    private static string Key(int i) => $"section{i % 25}/option_{i:000}";

    private static EntryEdit Set(string scope, string key, string value) => new() { Document = Document, Scope = scope, Key = key, Op = "set", Value = $"\"{value}\"" };
}
