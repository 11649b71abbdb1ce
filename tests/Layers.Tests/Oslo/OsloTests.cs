using System.Text;
using System.Text.Json;
using Conclave.Layers.Oslo;
using Conclave.Layers.Rendering;
using Conclave.Layers.Tests.Support;

namespace Conclave.Layers.Tests.Oslo;

/// <summary>The dialect of oslo.config, against oslo.config itself.</summary>
public class OsloTests(ITestOutputHelper output)
{
    /// <summary>Registers the options named, reads the file, prints what each one is.</summary>
    private const string ReadTyped = """
        import json, sys, tempfile
        from oslo_config import cfg
        data = json.load(sys.stdin)
        kinds = {"string": cfg.StrOpt, "integer": cfg.IntOpt, "float": cfg.FloatOpt, "boolean": cfg.BoolOpt, "list": cfg.ListOpt, "multi": cfg.MultiStrOpt, "dict": cfg.DictOpt}
        with tempfile.NamedTemporaryFile("w", suffix=".conf", encoding="utf-8", newline="") as f:
            f.write(data["text"]); f.flush()
            conf = cfg.ConfigOpts()
            for o in data["options"]:
                conf.register_opt(kinds[o["kind"]](o["option"]), group=None if o["section"] == "DEFAULT" else o["section"])
            conf([], project="x", prog="x", default_config_files=[f.name], default_config_dirs=[])
            out = []
            for o in data["options"]:
                try: out.append({"value": conf[o["option"]] if o["section"] == "DEFAULT" else conf[o["section"]][o["option"]]})
                except Exception as e: out.append({"error": type(e).__name__ + ": " + str(e)})
            json.dump(out, sys.stdout)
        """;

    /// <summary>What oslo's parser makes of many files; null where it refuses one.</summary>
    private const string ParseRaw = """
        import json, sys, io
        from oslo_config import cfg
        out = []
        for text in json.load(sys.stdin):
            class P(cfg.ConfigParser):
                def __init__(self): super().__init__("f", {}); self.all = []
                def assignment(self, key, value):
                    super().assignment(key, value); self.all.append([self.section, key, "\n".join(value)])
            p = P()
            try:
                cfg.iniparser.BaseParser.parse(p, io.StringIO(text, newline=None).readlines()); out.append(p.all)
            except Exception as e: out.append(None)
        json.dump(out, sys.stdout)
        """;

    [Fact]
    public void Whatever_is_rendered_oslo_reads_back_as_the_same_value()
    {
        var random = new Random(20261122);
        (string Kind, KeySchema Schema, Func<Value> Make)[] kinds =
        [
            ("string", new() { Type = KeyType.String }, () => Value.Of(Documents.Tricky(random))),
            ("integer", new() { Type = KeyType.Integer }, () => Value.Of(random.NextInt64(-5, 1L << 60))),
            ("float", new() { Type = KeyType.Float }, () => Value.Of(Math.Pow(10, random.Next(-30, 30)) * random.NextDouble())),
            ("boolean", new() { Type = KeyType.Boolean }, () => Value.Of(random.Next(2) == 0)),
            ("list", new() { Type = KeyType.List }, () => Value.List([.. Enumerable.Range(0, random.Next(4)).Select(_ => Value.Of(Documents.Tricky(random)))])),
            ("multi", new() { Type = KeyType.List, OneLinePerElement = true }, () => Value.List([.. Enumerable.Range(0, 1 + random.Next(3)).Select(_ => Value.Of(Documents.Tricky(random)))])),
            ("dict", new() { Type = KeyType.Map }, () => Value.Map(Enumerable.Range(0, random.Next(3)).Select(i => KeyValuePair.Create($"k{i}{Documents.Tricky(random)}", Value.Of(Documents.Tricky(random)))))),
        ];
        var schemas = new Dictionary<string, KeySchema>();
        var values = new List<(string Key, string Kind, Value Value)>();
        int refused = 0;
        for (int i = 0; i < 4000; i++)
        {
            (string kind, KeySchema schema, Func<Value> make) = kinds[random.Next(kinds.Length)];
            string key = $"{(i % 3 == 0 ? "DEFAULT" : $"sec{i % 7}")}/opt_{i}";
            Value value = make();
            schemas[key] = schema;
            if (OsloRenderer.Render(Documents.Source(Documents.Of((key, value)), schemas)).Text is null)
                refused++;
            else
                values.Add((key, kind, value));
        }
        Rendered rendered = OsloRenderer.Render(Documents.Source(Documents.Of(values.Select(v => (v.Key, v.Value))), schemas));
        Assert.NotNull(rendered.Text);
        string answer = Python.Run("oslo_config", ReadTyped, JsonSerializer.Serialize(new
        {
            text = rendered.Text,
            options = values.Select(v => new { kind = v.Kind, section = v.Key.Split('/')[0], option = v.Key.Split('/')[1] }),
        }));
        using JsonDocument read = JsonDocument.Parse(answer);
        var wrong = new List<string>();
        foreach (((string key, string _, Value value), JsonElement got) in values.Zip(read.RootElement.EnumerateArray()))
        {
            bool equal = got.TryGetProperty("value", out JsonElement found) && ValueJson.TryParse(Encoding.UTF8.GetBytes(found.GetRawText()), out Value? parsed, out _) && parsed.Equals(value);
            if (!equal)
                wrong.Add($"{key}: {value} came back as {got.GetRawText()}");
        }
        output.WriteLine($"{values.Count} values came back, {refused} were refused.");
        Assert.Empty(wrong.Take(10));
        Assert.True(values.Count > 1500 && refused > 100, "Too little was tried.");
        // It must not refuse what could be written: of plain strings only those with a carriage return or bad continuation lines.
        Assert.All(Enumerable.Range(0, 500).Select(_ => Documents.Tricky(random)).Where(t => t.AsSpan().IndexOfAny('\r', '\n') < 0), t => Assert.NotNull(OsloText.Encode(t, out _)));
    }

    [Fact]
    public void Files_are_read_exactly_as_oslo_reads_them()
    {
        var random = new Random(7);
        string[] pieces = ["[DEFAULT]\n", "[sec]\n", "[ sec ]  \n", "[]\n", "[open\n", "a = 1\n", "b: x = y\n", "c=d:e\n", "  continued\n", "\tmore # data\n", "\n", "   \n", "# comment\n", "; comment\n", "  # indented\n",
            "q = \"quoted\"\n", "q2 = 'x' \n", "q3 = \"\n", "q4 = \"p\", \"q\"\n", "= nothing\n", "word\n", "e =\n", "é = \u00a0日本\u00a0\n", "cr = a\rb = c\n", "sp  =   spaced   \n", "last = no newline"];
        string[] texts = [.. Enumerable.Range(0, 1500).Select(i => (i % 2 == 0 ? "[DEFAULT]\n" : "") + string.Concat(Enumerable.Range(0, random.Next(9)).Select(_ => pieces[random.Next(pieces.Length)])))];
        using JsonDocument answers = JsonDocument.Parse(Python.Run("oslo_config", ParseRaw, JsonSerializer.Serialize(texts)));
        int refused = 0;
        foreach ((string text, JsonElement answer) in texts.Zip(answers.RootElement.EnumerateArray()))
        {
            bool parsed = OsloText.TryParse(text, out var assignments, out _);
            Assert.True(parsed == (answer.ValueKind != JsonValueKind.Null), text);
            refused += parsed ? 0 : 1;
            if (parsed)
                Assert.Equal(answer.EnumerateArray().Select(a => (a[0].GetString(), a[1].GetString(), a[2].GetString())), assignments.Select(a => ((string?)a.Section, (string?)a.Option, (string?)a.Value)));
        }
        output.WriteLine($"{texts.Length - refused} files were read alike, {refused} refused by both.");
        Assert.InRange(refused, 200, 1300);
    }

    [Theory]
    [InlineData("\"choices\":[[],[\"a\"]],", null)]
    [InlineData("\"min\":1e999,", "not finite")]
    public void Odd_bounds_and_choices_of_an_option_are_taken_or_told(string part, string? problem)
    {
        Assert.True(OsloSchema.TryParse("""{"options":{"d":{"opts":[{"dest":"m","type":"integer value",PART"secret":false,"mutable":false,"required":false}]}}}""".Replace("PART", part), out OsloSchema? schema, out _));

        Plan plan = Fleet.Of(ConfigState.Initial).Plan(new Change(0, schema.Edits("app")), new ReleaseNote { Author = "a", Reason = "b" });

        if (problem is null) Assert.NotNull(plan.After);
        else Assert.Contains(plan.Problems, p => p.IsError && p.Message.Contains(problem, StringComparison.Ordinal));
    }

    [Fact]
    public void Novas_options_and_sample_become_a_document_that_publishes_and_renders_back()
    {
        string folder = SharedData.Require("nova");
        Assert.True(OsloSchema.TryParse(File.ReadAllText(Path.Combine(folder, "nova-options.json")), out OsloSchema? schema, out var schemaProblems), string.Join('\n', schemaProblems));
        Assert.Empty(schemaProblems);
        Assert.Equal(1055, schema.Keys.Count);
        Assert.Equal((7, 22, 8), (schema.Keys.Values.Count(k => k.Apply == ApplyKind.Live), schema.Keys.Values.Count(k => k.Secret), schema.Required.Length));
        foreach ((string key, KeySchema each) in schema.Keys)
            Assert.True(SchemaChecks.Problem(each) is null, key);

        string file = File.ReadAllText(Path.Combine(folder, "nova.conf"));
        (var edits, var problems) = OsloImport.Run(file, "nova", Scope.Everything, k => schema.Keys.GetValueOrDefault(k), schema.Renamed);
        foreach (ConfigProblem problem in problems)
            output.WriteLine(problem.ToString());
        Assert.Equal(33, edits.Length);
        Assert.Equal(5, problems.Count(p => p.Message.Contains("no schema lists keystone_authtoken/")));

        Fleet fleet = Fleet.Of(ConfigState.Initial).Published([new NodeEdit("c17", Assignment.None), .. schema.Edits("nova"), .. edits]);
        EffectiveDocument document = fleet.Effective("c17", "nova", ResolutionInputs.None)!;
        Assert.Equal("=", document.Find("placement/username")!.Value.AsString);
        Assert.True(document.Find("spice/server_proxyclient_address")!.IsPending);
        Rendered rendered = OsloRenderer.Render(new(document, fleet.State.Document("nova").SchemaOf, _ => null));
        Assert.Empty(rendered.Problems);
        Assert.Contains("server_proxyclient_address = ${my_ip}", rendered.Text);
        (var again, _) = OsloImport.Run(rendered.Text!, "nova", Scope.Everything, k => schema.Keys.GetValueOrDefault(k), schema.Renamed);
        Assert.Equal(edits, again);
        Assert.True(OsloText.TryParse(file, out var before, out _));
        Assert.True(OsloText.TryParse(rendered.Text!, out var after, out _));
        Assert.Equal(before.Select(a => $"{a.Section}/{a.Option}={a.Value.Replace("$my_ip", "${my_ip}")}").Order(), after.Select(a => $"{a.Section}/{a.Option}={a.Value}").Order());
    }

    [Theory]
    [InlineData("a\n\nb", "blank")]
    [InlineData("a\n b", "indentation is lost")]
    [InlineData("a\rb", "carriage return")]
    public void A_value_that_the_file_cannot_hold_is_refused_and_no_file_is_made(string value, string why)
    {
        Rendered rendered = OsloRenderer.Render(Documents.Source(Documents.Of(("DEFAULT/a", Value.Of(value)), ("DEFAULT/b", Value.Of("fine")))));
        Assert.Null(rendered.Text);
        Assert.Contains(why, Assert.Single(rendered.Problems).Message);
    }

    [Fact]
    public void What_a_list_cannot_hold_is_refused_without_a_part_of_it_in_the_message()
    {
        // A part of a secret is found by nobody who looks for the whole, to mask it.
        string secret = "hunter2," + new string('x', 200);
        foreach (Value value in new[] { Value.List([Value.Of(secret)]), Value.Map([KeyValuePair.Create("m", Value.Of(secret))]), Value.Map([KeyValuePair.Create(secret, Value.Of("v"))]) })
        {
            string message = Assert.Single(OsloRenderer.Render(Documents.Source(Documents.Of(("DEFAULT/a", value)))).Problems).Message;
            Assert.Contains("has a comma", message, StringComparison.Ordinal);
            Assert.DoesNotContain("hunter2", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Old_names_and_names_with_dashes_are_told()
    {
        (var edits, var problems) = OsloImport.Run("[DATABASE]\nsql_connection = x\n[DEFAULT]\nfoo-bar = 1\nx = 1\nx = 2\n", "nova", Scope.Everything, k => k == "database/connection" ? KeySchema.Default : null,
            new Dictionary<string, string> { ["database/sql_connection"] = "database/connection" });
        Assert.Equal(["DEFAULT/x", "database/connection"], edits.Select(e => ((EntryEdit)e).Key));
        Assert.Contains(problems, p => p.Message.Contains("old name of database/connection"));
        Assert.Contains(problems, p => p.Message.Contains("write foo_bar"));
        Assert.Contains(problems, p => p.Message.Contains("given 2 times"));
    }

    [Fact]
    public void Secrets_are_put_in_with_their_dollars_and_backslashes_intact()
    {
        var document = new EffectiveDocument("doc", 1, [new("DEFAULT/ref", Value.Of("%{program:my_ip}:80"), IsPending: true), new("DEFAULT/url", Value.Of(@"a\%{secret:s}$b"), IsPending: true)], []);
        Rendered rendered = OsloRenderer.Render(new(document, _ => KeySchema.Default, _ => Value.Of("$p")));
        Assert.Equal("[DEFAULT]\nref = ${my_ip}:80\nurl = a\\\\$p$$b\n", rendered.Text);
        Assert.Null(OsloRenderer.Render(new(document, _ => KeySchema.Default, _ => null)).Text);
    }
}
