using System.Text;
using Conclave.Fuzz.Engine;
using Conclave.Layers;
using Conclave.Layers.Import;
using Conclave.Layers.Oslo;
using Conclave.Layers.Rendering;

namespace Conclave.Fuzz.Targets;

/// <summary>Files in oslo's dialect. What they import is planned, and a value that the dialect can hold is read back as it is.</summary>
internal sealed class OsloTextTarget : FuzzTarget
{
    private const string Document = "app";

    private static readonly Dictionary<string, KeySchema> Schemas = new(StringComparer.Ordinal)
    {
        ["DEFAULT/port"] = new() { Type = KeyType.Integer, Minimum = 1, Maximum = 65535 },
        ["DEFAULT/debug"] = new() { Type = KeyType.Boolean },
        ["db/ratio"] = new() { Type = KeyType.Float },
        ["db/hosts"] = new() { Type = KeyType.List },
        ["db/options"] = new() { Type = KeyType.Map },
        ["db/connection"] = new() { Type = KeyType.String, Secret = true },
        ["db/plugin"] = new() { Type = KeyType.List, OneLinePerElement = true, Merge = MergeKind.Append },
    };

    private static readonly Dictionary<string, string> Renamed = new(StringComparer.Ordinal) { ["database/connection"] = "db/connection" };

    private readonly Fleet _fleet = Fleet.Of(ConfigState.Initial).Publish(new ChangeRecord(
        new Change(0, [.. Schemas.Select(s => new SchemaEdit(Document, s.Key, s.Value))]), new ReleaseNote { Author = "a", Reason = "b" }, 0)).Fleet;

    public override string Name => "oslo-ini";

    public override int BytesMax => 2 << 10;

    public override (long Fixed, long PerByte) MemoryMax => (1 << 20, 16 << 10);   // a plan of its own

    public override IReadOnlyList<byte[]> Corpus() => Texts(
        "[DEFAULT]\nport = 80_80\ndebug: Yes\nname = 'x = y'\n# a comment\n[db]\nratio = 1e3\nhosts = a, b,c,\noptions = k:v,l:m,n\nconnection = mysql://$user:${db.password}@h/\\$x$$\nplugin = one\nplugin = two\n",
        "[database]\nconnection = \"a\n  b\n\n  c\"\nold-name = 1\n[DB]\nplugin=\n", "port = 1\n", "[a\n", "[a]\n  b\n", "[a]\n= 1\n", "[a]\nb\n", "");

    public override IReadOnlyList<byte[]> Words => Texts("[", "]", "\n", "\n  ", " = ", ":", ",", "$", "${", "}", "$$", "\\$", "\"", "'", "#", ";", "\r\n", "\u001c", "\u0085", "\u00a0", "DEFAULT", "port", "-", "%(a)s");

    public override void Read(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        bool parsed = OsloText.TryParse(text, out System.Collections.Immutable.ImmutableArray<OsloAssignment> assignments, out string problem);
        Holds(parsed == (problem.Length == 0), "a refusal says why");
        if (parsed)
        {
            foreach (OsloAssignment assignment in assignments) ReadBack(assignment.Value);
        }

        (System.Collections.Immutable.ImmutableArray<Edit> edits, System.Collections.Immutable.ImmutableArray<ConfigProblem> problems) = OsloImport.Run(text, Document, Scope.Everything, Schemas.GetValueOrDefault, Renamed);
        Holds(parsed || edits.IsEmpty && problems.Any(p => p.IsError), "what cannot be read imports nothing");
        Plan plan = _fleet.Plan(new Change(_fleet.State.Release, edits), new ReleaseNote { Author = "a", Reason = "b" });
        Holds(plan.After is not null || plan.Problems.Any(p => p.IsError), "a plan that is none says why");
    }

    private static void ReadBack(string value)
    {
        if (OsloText.Encode(value, out string problem) is not { } written)
        {
            Holds(problem.Length > 0, "a refusal says why");
            return;
        }

        Holds(OsloText.TryParse($"[a]\nb = {written}\n", out System.Collections.Immutable.ImmutableArray<OsloAssignment> again, out problem), $"what was written is read: {problem}");
        Holds(again is [{ Section: "a", Option: "b" } one] && one.Value == value, $"and as the same: {written}");
    }
}

/// <summary>What <c>oslo-config-generator --format json</c> prints.</summary>
internal sealed class OsloSchemaTarget : FuzzTarget
{
    public override string Name => "oslo-schema";

    public override int BytesMax => 2 << 10;

    public override (long Fixed, long PerByte) MemoryMax => (256 << 10, 4096);

    public override IReadOnlyList<byte[]> Corpus() => Texts(
        """{"options":{"DEFAULT":{"opts":[{"name":"port","dest":"port","type":"port value","min":1,"max":65535,"choices":[],"secret":false,"mutable":true,"required":true,"default":80,"deprecated_opts":[{"group":"old","name":"the-port"}]}]}}}""",
        """{"options":{"db":{"opts":[{"dest":"m","type":"multi valued","min":null,"choices":null,"secret":true,"mutable":false,"required":false,"default":["a"]},{"dest":"c","type":"string value","choices":[["a","text"],["b",null],"c"],"secret":false,"mutable":false,"required":false}]}}}""", "[]", "{}");

    public override IReadOnlyList<byte[]> Words => Texts("{}", "[]", "[[]]", "null", "true", "-1", "1e400", "\"\\ud800\"", "\"choices\":", "\"default\":", "\"type\":", "\"dest\":", "\"min\":", "\"deprecated_opts\":", "\"float value\"", "\"dict value\"");

    public override void Read(byte[] input)
    {
        bool parsed = OsloSchema.TryParse(Encoding.UTF8.GetString(input), out OsloSchema? schema, out System.Collections.Immutable.ImmutableArray<ConfigProblem> problems);
        Holds(parsed != problems.Any(p => p.IsError), "a refusal says why");
        if (!parsed || schema is null) return;
        Plan plan = Fleet.Of(ConfigState.Initial).Plan(new Change(0, schema.Edits("app", enforceRequired: true)), new ReleaseNote { Author = "a", Reason = "b" });
        Holds(plan.After is not null || plan.Problems.Any(p => p.IsError), "a plan that is none says why");
    }
}

/// <summary>A hierarchy with its nodes and files, and what it imports is planned. Parts are separated by a line of dashes: hierarchy, nodes, then path and text of each file.</summary>
internal sealed class HieraTarget : FuzzTarget
{
    private const string Between = "\n-----\n";

    public override string Name => "layers-hiera";

    public override int BytesMax => 3 << 10;

    public override (long Fixed, long PerByte) MemoryMax => (16 << 20, 64 << 10);   // somebody else's YAML, patterns, and a plan

    public override IReadOnlyList<byte[]> Corpus() => Texts(
        string.Join(Between, """
            dimensions: [site, role, host]
            levels:
              - {name: host, kind: file, path: "hosts/%{hostname}.yaml"}
              - {name: regex, kind: regex_file, path: regex.yaml, match: "%{fqdn}"}
              - {name: role, kind: file, path: "role/%{site}/%{_role}.yaml"}
              - {name: common, kind: expand_path, path: common}
            variables:
              hostname: column host
              fqdn: column fqdn
              domain: fqdn without the first label
              site: column site
              _role: column role
              realm: production
            """, "host\tfqdn\tsite\trole\nweb1\tweb1.eu.example\teu\tapp/web\ndb1\tdb1.us.example\tus\tdb\n",
            "hosts/web1.yaml", "a: 1\nb: \"%{hostname} in %{site} %{lookup('a')} %{alias('a')} %{literal('%')}{x}\"\n", "regex.yaml", "early:\n  __regex: !ruby/regexp /^web/\n  a: 2\nlate:\n  __regex: /[0-9]+.*/\n  c: [1, {d: e}]\n",
            "role/eu/app/web.yaml", "h: {a: {x: 1}}\n", "common.yaml", "lookup_options:\n  h: {merge: deep}\n  ^l.*: {merge: {strategy: unique}, convert_to: Sensitive}\nh: {b: 2}\nl: [1, 2]\n", "common/a/b.yaml", "a::b::c: true\n"),
        string.Join(Between, "dimensions: [host]\nlevels:\n  - {name: host, kind: file, path: \"%{hostname}.yaml\"}\nvariables: {hostname: column host}\n", "host\nn1\n", "n1.yaml", "a: 1\n"));

    public override IReadOnlyList<byte[]> Words => Texts(Between, "%{", "}", "%{hostname}", "lookup('", "alias('", "')", "lookup_options:\n", "__regex: ", "!ruby/regexp /", "(?=a)/", "/i\n", "\t", "\n", ": ", "- ", "&a ", "*a", "kind: ", "path: ", "..", "::", "without the first label", "column ", "merge: ");

    public override void Read(byte[] input)
    {
        string[] parts = Encoding.UTF8.GetString(input).Split(Between);
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 2; i + 1 < parts.Length; i += 2) files[parts[i]] = parts[i + 1];
        ImportResult result = HieraImport.Run(new HieraSource(parts[0], parts.Length > 1 ? parts[1] : "", files), "app");
        Plan plan = Fleet.Of(ConfigState.Initial).Plan(new Change(0, result.Edits), new ReleaseNote { Author = "a", Reason = "b" }, ResolutionInputs.None);
        Holds(plan.After is not null || plan.Problems.Any(p => p.IsError), "a plan that is none says why");
        if (plan.After is not { } after) return;
        foreach (string node in after.State.Nodes.Keys)
            foreach (EntryEdit entry in result.Edits.OfType<EntryEdit>().Take(8)) after.EffectiveKey(node, "app", entry.Key, ResolutionInputs.None);
    }
}

/// <summary>Templates of whole files.</summary>
internal sealed class TextTemplateTarget : FuzzTarget
{
    public override string Name => "layers-template";

    public override int BytesMax => 4 << 10;

    public override (long Fixed, long PerByte) MemoryMax => (64 << 10, 4096);

    public override IReadOnlyList<byte[]> Corpus() => Texts("listen {{port}};\n{{#if tls}}cert {{tls/cert|none}}\n{{else}}plain{{/if}}\n{{#each hosts}}server {{.}};\n{{/each}}", "{{", "{{#if a}}", "{{/if}}", "{{#each a}}{{#each b}}{{#if c}}{{/if}}{{/each}}{{/each}}", "text");

    public override IReadOnlyList<byte[]> Words => Texts("{{", "}}", "{{#if ", "{{#each ", "{{else}}", "{{/if}}", "{{/each}}", "|", ".", "/", "@", "{{{", "\n");

    public override void Read(byte[] input)
    {
        bool parsed = TextTemplate.TryParse(Encoding.UTF8.GetString(input), out TextTemplate? template, out string problem);
        Holds(parsed == (problem.Length == 0) && parsed == template is not null, "a refusal says why");
    }
}
