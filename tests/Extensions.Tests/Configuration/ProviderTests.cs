using Conclave.Extensions.Configuration;
using Microsoft.Extensions.Configuration;
using V1 = Conclave.Wire.V1;

namespace Conclave.Extensions.Tests.Configuration;

/// <summary>Configuration from a real node.</summary>
public sealed class ProviderTests(SharedNode shared) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("conclave-ext-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_change_arrives_without_a_restart()
    {
        await shared.Node.SetAsync("arrives", "DEFAULT/host", "\"a\"");
        using var built = Build("arrives");
        Assert.Equal("a", built["arrives:DEFAULT:host"]);
        Assert.Equal("a", built.Root.GetSection("arrives:default")["HOST"]);

        await shared.Node.SetAsync("arrives", "DEFAULT/host", "\"b\"", "role=compute");

        await RunningNode.EventuallyAsync("the change is there", () => built["arrives:DEFAULT:host"] == "b");
    }

    [Fact]
    public async Task A_release_that_changes_nothing_for_the_node_is_no_reload()
    {
        await shared.Node.SetAsync("quiet", "k", "1", "role=compute");
        using var built = Build("quiet");
        int reloads = 0;
        using IDisposable listening = Microsoft.Extensions.Primitives.ChangeToken.OnChange(built.Root.GetReloadToken, () => Interlocked.Increment(ref reloads));

        await shared.Node.SetAsync("quiet", "k", "2");                      // hidden by the role's
        await shared.Node.SetAsync("quiet", "k", "3", "role=control");      // another role
        await shared.Node.SetAsync("quiet-other", "k", "4");                // another document
        await shared.Node.SetAsync("quiet", "k", "5", "role=compute");

        await RunningNode.EventuallyAsync("the last one is there", () => built["quiet:k"] == "5" && reloads > 0);
        Assert.Equal(1, reloads);
    }

    [Fact]
    public async Task A_program_starts_with_the_last_good_values_when_nobody_answers_and_goes_on_when_somebody_does()
    {
        await using RunningNode node = await RunningNode.StartAsync();
        await node.SetAsync("nova", "password", "\"hunter2\"");
        var cache = ConclaveCache.LastGood(Path.Combine(_directory, "new"));
        Build(o => { o.Cache = cache; o.Documents.Add("nova"); }, node).Dispose();
        string file = Assert.Single(Directory.GetFiles(cache.Directory));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        await node.StopAsync();

        using var built = Build(o => { o.Cache = cache; o.Documents.Add("nova"); o.StartupTimeout = TimeSpan.FromMilliseconds(300); }, node);
        int reloads = 0;
        using IDisposable listening = Microsoft.Extensions.Primitives.ChangeToken.OnChange(built.Root.GetReloadToken, () => Interlocked.Increment(ref reloads));
        Assert.Equal("hunter2", built["nova:password"]);
        Assert.Equal(ConclaveConfigurationState.Cached, built.Provider.State);
        Assert.EndsWith("(cached)", built.Provider.ToString(), StringComparison.Ordinal);
        await RunningNode.EventuallyAsync("it says why", () => built.Provider.Problems.Any(p => p.Contains("Cannot connect", StringComparison.Ordinal)));

        await node.StartAgainAsync();
        await RunningNode.EventuallyAsync("it is current", () => built.Provider.State == ConclaveConfigurationState.Current);
        Assert.Equal(0, reloads);   // what came is what it had
        await node.SetAsync("nova", "password", "\"hunter3\"");
        await RunningNode.EventuallyAsync("the change is there", () => built["nova:password"] == "hunter3" && reloads == 1);
        Assert.Empty(built.Provider.Problems);
    }

    [Fact]
    public void Without_an_answer_and_without_a_cache_the_program_does_not_start()
    {
        var builder = new ConfigurationBuilder().AddConclave(o =>
        {
            o.Endpoints.Add(RunningNode.FreeUrl());
            o.Node = "c1";
            o.StartupTimeout = TimeSpan.FromMilliseconds(100);
            o.Cache = ConclaveCache.LastGood(_directory);
        });

        ConclaveConfigurationException refused = Assert.Throws<ConclaveConfigurationException>(builder.Build);

        Assert.Contains("no answer within 0.1 s", refused.Message, StringComparison.Ordinal);
        Assert.Contains(_directory, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_optional_source_starts_empty_and_is_filled_when_the_cluster_comes()
    {
        Uri later = RunningNode.FreeUrl();
        var problems = new List<string>();
        using var built = new Built(new ConfigurationBuilder().AddConclave(o =>
        {
            o.Endpoints.Add(later);
            o.Node = "c1";
            o.Documents.Add("nova");
            o.StartupTimeout = TimeSpan.FromMilliseconds(100);
            o.Optional = true;
            o.OnProblem = p => { lock (problems) problems.Add(p); };
        }));
        Assert.Null(built["nova:k"]);
        Assert.Equal(ConclaveConfigurationState.Empty, built.Provider.State);
        await RunningNode.EventuallyAsync("it is told", () => { lock (problems) return problems.Any(p => p.StartsWith("No configuration arrives: ", StringComparison.Ordinal)); });

        await using RunningNode node = await RunningNode.StartAsync(later);
        await node.SetAsync("nova", "k", "1");

        await RunningNode.EventuallyAsync("it is there", () => built["nova:k"] == "1");
    }

    [Fact]
    public void A_node_that_the_cluster_does_not_know_is_said_at_once()
    {
        ConclaveConfigurationException refused = Assert.Throws<ConclaveConfigurationException>(() => Build(o => { o.Node = "nobody"; o.StartupTimeout = TimeSpan.FromMinutes(5); }).Dispose());

        Assert.Contains("there is no node nobody", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_name_every_problem_at_once()
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(() => new ConfigurationBuilder().AddConclave(o => { o.Node = ""; o.StartupTimeout = TimeSpan.Zero; }).Build());

        Assert.All((string[])["Endpoints is empty", "Node is empty", "StartupTimeout is"], problem => Assert.Contains(problem, refused.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_value_says_which_release_it_is_of()
    {
        long release = await shared.Node.SetAsync("named", "k", "1");
        using var built = Build("named");

        Assert.Contains($"k=1 (Conclave default/c1 r{release})", built.Root.GetDebugView(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_cache_is_not_used()
    {
        await shared.Node.SetAsync("damaged", "k", "1");
        var cache = ConclaveCache.LastGood(_directory);
        Build(o => { o.Cache = cache; o.Documents.Add("damaged"); }).Dispose();
        string file = Assert.Single(Directory.GetFiles(_directory));
        byte[] content = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        for (int at = 0; at < content.Length; at++)
        {
            byte[] other = [.. content];
            other[at] ^= 0x40;
            await File.WriteAllBytesAsync(file, other, TestContext.Current.CancellationToken);
            Assert.Throws<InvalidDataException>(() => cache.Read("default", "c1", ["damaged"]));
            await File.WriteAllBytesAsync(file, content[..at], TestContext.Current.CancellationToken);
            Assert.Throws<InvalidDataException>(() => cache.Read("default", "c1", ["damaged"]));
        }
    }

    [Fact]
    public async Task A_document_that_becomes_empty_by_mistake_is_kept()
    {
        await shared.Node.SetAsync("shrinks", "k", "1");
        using var built = Build("shrinks");

        await shared.Node.RemoveAsync("shrinks", "k");

        await RunningNode.EventuallyAsync("it is told", () => built.Provider.Problems.Any(p => p.StartsWith("shrinks has become empty", StringComparison.Ordinal)));
        Assert.Equal("1", built["shrinks:k"]);
        await shared.Node.SetAsync("shrinks", "other", "2");
        await RunningNode.EventuallyAsync("what comes then counts", () => built["shrinks:other"] == "2");
        Assert.Null(built["shrinks:k"]);
        Assert.Empty(built.Provider.Problems);
    }

    [Fact]
    public async Task A_listener_that_fails_does_not_keep_later_changes_away()
    {
        await shared.Node.SetAsync("fails", "k", "1");
        using var built = Build("fails");
        using IDisposable listening = built.Root.GetReloadToken().RegisterChangeCallback(_ => throw new InvalidOperationException("my own fault"), null);

        await shared.Node.SetAsync("fails", "k", "2");
        await RunningNode.EventuallyAsync("it is told", () => built.Provider.Problems.Any(p => p.Contains("my own fault", StringComparison.Ordinal)));
        await shared.Node.SetAsync("fails", "k", "3");

        await RunningNode.EventuallyAsync("the next one is there", () => built["fails:k"] == "3");
    }

    [Fact]
    public async Task All_documents_of_a_node_are_taken_when_none_is_named()
    {
        await using RunningNode node = await RunningNode.StartAsync();
        await node.PublishAsync(new V1.Change { Entries = { new V1.EntryEdit { Document = "a", Scope = "*", Key = "k", Op = "set", Value = "1" }, new V1.EntryEdit { Document = "b", Scope = "*", Key = "k", Op = "set", Value = "2" } } });
        using var built = Build(_ => { }, node);
        Assert.Equal(("1", "2"), (built["a:k"], built["b:k"]));

        await node.SetAsync("c", "k", "3");

        await RunningNode.EventuallyAsync("a new one comes", () => built["c:k"] == "3");
    }

    private Built Build(string document) => Build(o => o.Documents.Add(document));

    private Built Build(Action<ConclaveConfigurationOptions> configure, RunningNode? node = null) => new(new ConfigurationBuilder().AddConclave(o =>
    {
        o.Endpoints.Add((node ?? shared.Node).Endpoint);
        o.Node = "c1";
        o.StartupTimeout = TimeSpan.FromSeconds(60);
        configure(o);
    }));

    private sealed class Built(IConfigurationBuilder builder) : IDisposable
    {
        public IConfigurationRoot Root { get; } = builder.Build();

        public ConclaveConfigurationProvider Provider => (ConclaveConfigurationProvider)Root.Providers.Last();

        public string? this[string key] => Root[key];

        public void Dispose() => ((IDisposable)Root).Dispose();
    }
}
