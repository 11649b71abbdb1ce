using System.Text;
using System.Text.Json;
using Conclave.Layers.Rendering;
using Conclave.Layers.Tests.Support;

namespace Conclave.Layers.Tests.Rendering;

/// <summary>Every format is read back by a reader that is not ours.</summary>
public class FormatTests(ITestOutputHelper output)
{
    private const string Json = "import json, sys\njson.dump([json.loads(t) for t in json.load(sys.stdin)], sys.stdout)";
    private const string Yaml = "import json, sys, yaml\njson.dump([yaml.safe_load(t) for t in json.load(sys.stdin)], sys.stdout)";
    private const string Toml = "import json, sys, tomllib\njson.dump([tomllib.loads(t) for t in json.load(sys.stdin)], sys.stdout)";

    private const string Ini = """
        import json, sys, configparser
        def read(t):
            c = configparser.RawConfigParser(default_section="\0none"); c.optionxform = str; c.read_string(t)
            return {f"{s}/{o}": v for s in c.sections() for o, v in c.items(s)}
        json.dump([read(t) for t in json.load(sys.stdin)], sys.stdout)
        """;

    /// <summary>A real shell sources the file and prints what its variables hold.</summary>
    private const string Shell = """
        import json, sys, subprocess
        def read(t):
            names = [n for n in json.loads(t)["names"]]
            script = json.loads(t)["text"] + "\n" + "".join(f'printf "%s\\0" "${n}"\n' for n in names)
            out = subprocess.run(["/bin/sh", "-eu", "-c", script], capture_output=True, check=True).stdout.decode("utf-8").split("\0")[:-1]
            return dict(zip(names, out))
        json.dump([read(t) for t in json.load(sys.stdin)], sys.stdout)
        """;

    /// <summary>The rules of systemd's EnvironmentFile for double quotes, and of java.util.Properties, written down again from their manuals: neither program is here to be asked.</summary>
    private const string ByTheManual = """
        import json, sys, re
        def systemd(t):
            out = {}
            for m in re.finditer(r'(\w+)="((?:[^"\\]|\\.)*)"\n', t, re.S):
                out[m.group(1)] = re.sub(r'\\(["\\`$])', r'\1', m.group(2))
            return out
        def properties(t):
            out = {}
            def un(s): return re.sub(r'\\(u([0-9A-Fa-f]{4})|.)', lambda m: chr(int(m.group(2), 16)) if m.group(2) else {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}.get(m.group(1), m.group(1)), s)
            for line in t.split("\n"):
                if not line: continue
                k = re.match(r'((?:[^\\=: \t\f]|\\.)*)[ \t\f]*[=:]?[ \t\f]*(.*)$', line)
                out[un(k.group(1))] = un(k.group(2)).encode("utf-16", "surrogatepass").decode("utf-16")
            return out
        json.dump([systemd(t[1:]) if t[0] == "S" else properties(t[1:]) for t in json.load(sys.stdin)], sys.stdout)
        """;

    [Theory]
    [InlineData(RenderFormat.Json, "json", Json)]
    [InlineData(RenderFormat.Yaml, "yaml", Yaml)]
    [InlineData(RenderFormat.Toml, "tomllib", Toml)]
    public void A_tree_is_read_back_as_it_was(RenderFormat format, string module, string script)
    {
        var random = new Random(42);
        var texts = new List<string>();
        var wanted = new List<Value>();
        int refused = 0;
        for (int i = 0; i < 300; i++)
        {
            RenderSource source = Documents.Source(Documents.Of(Enumerable.Range(0, random.Next(1, 8)).Select(k => ($"{(k % 2 == 0 ? "" : $"section{k % 3}/")}key{k}{Documents.Tricky(random).Replace("/", "")}", Any(random, 0)))));
            Rendered rendered = Renderer.Render(format, source);
            if (rendered.Text is null)
            {
                refused++;
                continue;
            }
            texts.Add(rendered.Text);
            wanted.Add(Renderer.TreeOf(source, [])!);
        }
        using JsonDocument read = JsonDocument.Parse(Python.Run(module, script, JsonSerializer.Serialize(texts)));
        foreach ((Value value, (JsonElement got, string text)) in wanted.Zip(read.RootElement.EnumerateArray().Zip(texts)))
        {
            Assert.True(ValueJson.TryParse(Encoding.UTF8.GetBytes(got.GetRawText()), out Value? back, out string problem), problem);
            Assert.True(value.Equals(back), $"{value}\n{back}\n{text}");
        }
        output.WriteLine($"{texts.Count} documents came back, {refused} were refused.");
        Assert.InRange(refused, 0, format == RenderFormat.Toml ? 250 : 0);
    }

    [Fact]
    public void Plain_ini_is_read_back_by_configparser()
    {
        var random = new Random(43);
        (List<string> texts, List<Dictionary<string, string>> wanted) = Flat(random, RenderFormat.Ini, key => key.Contains('/') ? key : $"DEFAULT/{key}");
        Compare(Python.Run("configparser", Ini, JsonSerializer.Serialize(texts)), wanted);
    }

    [Fact]
    public void A_shell_sources_exactly_the_values()
    {
        var random = new Random(44);
        (List<string> texts, List<Dictionary<string, string>> wanted) = Flat(random, RenderFormat.Shell, EnvironmentRenderer.NameOf);
        string[] inputs = [.. texts.Zip(wanted).Take(60).Select(t => JsonSerializer.Serialize(new { text = t.First, names = t.Second.Keys }))];
        Compare(Python.Run("subprocess", Shell, JsonSerializer.Serialize(inputs)), [.. wanted.Take(60)]);
    }

    [Fact]
    public void Environment_files_and_properties_are_read_back_by_the_rules_of_their_manuals()
    {
        var random = new Random(45);
        (List<string> systemd, List<Dictionary<string, string>> wantedSystemd) = Flat(random, RenderFormat.EnvironmentFile, EnvironmentRenderer.NameOf);
        (List<string> properties, List<Dictionary<string, string>> wantedProperties) = Flat(random, RenderFormat.Properties, key => key.Replace('/', '.'));
        string[] inputs = [.. systemd.Select(t => "S" + t), .. properties.Select(t => "P" + t)];
        Compare(Python.Run("re", ByTheManual, JsonSerializer.Serialize(inputs)), [.. wantedSystemd, .. wantedProperties]);
    }

    [Fact]
    public void A_secret_that_nobody_has_makes_no_file()
    {
        var document = new EffectiveDocument("doc", 1, [new("a", Value.Of("x%{secret:s}"), IsPending: true)], []);
        foreach (RenderFormat format in Enum.GetValues<RenderFormat>())
        {
            Assert.Null(Renderer.Render(format, new(document, _ => KeySchema.Default, _ => null)).Text);
            Assert.Contains("xtop", Renderer.Render(format, new(document, _ => KeySchema.Default, _ => Value.Of("top"))).Text);
        }
    }

    [Fact]
    public void A_document_with_problems_makes_no_file()
    {
        var document = new EffectiveDocument("doc", 1, [new("a", Value.Of("x"), false)], [new(ProblemCodes.FactMissing, "c01 has not reported its rack.")]);
        foreach (RenderFormat format in Enum.GetValues<RenderFormat>())
            Assert.Null(Renderer.Render(format, Documents.Source(document)).Text);
    }

    private static (List<string> Texts, List<Dictionary<string, string>> Wanted) Flat(Random random, RenderFormat format, Func<string, string> nameOf)
    {
        var texts = new List<string>();
        var wanted = new List<Dictionary<string, string>>();
        while (texts.Count < 150)
        {
            (string Key, Value Value)[] entries = [.. Enumerable.Range(0, random.Next(1, 6)).Select(k => ($"{(k % 2 == 0 ? "" : $"sec{k}/")}key{k}{(format == RenderFormat.Properties ? Documents.Tricky(random).Replace("/", "").Replace("\n", "").Replace("\r", "").Replace("\u0001", "") : "")}",
                random.Next(5) == 0 ? Value.Of(random.Next()) : Value.Of(Documents.Tricky(random))))];
            entries = [.. entries.Where(e => Renderer.Render(format, Documents.Source(Documents.Of(e))).Text is not null)];
            if (entries.Length == 0)
                continue;
            texts.Add(Renderer.Render(format, Documents.Source(Documents.Of(entries))).Text ?? throw new InvalidOperationException("Each fits alone, so all should."));
            wanted.Add(entries.ToDictionary(e => nameOf(e.Key), e => e.Value.Kind == ValueKind.String ? e.Value.AsString : e.Value.ToString()));
        }
        return (texts, wanted);
    }

    private static void Compare(string answer, List<Dictionary<string, string>> wanted)
    {
        using JsonDocument read = JsonDocument.Parse(answer);
        Assert.Equal(wanted.Count, read.RootElement.GetArrayLength());
        foreach ((Dictionary<string, string> values, JsonElement got) in wanted.Zip(read.RootElement.EnumerateArray()))
            Assert.Equal(values.OrderBy(v => v.Key, StringComparer.Ordinal), got.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!).OrderBy(v => v.Key, StringComparer.Ordinal));
    }

    private static Value Any(Random random, int depth) => random.Next(depth > 2 ? 5 : 7) switch
    {
        0 => random.Next(4) == 0 ? Value.Null : Value.True,
        1 => Value.Of(random.NextInt64(long.MinValue, long.MaxValue)),
        2 => Value.Of((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-30, 30))),
        3 or 4 => Value.Of(Documents.Tricky(random)),
        5 => Value.List([.. Enumerable.Range(0, random.Next(4)).Select(_ => Any(random, depth + 1))]),
        _ => Value.Map(Enumerable.Range(0, random.Next(4)).Select(i => KeyValuePair.Create($"{i}{Documents.Tricky(random)}", Any(random, depth + 1)))),
    };
}
