using System.Collections.Immutable;
using System.CommandLine;
using Conclave.Cli.Commands;
using Conclave.Extensions.Tests;
using Conclave.Layers;

namespace Conclave.Cli.Tests.Configuration;

/// <summary>A change that is too large for one release, and others who publish while it is on its way.</summary>
public sealed class PartsTests(SharedNode shared) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-cli-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Releases_in_between_that_have_nothing_to_do_with_it_do_not_stop_it()
    {
        (ConfigShell amy, ConfigShell bob) = await StartAsync("parts-go-on");
        Answer applied = await amy.MeanwhileAsync("r5 published", async () =>
        {
            await bob.DoneAsync("set", "other", "k", "1", "-m", "x");
            await bob.DoneAsync("node", "set", "c18", "region=eu", "role=compute", "-m", "moved");   // no part is about nodes
        }, "apply", "-f", _directory, "-m", "large");
        Assert.True(applied.Code == 0, applied.Out + applied.Error);
        Assert.Equal(["large (3 of 3)", "large (2 of 3)", "moved", "x", "large (1 of 3)"], await ReasonsAsync(amy, 5));
    }

    [Fact]
    public async Task A_release_in_between_that_touches_what_is_still_to_come_stops_it_there()
    {
        (ConfigShell amy, ConfigShell bob) = await StartAsync("parts-stop");
        Answer stopped = await amy.MeanwhileAsync("r5 published", () => bob.DoneAsync("set", "cc", "k", "bob", "-m", "x"), "apply", "-f", _directory, "-m", "large");
        Assert.True(stopped.Code == 4, stopped.Out + stopped.Error);
        Assert.Contains("Release 6 by bob has changed cc since it was looked at.\nParts 1 to 2 of 3 are published, the rest is not.", stopped.Error, StringComparison.Ordinal);
        Assert.StartsWith("k\t\"bob\"", await amy.DoneAsync("show", "c17", "cc"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cc", "k", 4)]
    [InlineData("other", "k", 0)]
    public async Task What_stands_in_the_way_before_the_first_part_is_found_before_it_is_published(string document, string key, int code)
    {
        (ConfigShell amy, ConfigShell bob) = await StartAsync("parts-before-" + document);
        await WriteAsync("gone", """{"entries":{}}""");   // so that it asks
        Answer answer = await amy.AskedAsync(() => bob.DoneAsync("set", document, key, "bob", "-m", "x"), "y\n", "apply", "-f", _directory, "-m", "large");
        Assert.True(answer.Code == code, answer.Out + answer.Error);
        Assert.Contains("Go on? [y/N] ", answer.Out, StringComparison.Ordinal);
        Assert.Equal(code == 0 ? "large (3 of 3)" : "x", (await ReasonsAsync(amy, 1))[0]);
        if (code != 0) Assert.Contains("Release 5 by bob has changed cc since it was looked at.", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_was_faster_with_a_document_of_a_later_part_is_a_conflict_of_the_plan_too()
    {
        (ConfigShell amy, ConfigShell bob) = await StartAsync("parts-plan");
        ImmutableArray<Edit> edits = [.. new[] { "aa", "bb", "cc" }.Select(d => new EntryEdit(d, Scope.Everything, "k", Entry.Set(Value.Of(new string('x', 600_000))))),
            new EntryEdit("cc", Scope.Everything, "l", Entry.Set(Value.Of(new string('y', 600_000))))];
        await bob.DoneAsync("set", "cc", "k", "bob", "-m", "x");   // r5; r4 was looked at

        var cluster = new ClusterOptions();
        using MemoryStream output = new();
        using StringWriter error = new();
        using var typed = new MemoryStream("y\n"u8.ToArray());
        var options = new ConfigOptions(amy.Shell.Terminal(typed, output, error, isInteractive: true) with { IsInputInteractive = true }, cluster);
        Consent? consent = null;
        var root = new RootCommand();
        root.Add(options.Run(options.WithYes(options.WithChange(new Command("ask"))), async (client, parsed, cancellationToken) =>
        {
            consent = await ConfigPlans.ConfirmAsync(options, client, parsed, edits, new Look(4, "look again"), cancellationToken);
            return 0;
        }));
        foreach (Option option in cluster.All) root.Add(option);
        Assert.Equal(0, await root.Parse(["ask"]).InvokeAsync(cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(4, consent?.Refusal);
        Assert.Contains("release 5 by bob has changed cc since", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_an_earlier_part_mends_is_no_error_of_the_plan_but_said()
    {
        ConfigShell amy = await ConfigShell.WithNodesAsync(shared, "parts-mend");
        string large = new('x', 600_000);
        await WriteAsync("aa", """{"entries":{"*":{"k":{"set":"LARGE"},"l":{"set":"LARGE"}}}}""".Replace("LARGE", large, StringComparison.Ordinal));
        await WriteAsync("bb", """{"entries":{"rack=a7":{"k":{"set":"LARGE"}}}}""".Replace("LARGE", large, StringComparison.Ordinal));
        await WriteAsync("conclave", """{"node_dimension":"host","dimensions":["rack","region","aggregate*","role","host"],"weights":{},"nodes":{"c17":["rack=a7"]}}""");
        string plan = await amy.EndsAsync(1, "apply", "-f", _directory, "--dry-run");
        Assert.Contains("warning W_PART part 3 of 3, unless those before it mend that: E_", plan, StringComparison.Ordinal);
        await amy.DoneAsync("apply", "-f", _directory, "-m", "x");
    }

    // Three documents of a part each, and one that goes away: releases 4 and, with the first part, 5.
    private async Task<(ConfigShell Amy, ConfigShell Bob)> StartAsync(string space)
    {
        ConfigShell amy = await ConfigShell.WithNodesAsync(shared, space);
        var bob = new ConfigShell(shared.Node, space);
        bob.Shell.With("USER", "bob");
        await amy.DoneAsync("set", "gone", "k", "1", "-m", "x");
        foreach (string document in new[] { "aa", "bb", "cc" }) await WriteAsync(document, """{"entries":{"*":{"k":{"set":"LARGE"}}}}""".Replace("LARGE", new string('x', 700_000), StringComparison.Ordinal));
        return (amy, bob);
    }

    private static async Task<string[]> ReasonsAsync(ConfigShell shell, int count) =>
        [.. (await shell.DoneAsync("log", "--limit", $"{count}")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')[5])];

    private Task WriteAsync(string document, string text) => File.WriteAllTextAsync(Path.Combine(_directory, document + ".json"), text, TestContext.Current.CancellationToken);
}
