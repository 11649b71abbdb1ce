using Conclave.Extensions.Tests;

namespace Conclave.Cli.Tests.Configuration;

/// <summary>Somebody publishes while somebody else is still looking: nothing is overwritten unseen, and what was written is not lost.</summary>
public sealed class FasterWriterTests(SharedNode shared) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-cli-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("nova", true)]
    [InlineData("glance", false)]   // that nobody wrote before
    public async Task Who_edits_a_document_that_another_has_changed_since_is_told_and_keeps_the_text(string document, bool isThere)
    {
        ConfigShell amy = await ConfigShell.WithNodesAsync(shared, $"faster-edit-{document}"), bob = Bob($"faster-edit-{document}");
        if (isThere) await amy.DoneAsync("set", document, "k", "old", "-m", "x");
        string open = Path.Combine(_directory, "open"), saved = Path.Combine(_directory, "saved"), go = Path.Combine(_directory, "go");
        await File.WriteAllTextAsync(saved, """{"entries":{"*":{"k":{"set":"amy"}}}}""", TestContext.Current.CancellationToken);
        amy.Shell.With("EDITOR", $"touch {open}; timeout 60 sh -c 'until [ -e {go} ]; do sleep 0.05; done'; cp {saved}");
        Task<Answer> edit = amy.RunAsync("edit", document, "-m", "mine");
        await RunningNode.EventuallyAsync("the editor is open", () => Task.FromResult(File.Exists(open)));
        await bob.DoneAsync("set", document, "k", "bob", "-m", "mine");
        await File.WriteAllTextAsync(go, "", TestContext.Current.CancellationToken);
        Answer refused = await edit;

        Assert.Equal(4, refused.Code);
        Assert.Contains("by bob has changed " + document, refused.Error, StringComparison.Ordinal);
        Assert.Contains($"open it again with conclave edit {document}", refused.Error, StringComparison.Ordinal);
        string kept = refused.Error.Split("What was written is kept: ")[1].Trim();
        Assert.Contains("amy", await File.ReadAllTextAsync(kept, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Directory.Delete(Path.GetDirectoryName(kept)!, recursive: true);   // it is a file in a directory of its own
        Assert.StartsWith("k\t\"bob\"", await amy.DoneAsync("show", "c17", document), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Other_documents_may_change_while_one_is_edited()
    {
        ConfigShell amy = await ConfigShell.WithNodesAsync(shared, "faster-others"), bob = Bob("faster-others");
        await amy.DoneAsync("set", "nova", "k", "1", "-m", "x");
        await amy.DoneAsync("export", _directory);
        await WriteAsync("nova", """{"entries":{}}""");
        Answer applied = await amy.AskedAsync(async () => await bob.DoneAsync("set", "glance", "k", "1", "-m", "x"), "y\n", "apply", "-f", _directory, "-m", "x");
        Assert.True(applied.Code == 0, applied.Out + applied.Error);
        Assert.StartsWith("k\t1", await amy.DoneAsync("show", "c17", "glance"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("apply")]
    [InlineData("rollback")]
    [InlineData("node rm")]
    [InlineData("draft drop")]
    public async Task Who_says_yes_to_what_is_no_longer_so_changes_nothing(string command)
    {
        string space = "faster-" + command.Replace(' ', '-');
        ConfigShell amy = await ConfigShell.WithNodesAsync(shared, space), bob = Bob(space);
        await amy.DoneAsync("set", "nova", "k", "1", "-m", "x");
        await amy.DoneAsync("set", "nova", "k", "2", "-m", "x");
        await amy.DoneAsync("set", "nova", "l", "1", "--draft", "d");
        await WriteAsync("nova", """{"entries":{"*":{"l":{"set":1}}}}""");
        string[] arguments = command switch
        {
            "apply" => ["apply", "-f", _directory, "-m", "x"],
            "rollback" => ["rollback", "r4", "-m", "x"],
            "node rm" => ["node", "rm", "c18", "-m", "x"],
            _ => ["draft", "drop", "d"],
        };
        async Task Meanwhile()
        {
            await bob.DoneAsync("set", "nova", "k", "3", "-m", "bob was here");
            await bob.DoneAsync("node", "set", "c18", "region=eu", "role=compute", "-m", "moved");
            await bob.DoneAsync("set", "nova", "m", "1", "--draft", "d");
        }

        Answer refused = await amy.AskedAsync(Meanwhile, "y\n", arguments);
        Assert.True(refused.Code == 4, refused.Out + refused.Error);
        Assert.Contains("Go on? [y/N] ", refused.Out, StringComparison.Ordinal);
        Assert.Contains("bob", refused.Error, StringComparison.Ordinal);
        Assert.Equal("k\t3\t*\tr6\n", await amy.DoneAsync("show", "c17", "nova"));
        Assert.Equal("c18  region=eu role=compute\n", await amy.DoneAsync("node", "show", "c18"));
        Assert.Contains(" m ", await amy.DoneAsync("draft", "show", "d"), StringComparison.Ordinal);

        // Asked again, it is about what is there now.
        Answer done = await amy.AskedAsync("y\n", arguments);
        Assert.True(done.Code == 0, done.Out + done.Error);
    }

    private ConfigShell Bob(string space)
    {
        var bob = new ConfigShell(shared.Node, space);
        bob.Shell.With("USER", "bob");
        return bob;
    }

    private Task WriteAsync(string document, string text) => File.WriteAllTextAsync(Path.Combine(_directory, document + ".json"), text, TestContext.Current.CancellationToken);
}
