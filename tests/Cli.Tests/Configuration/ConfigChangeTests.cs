using System.Text.Json;
using Conclave.Extensions.Tests;

namespace Conclave.Cli.Tests.Configuration;

/// <summary>Every command that changes something, once: what it does, how it says no, and with which exit code.</summary>
public sealed class ConfigChangeTests(SharedNode shared) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-cli-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Entries_are_set_left_out_and_removed()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "change-entries");
        Assert.Equal("r4 published\neffect: 2 of 2 nodes, 1 effective key, 2 restarts\n", await shell.DoneAsync("set", "nova", "k", "1", "-m", "x"));
        Assert.Equal("release impact(nodes nodes_total keys restarts masked[] sample[]) warnings[] unchanged rollout", ConfigShell.Shape(await shell.JsonAsync(0, "set", "nova", "k", "2", "--scope", "region=eu", "-m", "x")));
        await shell.DoneAsync("unset", "nova", "k", "--scope", "host=c17", "-m", "x");
        await shell.EndsAsync(1, "show", "c17", "nova");
        await shell.DoneAsync("rm", "nova", "k", "--scope", "host=c17", "-m", "x");
        Assert.StartsWith("k\t2\tregion=eu", await shell.DoneAsync("show", "c17", "nova"), StringComparison.Ordinal);
        Assert.Equal("nothing to do: it is so already at r7\n", await shell.DoneAsync("rm", "nova", "k", "--scope", "host=c17", "-m", "x"));

        await shell.EndsAsync(2, "set", "nova", "k", "1");                                     // no reason
        await shell.EndsAsync(2, "set", "nova", "k", "1", "--op", "multiply", "-m", "x");
        Answer refused = await shell.RunAsync("set", "nova", "k", "1", "--scope", "planet=mars", "-m", "x");
        Assert.Equal(3, refused.Code);
        Assert.Contains("planet", refused.Error, StringComparison.Ordinal);
        Assert.Equal(5, (await shell.RunAsync("put", "/conclave/default/head", "1")).Code);     // by another way
        Answer nobody = await new Shell(RunningNode.FreeUrl().OriginalString).RunAsync("set", "nova", "k", "1", "-m", "x", "--command-timeout", "500ms");
        Assert.Equal(6, nobody.Code);
    }

    [Fact]
    public async Task A_plan_counts_nodes_too_and_names_a_missing_fact_once_for_all_nodes()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "change-counts");
        await shell.DoneAsync("set", "nova", "my_ip", "%{fact:mgmt_ip}", "--draft", "d");
        await shell.DoneAsync("node", "set", "c18", "region=eu", "--draft", "d");
        string plan = await shell.DoneAsync("plan", "d");
        Assert.StartsWith("release draft d on r3: 2 changes\n", plan, StringComparison.Ordinal);
        Assert.Equal(["warning W_FACT nova my_ip needs the fact mgmt_ip, which the node has not reported. Start its agent, or give a default: %{fact:mgmt_ip|...} (2 nodes: c17, c18)"],
            plan.Split('\n').Where(l => l.StartsWith("warning", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_draft_is_gathered_planned_and_published_and_what_came_between_is_a_conflict()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "change-drafts");
        await shell.DoneAsync("set", "nova", "k", "1", "--draft", "d");
        Assert.Equal("draft d on r3: 2 edits\n", await shell.DoneAsync("set", "nova", "l", "2", "--draft", "d"));
        Assert.Equal("d\tr3\t2\tamy", string.Join('\t', (await shell.DoneAsync("draft", "list")).Split('\t')[..4]));
        Assert.Equal("drafts[name base edits author unix_ms change(entries[document scope key op value comment] schemas[] nodes[] weights[])]", ConfigShell.Shape(await shell.JsonAsync(0, "draft", "show", "d")));
        Assert.StartsWith("release draft d on r3: 2 changes\n", await shell.DoneAsync("plan", "d"), StringComparison.Ordinal);
        JsonElement plan = await shell.JsonAsync(0, "plan", "d");
        Assert.StartsWith("base problems[] impact(", ConfigShell.Shape(plan), StringComparison.Ordinal);
        await shell.DoneAsync("publish", "d", "-m", "x");
        await shell.EndsAsync(1, "plan", "d");
        await shell.EndsAsync(1, "publish", "d", "-m", "x");

        await shell.DoneAsync("set", "nova", "k", "2", "--draft", "late");
        await shell.DoneAsync("set", "nova", "k", "3", "-m", "faster");
        await shell.EndsAsync(4, "plan", "late");
        Answer late = await shell.RunAsync("publish", "late", "-m", "x");
        Assert.Equal(4, late.Code);
        Assert.Contains("conclave draft rebase late", late.Error, StringComparison.Ordinal);
        await shell.DoneAsync("draft", "drop", "late");
        await shell.EndsAsync(1, "draft", "drop", "late");
        await shell.EndsAsync(1, "draft", "show", "late");
    }

    [Fact]
    public async Task A_draft_that_others_were_faster_than_is_shown_what_they_changed_and_published_on_top_of_it()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "change-rebase");
        await shell.DoneAsync("set", "nova", "k", "1", "-m", "x");
        await shell.DoneAsync("set", "nova", "k", "2", "--draft", "late");
        await shell.DoneAsync("set", "nova", "l", "2", "--draft", "late");
        await shell.DoneAsync("set", "nova", "k", "3", "-m", "faster");
        await shell.DoneAsync("set", "nova", "m", "3", "-m", "elsewhere in it");
        Assert.Contains("conclave draft rebase late", (await shell.RunAsync("publish", "late", "-m", "x")).Error, StringComparison.Ordinal);
        Assert.Contains("conclave draft rebase late", (await shell.RunAsync("plan", "late")).Out, StringComparison.Ordinal);
        await shell.EndsAsync(4, "publish", "late", "-m", "x");

        const string Shown = "draft late r4 -> r6: others made 1 change to what it edits\n  nova * k  1 -> 3\n";
        Answer no = await shell.AskedAsync("n\n", "draft", "rebase", "late");
        Assert.Equal((1, Shown + "Go on? [y/N] "), (no.Code, no.Out));
        await shell.EndsAsync(4, "publish", "late", "-m", "x");
        Assert.Equal(Shown + "draft late on r6\n", await shell.DoneAsync("draft", "rebase", "late"));
        Assert.Equal("draft late r6 -> r6: others made 0 changes to what it edits\ndraft late on r6\n", await shell.DoneAsync("draft", "rebase", "late"));
        Assert.StartsWith("release draft late on r6: 2 changes\n  nova * k  3 -> 2\n", await shell.DoneAsync("plan", "late"), StringComparison.Ordinal);

        await shell.DoneAsync("set", "nova", "k", "4", "-m", "faster again");   // what nobody was shown is a conflict again
        await shell.EndsAsync(4, "publish", "late", "-m", "x");
        Assert.Equal("from to changes[document scope key before after] change(entries[document scope key op value comment] schemas[] nodes[] weights[])", ConfigShell.Shape(await shell.JsonAsync(0, "draft", "rebase", "late")));
        await shell.DoneAsync("publish", "late", "-m", "x");
        Assert.StartsWith("k\t2\t*", await shell.DoneAsync("show", "c17", "nova"), StringComparison.Ordinal);
        await shell.EndsAsync(1, "draft", "rebase", "late");
    }

    [Fact]
    public async Task What_a_schema_forbids_is_refused()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "change-schemas");
        await shell.DoneAsync("schema", "set", "nova", "port", """{"type":"integer","format":"port"}""", "-m", "x");
        Answer refused = await shell.RunAsync("set", "nova", "port", "99999", "-m", "x");
        Assert.Equal(3, refused.Code);
        Assert.Contains("E_SCHEMA nova port at *: 99999 is no port", refused.Error, StringComparison.Ordinal);
        await shell.EndsAsync(3, "schema", "set", "nova", "port", """{"tpye":"integer"}""", "-m", "x");
        await shell.DoneAsync("set", "nova", "port", "99999", "--draft", "d");
        await shell.EndsAsync(3, "plan", "d");
        await shell.DoneAsync("schema", "rm", "nova", "port", "-m", "x");
        await shell.EndsAsync(4, "plan", "d");   // made for what was before
        await shell.DoneAsync("draft", "drop", "d");
        await shell.DoneAsync("set", "nova", "port", "99999", "--draft", "d");
        await shell.DoneAsync("plan", "d");
        await shell.DoneAsync("dims", "weight", "aggregate=ssd", "2", "-m", "x");
        await shell.EndsAsync(2, "dims", "weight", "ssd", "2", "-m", "x");
    }

    [Fact]
    public async Task Who_sits_at_a_terminal_is_shown_what_goes_and_asked_and_others_never_are()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "change-asked");
        await shell.DoneAsync("set", "nova", "k", "1", "-m", "x");
        await shell.DoneAsync("set", "nova", "k", "2", "-m", "x");
        Answer no = await shell.AskedAsync("\n", "rollback", "r4", "-m", "back");
        Assert.Equal(1, no.Code);
        Assert.Contains("This change since r4 is taken back:\n  nova * k  1 -> 2\nGo on? [y/N] ", no.Out, StringComparison.Ordinal);
        Assert.Equal(0, (await shell.AskedAsync("y\n", "rollback", "r4", "-m", "back")).Code);
        Assert.Equal(0, (await shell.AskedAsync("", "rollback", "r5", "-m", "forth", "--yes")).Code);
        Answer nothing = await shell.AskedAsync("", "rollback", "r7", "-m", "nothing is taken back");
        Assert.Equal(0, nothing.Code);
        Assert.DoesNotContain("Go on?", nothing.Out, StringComparison.Ordinal);
        await shell.DoneAsync("rollback", "r4", "-m", "back");
        await shell.EndsAsync(2, "rollback", "r4");
        await shell.EndsAsync(2, "rollback", "r0", "-m", "x");
        await shell.EndsAsync(1, "rollback", "r99", "-m", "x");
        await shell.EndsAsync(1, "diff", "r99");
        Assert.Equal(["r8\tr5..r7", "r7\tr6", "r6\tr5"], (await shell.DoneAsync("log", "--limit", "3")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => $"{l.Split('\t')[0]}\t{l.Split('\t')[^1]}"));
        Assert.Equal("k\t1\t*\tr4\n", (await shell.DoneAsync("show", "c17", "nova"))[..^3] + "r4\n");

        Answer node = await shell.AskedAsync("n\n", "node", "rm", "c18", "-m", "gone");
        Assert.Equal(1, node.Code);
        Assert.Contains("node c18  removed", node.Out, StringComparison.Ordinal);
        await shell.DoneAsync("set", "nova", "k", "9", "--draft", "d");
        Assert.Equal(1, (await shell.AskedAsync("no\n", "draft", "drop", "d")).Code);
        await shell.DoneAsync("draft", "show", "d");
        await shell.DoneAsync("node", "rm", "c18", "-m", "gone");
        await shell.EndsAsync(1, "node", "show", "c18");
    }

    [Fact]
    public async Task A_directory_is_exported_and_applied()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "change-files");
        await shell.DoneAsync("set", "nova", "k", "1", "-m", "x");
        Assert.Equal("r4: 1 entry and 2 nodes in 2 files\n", await shell.DoneAsync("export", _directory));
        Assert.Equal("nothing to publish: it is so already at r4\n", await shell.DoneAsync("apply", "-f", _directory, "--dry-run"));
        string file = Path.Combine(_directory, "nova.json");
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).Replace("\"k\"", "\"l\"", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        Assert.Equal("  nova * k  1 -> (inherits)\n  nova * l  (inherits) -> 1\neffect: 2 of 2 nodes, 2 effective keys, 2 restarts\n2 edits to publish\n", await shell.EndsAsync(1, "apply", "-f", _directory, "--dry-run"));
        Answer no = await shell.AskedAsync("n\n", "apply", "-f", _directory, "-m", "x");
        Assert.Equal(1, no.Code);
        Assert.Contains("nova * k  1 -> (inherits)", no.Out, StringComparison.Ordinal);
        await shell.DoneAsync("apply", "-f", _directory, "-m", "x");
        Assert.Equal("nothing to do\n", await shell.DoneAsync("apply", "-f", _directory, "-m", "x"));
        Assert.StartsWith("l\t1\t*", await shell.DoneAsync("show", "c17", "nova"), StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, "no json", TestContext.Current.CancellationToken);
        await shell.EndsAsync(2, "apply", "-f", _directory, "-m", "x");
    }

    [Fact]
    public async Task A_document_is_edited_in_an_editor()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "change-edit");
        await shell.DoneAsync("set", "nova", "DEFAULT/host", "old", "-m", "x");
        await shell.EndsAsync(2, "edit", "nova", "-m", "x");   // no editor
        shell.Shell.With("EDITOR", "sed -i s/old/new/");
        await shell.EndsAsync(2, "edit", "nova");
        await shell.DoneAsync("edit", "nova", "-m", "edited");
        Assert.StartsWith("DEFAULT/host\t\"new\"", await shell.DoneAsync("show", "c17", "nova"), StringComparison.Ordinal);
        Assert.Equal("nothing to do\n", await shell.DoneAsync("edit", "nova", "-m", "edited"));

        shell.Shell.With("EDITOR", "sed -i s/DEFAULT//");
        await shell.DoneAsync("schema", "set", "nova", "DEFAULT/host", """{"type":"string"}""", "-m", "x");
        shell.Shell.With("EDITOR", """sed -i 's/"new"/17/'""");
        Answer refused = await shell.RunAsync("edit", "nova", "-m", "edited");
        Assert.Equal(3, refused.Code);
        string kept = refused.Error.Split("What was written is kept: ")[1].Trim();
        Assert.Contains("17", await File.ReadAllTextAsync(kept, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Directory.Delete(Path.GetDirectoryName(kept)!, recursive: true);   // it is a file in a directory of its own
    }

    [Fact]
    public async Task Who_may_write_and_not_read_still_sets_a_value()
    {
        await using RunningNode own = await RunningNode.StartAsync();
        var anybody = new ConfigShell(own, "default");
        await anybody.DoneAsync("user", "add", "root:r");
        await anybody.DoneAsync("user", "add", "writer:w");
        await anybody.DoneAsync("role", "add", "writes");
        await anybody.DoneAsync("role", "grant-permission", "writes", "write", "/conclave/default/e/nova/", "--prefix");
        await anybody.DoneAsync("user", "grant-role", "writer", "writes");
        await anybody.DoneAsync("auth", "enable");
        await anybody.DoneAsync("set", "nova", "k", "1", "-m", "x", "--user", "writer:w");
        await anybody.EndsAsync(5, "show", "c1", "nova", "--user", "writer:w");
        await anybody.EndsAsync(5, "set", "glance", "k", "1", "-m", "x", "--user", "writer:w");
        Assert.StartsWith("k\t1\t*", await anybody.DoneAsync("show", "c1", "nova", "--user", "root:r"), StringComparison.Ordinal);
    }
}
