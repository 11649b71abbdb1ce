using System.Text.Json;
using Conclave.Cli.Commands;
using Conclave.Extensions.Tests;
using V1 = Conclave.Wire.V1;

namespace Conclave.Cli.Tests.Configuration;

/// <summary>Every command that asks, once: what it prints for people and for programs, and how it ends.</summary>
public class ConfigReadTests(SharedNode shared)
{
    [Fact]
    public async Task What_a_node_gets_and_why()
    {
        ConfigShell shell = await FilledAsync("read-show");
        Assert.Equal("DEFAULT/host\t\"eu\"\tregion=eu\tr6\nDEFAULT/port\t5672\t*\tr4\nDEFAULT/url\t\"mq://eu\"\t*\tr7\n", await shell.DoneAsync("show", "c17", "nova"));
        Assert.Equal(await shell.DoneAsync("show", "c17", "nova"), await shell.DoneAsync("show", "c17", "nova", "-o", "text"));
        Assert.Contains("KEY", (await shell.Shell.ShowAsync("show", "c17", "nova", "-o", "table")).Out, StringComparison.Ordinal);
        Assert.Equal("DEFAULT/host\t\"eu\"\tregion=eu\tr6\n", await shell.DoneAsync("show", "--as", "region=eu", "nova", "DEFAULT/host"));
        await shell.EndsAsync(1, "show", "c17", "nobodys");
        await shell.EndsAsync(1, "show", "c99", "nova");
        await shell.EndsAsync(2, "show", "c17");
        Assert.Equal("release hash items[key value scope release secret live pending line_per_element] problems[]", ConfigShell.Shape(await shell.JsonAsync(0, "show", "c17", "nova")));

        string why = await shell.DoneAsync("explain", "c17", "nova", "DEFAULT/host");
        Assert.StartsWith("\"eu\"\n  > region=eu  set    \"eu\"      r6 amy ", why, StringComparison.Ordinal);
        Assert.Contains("used by nova DEFAULT/url", why, StringComparison.Ordinal);
        await shell.EndsAsync(1, "explain", "c17", "nova", "DEFAULT/nothing");
        JsonElement explained = await shell.JsonAsync(0, "explain", "c17", "nova", "DEFAULT/host");
        Assert.Equal("release value layers[scope op value comment release(release author unix_ms reason ticket documents[] edits reverts returned_to) wins why_not] used_by[] type apply merge secret problem", ConfigShell.Shape(explained));
        Assert.Equal("region=eu", explained.GetProperty("layers")[0].GetProperty("scope").GetString());

        Assert.Equal("[DEFAULT]\nhost = eu\nport = 5672\nurl = mq://eu\n", await shell.DoneAsync("render", "c17", "nova"));
        await shell.EndsAsync(3, "render", "c17", "nova", "--format", "nonsense");
        await shell.DoneAsync("set", "waits", "k", "%{fact:nobody_says}", "-m", "x");
        await shell.EndsAsync(3, "render", "c17", "waits");
    }

    [Fact]
    public async Task What_documents_there_are_and_what_is_in_one()
    {
        ConfigShell shell = await FilledAsync("read-documents");
        Assert.Equal("nova\t3\t4\t2\t1\tr7\n", await shell.DoneAsync("documents"));
        await shell.DoneAsync("schema", "set", "nova", "DEFAULT/password", "{\"type\":\"string\",\"secret\":true}", "-m", "types");
        Assert.Equal("DEFAULT/host\tany\t2\t* region=eu\nDEFAULT/password\tstring secret\t0\t\nDEFAULT/port\tinteger\t1\t*\nDEFAULT/url\tany\t1\t*\n", await shell.DoneAsync("documents", "nova"));
        Assert.Equal("nova\t1\t1\t1\t1\tr4\n", await shell.DoneAsync("documents", "--at", "r4"));
        await shell.EndsAsync(1, "documents", "nvoa");
        await shell.EndsAsync(1, "documents", "--at", "r3");
        Assert.Equal("release documents[document keys scopes entries schemas changed] keys[key entries scopes[] has_schema type secret] more", ConfigShell.Shape(await shell.JsonAsync(0, "documents", "nova")));

        // More keys than one answer holds, and more scopes than a line.
        string file = Path.Combine(Directory.CreateTempSubdirectory().FullName, "many.conf");
        await File.WriteAllTextAsync(file, "[many]\n" + string.Concat(Enumerable.Range(0, 1200).Select(i => $"key{i:d4} = {i}\n")), TestContext.Current.CancellationToken);
        await shell.DoneAsync("import", "oslo-config", file, "--document", "many", "-m", "many");
        Assert.Equal(1200, (await shell.DoneAsync("documents", "many")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct().Count());
        for (int i = 0; i < 5; i++) await shell.DoneAsync("set", "wide", "k", "1", "--scope", $"host=h{i}", "-m", "x");
        Assert.Equal("k\tany\t5\thost=h0 host=h1 host=h2 host=h3 and 1 more\n", await shell.DoneAsync("documents", "wide"));
    }

    [Fact]
    public async Task A_slip_in_a_documents_name_is_said_and_neither_an_empty_file_nor_a_yes()
    {
        ConfigShell shell = await FilledAsync("read-slip");
        await SaysAsync("c17 gets nothing of nvoa at r7.", "show", "c17", "nvoa");
        await SaysAsync("region=eu gets nothing of nova under DEFAULT/prot at r7.", "show", "--as", "region=eu", "nova", "DEFAULT/prot");
        await SaysAsync("c17 gets nothing of nvoa at release 7", "render", "c17", "nvoa");
        await SaysAsync("c17 gets nothing of nvoa at release 7", "render", "c17", "nvoa", "--format", "json");
        await SaysAsync("Nothing was compared: neither gets anything of nvoa at r7.", "compare", "c17", "c18", "nvoa");
        await SaysAsync("Nothing was compared: neither gets anything of nova under libvirt/ at r7.", "compare", "c17", "c18", "nova", "libvirt/");
        await SaysAsync("No release touches nvoa.", "log", "nvoa");
        await SaysAsync("No key of nvoa has a schema.", "schema", "show", "nvoa");

        async Task SaysAsync(string what, params string[] arguments)
        {
            Answer answer = await shell.RunAsync(arguments);
            Assert.Equal((1, "", $"conclave: {what}\n"), (answer.Code, answer.Out, answer.Error));
        }
    }

    [Fact]
    public async Task Where_nodes_differ_and_where_something_is_said()
    {
        ConfigShell shell = await FilledAsync("read-compare");
        Assert.Equal("equal (1 key)\n", await shell.DoneAsync("compare", "c17", "c18", "nova", "DEFAULT/port"));
        Assert.Equal("nova\tDEFAULT/host\t\"eu\"\t\"global\"\tregion=eu\t*\nnova\tDEFAULT/url\t\"mq://eu\"\t\"mq://global\"\t*\t*\n", await shell.EndsAsync(1, "compare", "c17", "c18", "nova"));
        Assert.Equal("release equal differences[document key a b scope_a scope_b]", ConfigShell.Shape(await shell.JsonAsync(1, "compare", "c17", "region=us", "nova")));

        Assert.Equal("nova\tregion=eu\tDEFAULT/host\tset\t\"eu\"\n", await shell.DoneAsync("grep", "eu"));
        await shell.EndsAsync(1, "grep", "nowhere");
        Assert.Equal("release entries[document scope key op value comment] more", ConfigShell.Shape(await shell.JsonAsync(0, "grep", "eu")));
        Assert.Equal("nova\t*\tDEFAULT/url\tset\t\"mq://%{key:DEFAULT/host}\"\n", await shell.DoneAsync("who-uses", "nova", "DEFAULT/host"));
        await shell.EndsAsync(1, "who-uses", "nova", "DEFAULT/url");
        Assert.Equal("release entries[document scope key op value comment] more", ConfigShell.Shape(await shell.JsonAsync(0, "who-uses", "nova", "DEFAULT/host")));

        await shell.EndsAsync(1, "fleet");   // nobody has reported
        JsonElement fleet = await shell.JsonAsync(1, "fleet", "nova");
        Assert.Equal(["head", "counts", "nodes", "more"], fleet.EnumerateObject().Select(m => m.Name));
        Assert.Equal("r7: 2 silent\nc17\t\t\t\tsilent\t\tnothing was heard of it\nonly the first 1 are shown\n", await shell.EndsAsync(1, "fleet", "--limit", "1"));
        await shell.EndsAsync(2, "fleet", "--state", "sielnt");
        Answer unknown = await shell.RunAsync("fleet", "--space", "typo");
        Assert.Equal(1, unknown.Code);
        Assert.Contains("nothing was ever published in the space typo", unknown.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_that_is_cut_says_so()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "read-cut");
        string directory = Directory.CreateTempSubdirectory("conclave-cli-").FullName;
        string entries = string.Concat(Enumerable.Range(1, 1001).Select(i => $",\"k{i}\":{{\"set\":\"%{{key:base}}\"}}"));
        await File.WriteAllTextAsync(Path.Combine(directory, "nova.json"), "{\"entries\":{\"*\":{\"base\":{\"set\":\"x\"}" + entries + "}}}", TestContext.Current.CancellationToken);
        await shell.DoneAsync("apply", "-f", directory, "-m", "many");
        Directory.Delete(directory, recursive: true);
        foreach (string[] asked in (string[][])[["who-uses", "nova", "base"], ["grep", "key:base"]])
        {
            Answer answer = await shell.RunAsync(asked);
            Assert.Equal((0, 1000), (answer.Code, answer.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
            Assert.Contains("These are the first 1,000, and there are more.", answer.Error, StringComparison.Ordinal);
            Assert.True((await shell.JsonAsync(0, asked)).GetProperty("more").GetBoolean());
        }

        await shell.DoneAsync("rm", "nova", "k1001", "-m", "x");
        Assert.Equal("", (await shell.RunAsync("who-uses", "nova", "base")).Error);
    }

    [Fact]
    public async Task What_there_is()
    {
        ConfigShell shell = await FilledAsync("read-model");
        Assert.Equal("c17\tregion=eu role=compute\nc18\tregion=us role=compute\n", await shell.DoneAsync("node", "list"));
        Assert.Equal("c17  region=eu role=compute\n", await shell.DoneAsync("node", "show", "c17"));
        await shell.EndsAsync(1, "node", "show", "c99");
        Assert.StartsWith("release nodes[node assigned[dimension value] facts()] total dimensions(", ConfigShell.Shape(await shell.JsonAsync(0, "node", "list")), StringComparison.Ordinal);
        Assert.Equal("region < aggregate* < role < host  (a node's name is its host)\n", await shell.DoneAsync("dims", "show"));
        Assert.Equal("dimensions[name multi_valued] node_dimension", ConfigShell.Shape(await shell.JsonAsync(0, "dims", "show")));
        Assert.Equal("DEFAULT/port\t{\"format\":\"port\",\"type\":\"integer\"}\n", await shell.DoneAsync("schema", "show", "nova"));
        await shell.EndsAsync(1, "schema", "show", "glance");
        Assert.Equal("integer", (await shell.JsonAsync(0, "schema", "show", "nova")).GetProperty("schemas")[0].GetProperty("schema").GetProperty("type").GetString());
    }

    [Fact]
    public async Task The_past_by_release_and_by_time()
    {
        ConfigShell shell = await FilledAsync("read-past");
        JsonElement log = await shell.JsonAsync(0, "log");
        Assert.Equal("head releases[release author unix_ms reason ticket documents[] edits reverts returned_to]", ConfigShell.Shape(log));
        Assert.Equal([7, 6, 5, 4, 3, 2, 1], log.GetProperty("releases").EnumerateArray().Select(r => r.GetProperty("release").GetInt32()));
        Assert.Equal(["r5", "r4"], (await shell.DoneAsync("log", "--at", "r5", "--limit", "2")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')[0]));
        await shell.EndsAsync(1, "log", "glance");

        const string before = "2001-01-01", after = "2999-01-01";
        Assert.Equal("global", (await shell.JsonAsync(0, "show", "c17", "nova", "DEFAULT/host", "--at", "r5")).GetProperty("items")[0].GetProperty("value").GetString());
        Assert.Equal("eu", (await shell.JsonAsync(0, "show", "c17", "nova", "DEFAULT/host", "--at", after)).GetProperty("items")[0].GetProperty("value").GetString());
        foreach (string[] read in (string[][])[["show", "c17", "nova"], ["explain", "c17", "nova", "DEFAULT/host"], ["compare", "c17", "c18"], ["render", "c17", "nova"], ["node", "show", "c17"], ["grep", "eu"], ["who-uses", "nova", "DEFAULT/host"], ["documents"], ["schema", "show", "nova"], ["node", "list"], ["lint"]])
        {
            await shell.EndsAsync(1, [.. read, "--at", "r99"]);      // not yet there
            await shell.EndsAsync(2, [.. read, "--at", "yesterday"]);
        }

        await shell.EndsAsync(1, "show", "c17", "nova", "--at", before);

        Assert.Equal("  nova region=eu DEFAULT/host  (inherits) -> \"eu\"\n", await shell.EndsAsync(1, "diff", "r5", "r6"));
        Assert.Equal("", await shell.DoneAsync("diff", after));
        Assert.Equal("changes[document scope key before after] change(entries[document scope key op value comment] schemas[] nodes[] weights[])", ConfigShell.Shape(await shell.JsonAsync(1, "diff", "r5")));
        await shell.EndsAsync(2, "diff", "sometime");
    }

    [Fact]
    public async Task Every_format_has_the_same_content()
    {
        ConfigShell shell = await FilledAsync("read-formats");
        Assert.Equal("[DEFAULT]\nhost = eu\nport = 5672\nurl = mq://eu\n", await shell.DoneAsync("show", "c17", "nova", "-o", "ini"));
        Assert.Equal("""
            ---
            release: 7
            entries:
              -
                document: "nova"
                scope: "region=eu"
                key: "DEFAULT/host"
                op: "set"
                value: "eu"
                comment: ""
            more: false

            """.ReplaceLineEndings("\n"), await shell.DoneAsync("grep", "eu", "-o", "yaml"));
        Assert.Equal("""
            [DEFAULT]
            release = 7
            more = false
            [entries.0]
            document = nova
            scope = region=eu
            key = DEFAULT/host
            op = set
            value = eu
            comment =

            """.ReplaceLineEndings("\n"), (await shell.DoneAsync("grep", "eu", "-o", "ini")).Replace("comment = \n", "comment =\n", StringComparison.Ordinal));
        await shell.EndsAsync(2, "show", "c17", "nova", "-o", "xml");
        await shell.EndsAsync(2, "get", "a", "-o", "yaml");   // a command for keys
    }

    [Fact]
    public void A_key_that_is_set_beside_the_unknown_one_is_not_what_was_meant_and_one_that_is_set_elsewhere_may_be()
    {
        var all = new V1.Change { Schemas = { new V1.SchemaEdit { Document = "nova", Key = "DEFAULT/port", Schema = "{}" } } };
        all.Entries.Add(new V1.EntryEdit { Document = "nova", Scope = "*", Key = "DEFAULT/port", Op = "set", Value = "1" });
        all.Entries.Add(new V1.EntryEdit { Document = "nova", Scope = "region=eu", Key = "DEFAULT/prot", Op = "set", Value = "2" });
        Assert.EndsWith("; did somebody mean DEFAULT/port?", Unknown(), StringComparison.Ordinal);
        all.Entries[0].Scope = "region=eu";
        Assert.EndsWith("other keys of nova have", Unknown(), StringComparison.Ordinal);

        string Unknown() => ConfigLintCommand.Findings(all).Single(p => p.Code == "W_NO_SCHEMA").Message;
    }

    [Fact]
    public async Task What_looks_like_a_mistake_is_told()
    {
        ConfigShell shell = await FilledAsync("read-lint");
        Assert.Equal("W_NO_SCHEMA\tnova\tDEFAULT/host\thas no schema, and other keys of nova have\nW_NO_SCHEMA\tnova\tDEFAULT/url\thas no schema, and other keys of nova have\n",
            await shell.EndsAsync(1, "lint", "nova"));   // DEFAULT/port is there itself, so neither was meant to be it
        await shell.DoneAsync("schema", "set", "nova", "DEFAULT/workers", """{"type":"integer"}""", "-m", "x");
        await shell.DoneAsync("set", "nova", "DEFAULT/wokers", "1", "-m", "x");
        Assert.Contains("DEFAULT/wokers\thas no schema, and other keys of nova have; did somebody mean DEFAULT/workers?\n", await shell.EndsAsync(1, "lint", "nova"), StringComparison.Ordinal);
        await shell.DoneAsync("set", "glance", "A", "1", "--scope", "region=mars", "-m", "x");
        await shell.DoneAsync("set", "glance", "a", "1", "-m", "x");
        JsonElement found = await shell.JsonAsync(1, "lint", "glance");
        Assert.Equal(["W_CASE", "W_NOBODY"], found.GetProperty("problems").EnumerateArray().Select(p => p.GetProperty("code").GetString()));
        await shell.DoneAsync("lint", "nobodys");
    }

    [Fact]
    public async Task A_watch_prints_each_change()
    {
        ConfigShell shell = await FilledAsync("read-watch");
        await using Running watch = shell.Shell.Start("config", "watch", "c17", "nova");
        Assert.Equal("  nova DEFAULT/port = 5672", await watch.LineAsync("  nova DEFAULT/port"));
        await shell.DoneAsync("set", "nova", "DEFAULT/port", "5673", "-m", "x");
        Assert.Equal("r7 -> r8", await watch.LineAsync("r7"));
        Assert.Equal("  nova DEFAULT/port = 5673", await watch.LineAsync("  nova DEFAULT/port"));
        Assert.Equal(130, await watch.StopAsync());
        await shell.EndsAsync(1, "config", "watch", "c99");
    }

    /// <summary>Releases 4 to 7: a port with its schema, a host for all and one for eu, and a value that refers to it.</summary>
    private async Task<ConfigShell> FilledAsync(string space)
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, space);
        string file = Path.GetTempFileName();
        Directory.CreateDirectory(file + ".d");
        await File.WriteAllTextAsync(Path.Combine(file + ".d", "nova.json"), """{"schemas":{"DEFAULT/port":{"type":"integer","format":"port"}},"entries":{"*":{"DEFAULT/port":{"set":5672}}}}""", TestContext.Current.CancellationToken);
        await shell.DoneAsync("apply", "-f", file + ".d", "-m", "a port");
        Directory.Delete(file + ".d", recursive: true);
        File.Delete(file);
        await shell.DoneAsync("set", "nova", "DEFAULT/host", "global", "-m", "a host");
        await shell.DoneAsync("set", "nova", "DEFAULT/host", "eu", "--scope", "region=eu", "-m", "another");
        await shell.DoneAsync("set", "nova", "DEFAULT/url", "mq://%{key:DEFAULT/host}", "-m", "a reference");
        return shell;
    }
}
