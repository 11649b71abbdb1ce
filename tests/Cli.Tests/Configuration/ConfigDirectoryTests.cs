using System.Text.Json;
using Conclave.Extensions.Tests;

namespace Conclave.Cli.Tests.Configuration;

/// <summary>A space as files: what apply makes of them, and what it does not touch.</summary>
public sealed class ConfigDirectoryTests(SharedNode shared) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-cli-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_document_whose_file_is_empty_becomes_empty_and_one_without_a_file_only_when_told_so()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "files-empty");
        await shell.DoneAsync("set", "nova", "k", "1", "-m", "x");
        await shell.DoneAsync("set", "glance", "k", "1", "-m", "x");
        await shell.DoneAsync("export", _directory);
        await WriteAsync("nova", """{"schemas":{},"entries":{}}""");
        File.Delete(Path.Combine(_directory, "glance.json"));

        Assert.StartsWith("without a file, and left alone: glance (--prune empties them)\nr6 published\n", await shell.DoneAsync("apply", "-f", _directory, "-m", "x"), StringComparison.Ordinal);
        await shell.EndsAsync(1, "show", "c17", "nova");
        await shell.DoneAsync("show", "c17", "glance");
        await shell.DoneAsync("apply", "-f", _directory, "--dry-run");
        await shell.EndsAsync(1, "apply", "-f", _directory, "--dry-run", "--prune");
        Assert.StartsWith("r7 published\n", await shell.DoneAsync("apply", "-f", _directory, "--prune", "-m", "x"), StringComparison.Ordinal);
        await shell.EndsAsync(1, "show", "c17", "glance");
        Assert.Equal("nothing to do\n", await shell.DoneAsync("apply", "-f", _directory, "--prune", "-m", "x"));
    }

    [Fact]
    public async Task A_dry_run_ends_with_0_exactly_when_apply_does_nothing_however_the_files_are_written()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "files-dry");
        await WriteAsync("conclave", """{"node_dimension":"host","dimensions":["region","aggregate*","role","host"],"weights":{},"nodes":{"c17":["role=compute","region=eu","aggregate=b","aggregate=a"]}}""");
        await WriteAsync("nova", """
            {"entries":{"region=eu,role=compute":{"k":{"set":1.50}},"role=other;region=eu":{"k":{"set":{"b":1,"a":2}}},"*":{"password":{"set":"s3cret"}}},
             "schemas":{"k":{"apply":"live","type":"any"},"password":{"type":"string","secret":true}}}
            """);
        JsonElement plan = await shell.JsonAsync(1, "apply", "-f", _directory, "--dry-run");
        Assert.Equal(3, plan.GetProperty("base").GetInt64());
        await shell.DoneAsync("apply", "-f", _directory, "-m", "x");
        Assert.StartsWith("nothing to do", await shell.DoneAsync("apply", "-f", _directory, "-m", "x"), StringComparison.Ordinal);
        Assert.Equal("nothing to publish: it is so already at r4\n", await shell.DoneAsync("apply", "-f", _directory, "--dry-run"));   // the secret is in the files, and in no export

        await WriteAsync("nova", """{"entries":{"*":{"password":{"set":"another"}}}}""");
        await shell.EndsAsync(1, "apply", "-f", _directory, "--dry-run");
        await WriteAsync("nova", """{"entries":{"planet=mars":{"k":{"set":1}}}}""");
        await shell.EndsAsync(3, "apply", "-f", _directory, "--dry-run");
        await shell.EndsAsync(3, "apply", "-f", _directory, "-m", "x");
    }

    [Fact]
    public async Task What_is_wrong_with_a_file_is_said_with_what_to_write()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "files-wrong");
        await SaysAsync("""{"entries":{"*":{"DEFAULT/y":1}}}"""u8.ToArray(), """DEFAULT/y for * is 1, which does not say what to do with it. Write {"set": 1}, or unset, append, remove or final.""");
        await SaysAsync("""{"entries":{"*":1}}"""u8.ToArray(), "what is said for * has to be a JSON object, and is 1.");
        await SaysAsync("""{"entries":[]}"""u8.ToArray(), "entries has to be a JSON object, and is [].");
        await SaysAsync("[1]"u8.ToArray(), "the file has to be a JSON object, and is [1].");
        await SaysAsync([.. """{"entries":{"*":{"k":{"set":"a"""u8, 0xFF, .. "\"}}}}"u8], "Unable to translate bytes [FF]");   // and not published as U+FFFD

        async Task SaysAsync(byte[] content, string what)
        {
            await File.WriteAllBytesAsync(Path.Combine(_directory, "nova.json"), content, TestContext.Current.CancellationToken);
            Answer answer = await shell.RunAsync("apply", "-f", _directory, "-m", "x");
            Assert.Equal(2, answer.Code);
            Assert.Contains($"nova.json is not as export writes it: {what}", answer.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_export_names_the_files_of_documents_that_are_gone_and_says_in_JSON_what_it_wrote()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "files-left");
        await shell.DoneAsync("set", "nova", "k", "1", "-m", "x");
        await shell.DoneAsync("export", _directory);
        await shell.DoneAsync("rm", "nova", "k", "-m", "x");
        Answer answer = await shell.RunAsync("export", _directory, "-o", "json");
        Assert.Equal((0, "{\"release\":5,\"entries\":0,\"nodes\":2,\"files\":1}\n"), (answer.Code, answer.Out));
        Assert.StartsWith("conclave: Left there, and not of this release: nova.json.\n", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_of_oslo_is_taken_in_for_a_scope_with_commas_as_everywhere()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "files-oslo");
        string file = Path.Combine(_directory, "x.conf");
        await File.WriteAllTextAsync(file, "[DEFAULT]\nk = v\n", TestContext.Current.CancellationToken);
        await shell.DoneAsync("import", "oslo-config", file, "--document", "nova", "--scope", "region=eu,role=compute", "-m", "x");
        Assert.Equal("DEFAULT/k\t\"v\"\trole=compute;region=eu\tr4\n", await shell.DoneAsync("show", "c17", "nova"));
        await shell.EndsAsync(2, "import", "oslo-config", file, "--document", "nova", "--scope", "", "-m", "x");
    }

    [Theory]
    [InlineData("""{"entries":{"*":{"k":{"set":1},"k":{"set":2}}}}""")]
    [InlineData("""{"entries":{"region=eu;role=x":{"k":{"set":1}},"role=x,region=eu":{"k":{"set":2}}}}""")]
    [InlineData("""{"entries":{"*":{"k":1}}}""")]
    [InlineData("""{"entries":{"*":null}}""")]
    [InlineData("null")]
    [InlineData("")]
    [InlineData("""{"entrys":{"*":{"k":{"set":1}}}}""")]   // would be an empty document
    [InlineData("""{"entries":{"*":{"k":{"set":1,"append":[2]}}}}""")]
    [InlineData("""{"entries":{"*":{"k":{"comment":"why"}}}}""")]
    public async Task A_file_that_cannot_be_meant_so_is_named_and_nothing_is_published(string text)
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "files-wrong");
        await WriteAsync("nova", text);
        Answer refused = await shell.RunAsync("apply", "-f", _directory, "-m", "x");
        Assert.Equal(2, refused.Code);
        Assert.Contains("nova.json", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nodes_are_not_removed_by_a_file_that_does_not_speak_of_them()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "files-model");
        await WriteAsync("conclave", """{"node_dimension":"host","dimensions":["region","aggregate*","role","host"],"weights":{}}""");
        Answer refused = await shell.RunAsync("apply", "-f", _directory, "-m", "x");
        Assert.Equal(2, refused.Code);
        Assert.Contains("Without nodes all of them would be removed", refused.Error, StringComparison.Ordinal);
        await WriteAsync("conclave", """{"node_dimension":"host","dimensions":["region","aggregate*","role","host"],"weights":{},"nodes":{}}""");
        await shell.DoneAsync("apply", "-f", _directory, "-m", "x");
        Assert.Equal("", await shell.DoneAsync("node", "list"));
    }

    [Fact]
    public async Task What_is_too_large_for_one_release_is_several_and_no_draft_and_a_rollback_says_how_else()
    {
        ConfigShell shell = await ConfigShell.WithNodesAsync(shared, "files-large");
        string large = string.Join(',', Enumerable.Range(0, 12).Select(i => $"\"k{i:00}\":{{\"set\":\"{new string((char)('a' + i), 150_000)}\"}}"));
        await WriteAsync("nova", "{\"entries\":{\"*\":{" + large + "}}}");
        Answer refused = await shell.RunAsync("apply", "-f", _directory, "--draft", "d");
        Assert.Equal(3, refused.Code);
        Assert.Contains("too much for a draft: 1,80", refused.Error, StringComparison.Ordinal);
        await shell.EndsAsync(1, "draft", "show", "d");

        Assert.EndsWith("12 edits to publish\n", await shell.EndsAsync(1, "apply", "-f", _directory, "--dry-run"), StringComparison.Ordinal);
        string published = await shell.DoneAsync("apply", "-f", _directory, "-m", "large");
        Assert.Contains("r4 published", published, StringComparison.Ordinal);
        Assert.Contains("r5 published", published, StringComparison.Ordinal);
        Assert.Equal(["large (2 of 2)", "large (1 of 2)"], (await shell.DoneAsync("log", "--limit", "2")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')[5]));
        await WriteAsync("nova", """{"entries":{}}""");
        Assert.StartsWith("r6 published", await shell.DoneAsync("apply", "-f", _directory, "-m", "gone"), StringComparison.Ordinal);

        Answer back = await shell.RunAsync("rollback", "r5", "-m", "back");
        Assert.Equal(3, back.Code);
        Assert.Contains("conclave export --at r5 DIRECTORY, then conclave apply --prune -f DIRECTORY", back.Error, StringComparison.Ordinal);
        await shell.DoneAsync("export", "--at", "r5", _directory);
        await shell.DoneAsync("apply", "--prune", "-f", _directory, "-m", "back");
        await shell.DoneAsync("diff", "r5");
    }

    private Task WriteAsync(string document, string text) => File.WriteAllTextAsync(Path.Combine(_directory, document + ".json"), text, TestContext.Current.CancellationToken);
}
