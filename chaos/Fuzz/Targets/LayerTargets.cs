using System.Collections.Immutable;
using System.Text;
using Conclave.Fuzz.Engine;
using Conclave.Layers;
using Conclave.Layers.Import;

namespace Conclave.Fuzz.Targets;

/// <summary>A small fleet and the changes that made it.</summary>
internal static class LayerSamples
{
    private static readonly ImmutableArray<Edit> Edits =
    [
        new DimensionsEdit([new Dimension("role", IsMultiValued: true), new Dimension("site", IsMultiValued: false), new Dimension("node", IsMultiValued: false)], "node"), new WeightEdit("role", "web", 5),
        new NodeEdit("n1", Assignment.Of(new ScopePair("role", "web"), new ScopePair("role", "db"), new ScopePair("site", "a"))),
        new SchemaEdit("app", "port", new KeySchema { Type = KeyType.Integer, Minimum = 1, Maximum = 65535, ProgramDefault = Value.Of(80), Comment = "where it listens" }),
        new EntryEdit("app", Scope.Everything, "port", Entry.Set(Value.Of(8080), "all")), new EntryEdit("app", Scope.Of("role", "web"), "url", Entry.Final(Value.Of("http://%{node:name}/%{key:port|80}"))),
        new EntryEdit("app", Scope.Of("site", "a"), "list", Entry.Append(Value.List([Value.Of(1.5), Value.True, Value.Null, Value.Map([new("a", Value.Of("b"))])]))),
    ];

    private static readonly ReleaseNote Note = new() { Author = "amy", Reason = "because", Ticket = "OPS-1", TimeUnixMs = 1_700_000_000_000 };

    public static readonly ChangeRecord[] Changes =
    [
        new(new Change(0, Edits), Note, 0), new(new Change(1, [new EntryEdit("app", Scope.Everything, "port", null), new NodeEdit("n2", Assignment.None)]), Note with { Reverts = 1, AllowShrink = true }), new(new Change(0, []), Note),
    ];

    public static ConfigState[] States()
    {
        ConfigState first = Fleet.Of(ConfigState.Initial).Publish(Changes[0]).Fleet.State;
        return [ConfigState.Initial, first, Fleet.Of(first).Publish(Changes[1]).Fleet.State];
    }
}

/// <summary>Checkpoints of the configuration.</summary>
internal sealed class LayerStateTarget : FuzzTarget
{
    public override string Name => "layers-state";

    public override (long Fixed, long PerByte) MemoryMax => (128 << 10, 2048);

    public override IReadOnlyList<byte[]> Corpus() => [.. LayerSamples.States().Select(state => state.ToBytes())];

    public override void Read(byte[] input)
    {
        try
        {
            Holds(ConfigState.FromBytes(input).ToBytes().AsSpan().SequenceEqual(input), "a checkpoint has one form");
        }
        catch (RecordDamagedException)
        {
            // The documented refusal.
        }
    }
}

/// <summary>Changes of the configuration, as log entries hold them; what can be read is planned and published.</summary>
internal sealed class LayerChangeTarget : FuzzTarget
{
    private readonly Fleet _fleet = Fleet.Of(LayerSamples.States()[1]);

    public override string Name => "layers-change";

    public override (long Fixed, long PerByte) MemoryMax => (1 << 20, 4096);

    public override IReadOnlyList<byte[]> Corpus() => [.. LayerSamples.Changes.Select(change => change.ToBytes())];

    public override void Read(byte[] input)
    {
        ChangeRecord record;
        try
        {
            record = ChangeRecord.FromBytes(input);
        }
        catch (RecordDamagedException)
        {
            return;
        }

        Holds(record.ToBytes().AsSpan().SequenceEqual(input), "a change has one form");
        PublishResult result = _fleet.Publish(record with { CheckedAt = -1 });
        if (!result.IsPublished) return;
        byte[] state = result.Fleet.State.ToBytes();
        Holds(ConfigState.FromBytes(state).ToBytes().AsSpan().SequenceEqual(state), "what was published is saved and read as the same");
    }
}

/// <summary>Texts that people write: templates with references, scopes, values as JSON. The first byte chooses.</summary>
internal sealed class LayerTextTarget : FuzzTarget
{
    public override string Name => "layers-text";

    public override (long Fixed, long PerByte) MemoryMax => (64 << 10, 1024);

    public override IReadOnlyList<byte[]> Corpus() =>
    [
        .. Texts("\0http://%{node:name}:%{key:port|80}/", "\0%%{a}%%%{text:doc:other/list#/0/a~1b}", "\0%{key:@n/app/k}%{fact:os}%{secret:x}%{live:l}%{dim:role}"), .. Texts("\u0001role=web;site=a", "\u0001*", "\u0001a=b,c=d"),
        .. Texts("\u0002{\"a\":[1,-0,1.5e300,\"\\ud83d\\ude00\",null,true,{}]}", "\u00029223372036854775807"),
    ];

    public override IReadOnlyList<byte[]> Words => Texts("%{", "%", "}", "key:", "text:", "node:", "#/", "|", "~1", "~", "/", "=", ";", "\"\\ud800\"", "1e400", "-0.0", "{\"a\":", "[");

    public override void Read(byte[] input)
    {
        if (input.Length == 0) return;
        string text = Encoding.UTF8.GetString(input.AsSpan(1));
        if (input[0] % 3 == 0) Template(text);
        else if (input[0] % 3 == 1)
        {
            bool parsed = Scope.TryParse(text, out Scope? scope, out string problem);
            Holds(parsed == (problem.Length == 0) && parsed == scope is not null, "a refusal says why");
        }
        else if (ValueJson.TryParse(input.AsSpan(1), out Value? value, out string problem))
        {
            Holds(ValueJson.TryParse(ValueJson.Write(value), out Value? again, out string why) && again.Equals(value), $"what was written means the same: {why}");
        }
        else Holds(problem.Length > 0, "a refusal says why");
    }

    private static void Template(string text)
    {
        Template template = Layers.Template.Parse(text);
        if (template.Problem is not null) return;
        Template again = Layers.Template.Parse(Layers.Template.Write(template.Parts));
        Holds(again.Problem is null && again.Parts.Length == template.Parts.Length, $"what was written is a template: {again.Problem}");
        Holds(Layers.Template.Write(again.Parts) == Layers.Template.Write(template.Parts), "and the same one");
        Holds(Layers.Template.Parse(Layers.Template.Escape(text)) is { Problem: null, Parts: [] or [{ Literal: not null }] }, "escaped text is text");
    }
}

/// <summary>YAML, and a hierarchy to import. The first byte chooses.</summary>
internal sealed class LayerYamlTarget : FuzzTarget
{
    public override string Name => "layers-yaml";

    public override int BytesMax => 2 << 10;

    public override (long Fixed, long PerByte) MemoryMax => (2 << 20, 64 << 10);   // somebody else's parser, on a file that an operator gives

    public override IReadOnlyList<byte[]> Corpus() => Texts(
        "\0a: &x [1, 0x1f, 1:30, ~, yes, 'q', \"d\\n\"]\nb: *x\nc: {d: |\n    text\n  }\n", "\0- 1_000\n- .5\n- !!str 5\n- ? a\n  : b\n", "\0<<: {a: 1}\n\"quoted\nscalar\": 1\n", "\0a: &a {b: 1}\n*a: 2\n",
        "\u0001version: 5\nhierarchy:\n  - name: nodes\n    path: nodes/%{trusted.certname}.yaml\n  - name: common\n    path: common.yaml\n");

    public override IReadOnlyList<byte[]> Words => Texts("&a ", "*a", "*a: ", ": ", "- ", "? ", "|\n", ">-\n", "!!binary ", "---\n", "...\n", "'", "\"", "[", "{", "%{facts.os}", "\n", "<<: ", "0x", "0b1", "1:59:59");

    public override void Read(byte[] input)
    {
        if (input.Length == 0) return;
        string text = Encoding.UTF8.GetString(input.AsSpan(1));
        if (input[0] % 2 == 1)
        {
            HieraImport.Run(new HieraSource(text, "node,role\nn1,web\n", new Dictionary<string, string> { ["common.yaml"] = "a: 1\n" }), "app");
            return;
        }

        bool parsed = YamlText.TryParse(text, out Value? value, out string problem);
        Holds(parsed == (problem.Length == 0) && parsed == value is not null, "a refusal says why");
    }
}
