using System.Text;
using System.Text.Json;
using Conclave.Extensions.Tests;
using Conclave.Layers;
using Conclave.Layers.Tests.Support;

namespace Conclave.Cli.Tests.Configuration;

/// <summary>Nova's own options and sample file through the command line into a node; the file that it renders, read by the real oslo.config.</summary>
public class NovaClusterTests(SharedNode shared, ITestOutputHelper output)
{
    /// <summary>Registers the options named, reads the file, prints what each one is.</summary>
    private const string ReadTyped = """
        import json, sys, tempfile
        from oslo_config import cfg
        data = json.load(sys.stdin)
        kinds = {"string": cfg.StrOpt, "integer": cfg.IntOpt, "float": cfg.FloatOpt, "boolean": cfg.BoolOpt, "list": cfg.ListOpt, "multi": cfg.MultiStrOpt, "map": cfg.DictOpt}
        with tempfile.NamedTemporaryFile("w", suffix=".conf", encoding="utf-8", newline="") as f:
            f.write(data["text"]); f.flush()
            conf = cfg.ConfigOpts()
            conf.register_opt(cfg.StrOpt("my_ip", default="192.0.2.2"))
            for o in data["options"]:
                conf.register_opt(kinds[o["kind"]](o["option"]), group=None if o["section"] == "DEFAULT" else o["section"])
            conf([], project="x", prog="x", default_config_files=[f.name], default_config_dirs=[])
            out = []
            for o in data["options"]:
                try: out.append({"value": conf[o["option"]] if o["section"] == "DEFAULT" else conf[o["section"]][o["option"]]})
                except Exception as e: out.append({"error": type(e).__name__ + ": " + str(e)})
            json.dump(out, sys.stdout)
        """;

    [Fact]
    public async Task The_real_oslo_config_reads_the_rendered_file_as_the_effective_values()
    {
        string folder = SharedData.Require("nova");
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "nova-cluster");
        output.WriteLine(await shell.DoneAsync("schema", "import", "nova", Path.Combine(folder, "nova-options.json"), "-m", "types", "--command-timeout", "60s"));
        output.WriteLine(await shell.DoneAsync("import", "oslo-config", Path.Combine(folder, "nova.conf"), "--document", "nova", "-m", "the sample", "--command-timeout", "60s"));
        await shell.DoneAsync("set", "nova", "DEFAULT/debug", "true", "--scope", "host=c17", "-m", "look closer");
        await shell.DoneAsync("set", "nova", "pci/device_spec", """["{\"vendor_id\":\"144d\"}"]""", "--op", "append", "--scope", "region=eu", "-m", "two lines");
        await shell.DoneAsync("set", "nova", "database/connection", "mysql://nova:a$b\"c@db/nova", "-m", "a password with a dollar");

        string file = await shell.DoneAsync("render", "c17", "nova", "--reveal");
        Dictionary<string, JsonElement> schemas = (await shell.JsonAsync(0, "schema", "show", "nova")).GetProperty("schemas").EnumerateArray().ToDictionary(s => s.GetProperty("key").GetString()!, s => s.GetProperty("schema"));
        Assert.Equal(1055, schemas.Count);
        JsonElement[] items = [.. (await shell.JsonAsync(0, "show", "c17", "nova", "--reveal")).GetProperty("items").EnumerateArray()];
        var options = items.Select(i => i.GetProperty("key").GetString()!).Select(key => new { section = key[..key.LastIndexOf('/')], option = key[(key.LastIndexOf('/') + 1)..], kind = KindOf(schemas.GetValueOrDefault(key)) }).ToArray();
        using JsonDocument read = JsonDocument.Parse(Python.Run("oslo_config", ReadTyped, JsonSerializer.Serialize(new { text = file, options })));

        var wrong = new List<string>();
        foreach ((JsonElement item, JsonElement got) in items.Zip(read.RootElement.EnumerateArray()))
        {
            Value wanted = Read(item.GetProperty("value"));
            if (item.GetProperty("key").GetString() == "spice/server_proxyclient_address") wanted = Value.Of("192.0.2.2");   // $my_ip, which oslo resolves
            if (!got.TryGetProperty("value", out JsonElement value) || !Read(value).Equals(wanted)) wrong.Add($"{item}: oslo has {got}");
        }

        Assert.Empty(wrong);
        Assert.True(items.Length >= 35, $"Only {items.Length} values were compared.");
        Assert.Contains(options, o => o.kind == "multi");
        Assert.Contains(options, o => o.kind == "boolean");
    }

    private static string KindOf(JsonElement schema) =>
        schema.ValueKind == JsonValueKind.Undefined ? "string" : schema.TryGetProperty("onePerLine", out _) ? "multi" : schema.TryGetProperty("type", out JsonElement type) && type.GetString() is { } kind and not "any" ? kind : "string";

    private static Value Read(JsonElement json) => ValueJson.TryParse(Encoding.UTF8.GetBytes(json.GetRawText()), out Value? value, out string problem) ? value : throw new FormatException(problem);
}
